import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { InjectionHandler, ReceiverOptions } from './handler.ts';
import { createSecureContext } from 'node:tls';
import { Injection } from './injection.ts';
import { REPLIES, writeReply } from './replies.ts';
import { readShared } from './shared-read.ts';

const SWEEP_MS = 500;

/** A listening SMTP server. */
export interface Receiver {
  readonly address: { readonly host: string; readonly port: number };
  readonly connections: number;
  /** Takes no new connection, dismisses idle ones with 421, waits for open transactions up to a limit, then cuts. */
  stop(limitMs: number): Promise<void>;
}

/**
 * Listens for SMTP.
 *
 * @throws what the system says when the address cannot be had (EADDRINUSE, EACCES)
 */
export async function startReceiver(
  host: string,
  port: number,
  options: ReceiverOptions,
  handler: InjectionHandler,
): Promise<Receiver> {
  const injections = new Map<Socket, Injection>();
  const perClient = new Map<string, number>();
  const { tls } = options;
  const secureContext = tls && createSecureContext({ cert: tls.certificate, key: tls.key });
  let stopping = false;

  const server = createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: true }, (accepted) => {
    const client = accepted.remoteAddress ?? '';
    const ofClient = perClient.get(client) ?? 0;
    if (stopping || injections.size >= options.maxConnections || ofClient >= options.maxConnectionsPerClient) {
      const reply = stopping ? REPLIES.closing : REPLIES.tooManyConnections;
      handler.refused?.(client, reply);
      accepted.on('error', () => undefined);
      if (tls?.isImplicit === true) accepted.destroy();
      else accepted.end(writeReply(reply), () => accepted.destroy());
      return;
    }
    perClient.set(client, ofClient + 1);
    // What begins with TLS is read by TLS.
    const shared = tls?.isImplicit === true ? undefined : readShared(accepted, (octets) => injection.borrow(octets));
    const socket = shared ?? accepted;
    const injection = new Injection(socket, options, secureContext, handler);
    injections.set(socket, injection);
    socket.once('close', () => {
      injections.delete(socket);
      const left = perClient.get(client)! - 1;
      if (left === 0) perClient.delete(client);
      else perClient.set(client, left);
    });
    injection.greet().catch(() => socket.destroy());
  });
  server.listen(port, host);
  await once(server, 'listening');

  // One sweep for all: a timer for each connection would be set again at each command.
  const sweep = setInterval(() => {
    const now = performance.now();
    for (const injection of injections.values()) if (injection.deadline <= now) injection.expire();
  }, SWEEP_MS);

  return {
    address: addressOf(server),
    get connections() {
      return injections.size;
    },
    async stop(limitMs) {
      stopping = true;
      const closed = once(server, 'close');
      server.close();
      const until = performance.now() + limitMs;
      while (injections.size > 0 && performance.now() < until) {
        for (const injection of injections.values()) if (injection.idle) injection.dismiss(REPLIES.closing);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      for (const socket of injections.keys()) socket.destroy();
      await closed;
      clearInterval(sweep);
    },
  };
}

function addressOf(server: Server): { host: string; port: number } {
  const { address, port } = server.address() as AddressInfo;
  return { host: address, port };
}
