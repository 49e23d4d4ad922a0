import { type AddressInfo, createServer, type Server } from 'node:net';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { findProgram } from '@mailyard/testkit/services/command';
import { freePort } from '@mailyard/testkit/services/free-port';
import { isListening, until } from '@mailyard/testkit/services/service-unit';

/** Next hops that are no good: where they are, and how to end them. */
export interface BadHosts {
  /** A destination for each domain. */
  readonly destinations: readonly string[];
  stop(): Promise<void>;
}

/** Takes connections and speaks a byte a second. */
export async function startSlowHost(): Promise<BadHosts> {
  const server: Server = createServer((socket) => {
    let unsaid = '220 slow.load.test ESMTP\r\n';
    const speaking = setInterval(() => {
      socket.write(unsaid.slice(0, 1));
      unsaid = unsaid.slice(1);
    }, 1000);
    socket.on('data', (octets) => {
      if (octets.includes(0x0a)) unsaid += '250 Ok\r\n';
    });
    socket.on('error', () => undefined);
    socket.on('close', () => clearInterval(speaking));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    destinations: [`127.0.0.1:${(server.address() as AddressInfo).port}`],
    stop: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

/** Answers every RCPT with 450. */
export async function startDeferringHost(): Promise<BadHosts> {
  const port = await freePort();
  const program = findProgram('smtp-sink');
  if (program === undefined) throw new Error('smtp-sink of Postfix is needed');
  const words = ['-4', '-r', 'RCPT', '-m', '1000', '-u', 'nobody', `127.0.0.1:${port}`, '1024'];
  const child = spawn(program, words, { stdio: 'ignore' });
  await until(
    () => isListening(port),
    10_000,
    () => 'smtp-sink does not listen',
  );
  return {
    destinations: [`127.0.0.1:${port}`],
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Hosts that refuse connections, each with an address of its own. */
export async function deadHosts(count: number): Promise<BadHosts> {
  const port = await freePort();
  return {
    destinations: Array.from({ length: count }, (_, at) => `127.1.${Math.floor(at / 250)}.${(at % 250) + 1}:${port}`),
    stop: () => Promise.resolve(),
  };
}
