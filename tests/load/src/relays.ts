/**
 * What a relay driver costs: CPU of this process for each message that it hands to Postfix's smtp-sink.
 *
 *     node tests/load/src/relays.ts [messages] [rounds]
 *
 * Twenty sessions send at once, each over one connection, in turns with the other driver, so that both meet the same
 * machine. The sink is another process and does not count. `proved` asks `mayEnd` before the dot, as with Kafka.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Address, ReversePath } from '@mailyard/mail';
import type { Relay, RelayConnection, Transaction } from '@mailyard/delivery-rules';
import { NodemailerRelay } from '@mailyard/nodemailer-relay';
import { SmtpRelay } from '@mailyard/smtp-client';
import { freePort } from '@mailyard/testkit/services/free-port';

const SESSIONS = 20;
const messages = Number(process.argv[2] ?? 10_000);
const rounds = Number(process.argv[3] ?? 3);

const RELAYS: Readonly<Record<string, () => Relay>> = {
  'smtp-client': () => new SmtpRelay({ incarnation: 'load' }),
  nodemailer: () => new NodemailerRelay({ incarnation: 'load' }),
};

const port = await freePort();
const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
const sink = spawn('/usr/sbin/smtp-sink', [...user, `127.0.0.1:${port}`, '1000'], { stdio: 'ignore' });
try {
  await untilListening(port);
  for (const sizeOctets of [4_096, 40_960]) {
    for (const proved of [false, true]) {
      const costs = new Map(Object.keys(RELAYS).map((name) => [name, [] as number[]]));
      for (let round = 0; round < rounds; round++) {
        for (const [name, make] of Object.entries(RELAYS)) {
          costs.get(name)!.push(await measure(make(), sizeOctets, proved));
        }
      }
      for (const [name, each] of costs) {
        const sorted = each.toSorted((a, b) => a - b).map((cost) => cost.toFixed(1));
        const line = [name, sizeOctets, proved ? 'proved' : 'plain', sorted[0], sorted[sorted.length >> 1]];
        process.stdout.write(`${line.join('\t')} us (min, median)\n`);
      }
    }
  }
} finally {
  sink.kill();
}

/** Microseconds of CPU, all threads of this process, for each message. */
async function measure(relay: Relay, sizeOctets: number, proved: boolean): Promise<number> {
  const host = { name: 'localhost', address: '127.0.0.1', port };
  const sessions: RelayConnection[] = [];
  for (let i = 0; i < SESSIONS; i++) {
    const opened = await relay.connect(host, { heloName: 'load.test', tls: 'none' });
    if (!('send' in opened)) throw new Error(`${opened.stage}: ${opened.reason}`);
    sessions.push(opened);
  }
  const transaction = makeTransaction(sizeOctets, proved);
  await send(sessions, transaction, Math.ceil(messages / 10));
  const before = process.cpuUsage();
  await send(sessions, transaction, messages);
  const { user, system } = process.cpuUsage(before);
  await Promise.all(sessions.map((session) => session.close()));
  return (user + system) / messages;
}

async function send(sessions: readonly RelayConnection[], transaction: Transaction, count: number): Promise<void> {
  let left = count;
  const work = async (session: RelayConnection): Promise<void> => {
    while (left-- > 0) {
      const [result] = await session.send(transaction);
      if (result?.kind !== 'accepted') throw new Error(JSON.stringify(result));
    }
  };
  await Promise.all(sessions.map(work));
}

/** A prefix and a body, as a copy has them. */
function makeTransaction(sizeOctets: number, proved: boolean): Transaction {
  const prefix = Buffer.from('Received: from a.test by b.test; Tue, 24 Nov 2026 04:28:38 +0000\r\nSubject: x\r\n\r\n');
  const body = Buffer.from(
    '0123456789'
      .repeat(7)
      .concat('\r\n')
      .repeat(sizeOctets)
      .slice(0, sizeOctets - prefix.length - 2)
      .concat('\r\n'),
  );
  return {
    reversePath: 'from@sender.test' as ReversePath,
    recipients: [{ recipient: 0, forwardPath: 'to@rcpt.test' as Address }],
    eightBit: false,
    smtpUtf8: false,
    content: { sizeOctets, octets: [prefix, body] },
    ...(proved ? { mayEnd: () => true } : {}),
  };
}

async function untilListening(at: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    const socket = connect(at, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      socket.destroy();
    }
  }
}
