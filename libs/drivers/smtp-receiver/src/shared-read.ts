/**
 * Reading accepted connections into one buffer that all of them share, in place of a new one of 64 KiB for each read,
 * which V8 would count as memory in need of collection.
 *
 * Node reads so where a socket was made with `onread`, which it offers for sockets that one makes oneself but not for
 * those that a server accepts. So the accepted socket hands its handle to one that is made here, and stays behind only
 * to be counted by its server. `_handle` and the option `handle` are Node's own names, not its documented interface:
 * where they are missing the accepted socket is used as it is, and reads as ever.
 */
import { Socket, type SocketConstructorOpts } from 'node:net';

/** Whatever is in it is read by the callback before the next read begins: reading is a step of the loop for each. */
const SHARED = Buffer.allocUnsafeSlow(65_536);

interface Handle {
  readonly useUserBuffer?: unknown;
}

/**
 * Takes over a socket that a server with `pauseOnConnect` has just accepted.
 *
 * @param borrow called with the octets of each read, which are overwritten once it returns
 * @returns the socket to use from now on; it emits no 'data'. Undefined where this Node cannot do it
 */
export function readShared(accepted: Socket, borrow: (octets: Buffer) => void): Socket | undefined {
  const internals = accepted as unknown as { _handle?: Handle | null };
  const handle = internals._handle;
  if (typeof handle?.useUserBuffer !== 'function') return undefined;
  internals._handle = null;
  const callback = (count: number): boolean => {
    borrow(SHARED.subarray(0, count));
    return true;
  };
  const options = { handle, allowHalfOpen: accepted.allowHalfOpen, onread: { buffer: SHARED, callback } };
  const socket = new Socket(options as unknown as SocketConstructorOpts);
  socket.once('close', () => accepted.destroy());
  return socket;
}
