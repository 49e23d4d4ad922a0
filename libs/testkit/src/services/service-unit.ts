import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** One server, a process here or a container, that tests start, kill and start again on its old data. */
export interface ServiceUnit {
  /** Starts it, or starts it again; resolves once it answers. */
  start(): Promise<void>;
  /** Ends it in order. Harmless to repeat. */
  stop(): Promise<void>;
  /** Ends it with SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
  /** Holds it still (SIGSTOP), as a slow disk would, until {@link thaw}. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Stops it and removes what it kept. */
  remove(): Promise<void>;
}

/** Tries until `probe` answers true; throws `reason()` after the limit. */
export async function until(
  probe: () => boolean | Promise<boolean>,
  limitMs: number,
  reason: () => string,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await probe())) {
    if (performance.now() > end) throw new Error(reason());
    await sleep(30);
  }
}

/** Whether anything takes connections at a port of loopback. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const answer = (listening: boolean): void => {
      socket.destroy();
      resolve(listening);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}
