/**
 * What an engine that receives costs: CPU of this process for each message that Postfix's smtp-source hands to it.
 *
 *     node tests/load/src/receivers.ts [messages] [rounds]
 *
 * Twenty sessions, kept; content is read and forgotten. The engines take turns, so that all meet the same machine.
 * smtp-source is another process and does not count. `smtp-server alone` is the package without our guard before it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { reply } from '@mailyard/mail';
import { type InjectionHandler, type ReceiverOptions, startReceiver } from '@mailyard/smtp-receiver';
import { startSmtpServerReceiver } from '@mailyard/smtp-server-listener';
import { findProgram } from '@mailyard/testkit/services/command';
import { SMTPServer } from 'smtp-server';

const SESSIONS = 20;
const messages = Number(process.argv[2] ?? 10_000);
const rounds = Number(process.argv[3] ?? 3);

interface Engine {
  readonly port: number;
  stop(): Promise<void>;
}

const QUEUED = reply(250, '2.0.0', 'Ok: queued');
const TAKEN = reply(250, '2.1.5', 'Ok');

/** Answers everything at once and keeps nothing. */
const forgetful: InjectionHandler = {
  connect: () => ({ code: 220, text: '' }),
  closed: () => undefined,
  mail: () => ({
    rcpt: () => TAKEN,
    content: () => ({ write: () => undefined, end: () => QUEUED, abort: () => undefined }),
    reset: () => undefined,
  }),
};

let icid = 0;
const options: ReceiverOptions = {
  hostname: 'load.test',
  maxMessageOctets: 100_000_000,
  maxRecipients: 1000,
  maxConnections: 1000,
  maxConnectionsPerClient: 1000,
  maxErrors: 20,
  commandTimeoutMs: 300_000,
  contentTimeoutMs: 180_000,
  nextIcid: () => String(++icid),
};

async function startOurs(start: typeof startReceiver): Promise<Engine> {
  const receiver = await start('127.0.0.1', 0, options, forgetful);
  return { port: receiver.address.port, stop: () => receiver.stop(0) };
}

async function startAlone(): Promise<Engine> {
  const server = new SMTPServer({
    logger: false,
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    onData(stream, _session, done) {
      stream.on('end', () => done(null, 'queued')).resume();
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  return { port, stop: () => new Promise((resolve) => server.close(resolve)) };
}

const ENGINES: Readonly<Record<string, () => Promise<Engine>>> = {
  native: () => startOurs(startReceiver),
  'smtp-server guarded': () => startOurs(startSmtpServerReceiver),
  'smtp-server alone': startAlone,
};

const source = findProgram('smtp-source');
if (source === undefined) throw new Error('smtp-source of Postfix is needed');
for (const sizeOctets of [4_096, 40_960]) {
  const costs = new Map(Object.keys(ENGINES).map((name) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, start] of Object.entries(ENGINES)) {
      const engine = await start();
      await send(source, engine.port, sizeOctets, Math.ceil(messages / 10));
      const before = process.cpuUsage();
      await send(source, engine.port, sizeOctets, messages);
      const { user, system } = process.cpuUsage(before);
      costs.get(name)!.push((user + system) / messages);
      await engine.stop();
    }
  }
  for (const [name, each] of costs) {
    const sorted = each.toSorted((a, b) => a - b).map((cost) => cost.toFixed(0));
    process.stdout.write(`${name}\t${sizeOctets}\t${sorted[0]} / ${sorted[sorted.length >> 1]} us (min / median)\n`);
  }
}

async function send(program: string, port: number, sizeOctets: number, count: number): Promise<void> {
  const words = ['-d', '-N', '-m', String(count), '-s', String(SESSIONS), '-l', String(sizeOctets)];
  const child = spawn(program, [...words, '-f', 'a@load.test', '-t', 'u@load.test', `inet:127.0.0.1:${port}`], {
    stdio: 'inherit',
  });
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) throw new Error(`smtp-source ended with ${status}`);
}
