/** Ingress as programs of others see it. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  HostAccessTable,
  MailPolicyTable,
  RecipientAccessTable,
  RecipientRewriting,
  VirtualGatewayMap,
} from '@mailyard/access';
import { DkimProfileTable } from '@mailyard/configuration';
import { decoyKeys, makeScramKeys } from '@mailyard/credentials';
import { InProcessPressureBoard, MemoryBodyStore, MemoryQueueLog } from '@mailyard/memory';
import type { MessageAccepted, PartitionHandler, QueueRecord } from '@mailyard/queue';
import { makeCertificate } from '@mailyard/testkit/certificate';
import { findProgram, runCommand } from '@mailyard/testkit/services/command';
import { requireService } from '@mailyard/testkit/services/require-service';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ingress, startIngress } from './start-ingress.ts';

const records: QueueRecord[] = [];
const queueLog = new MemoryQueueLog();
const bodyStore = new MemoryBodyStore();
let ingress: Ingress;

beforeAll(async () => {
  const handler: PartitionHandler = {
    assigned: () => undefined,
    records: (_partition, logged) => {
      for (const { record } of logged) if (record.type !== 'Undecodable') records.push(record);
    },
    reset: () => undefined,
    revoked: () => undefined,
  };
  await queueLog.join(handler);
  const { cert: certificate, key } = makeCertificate(['mx.example.net']);
  let icid = 0;
  const keys = await makeScramKeys('open sesame');
  const pressure = new InProcessPressureBoard();
  pressure.publish(0, 0);
  ingress = await startIngress(
    [
      { isImplicit: false, isRequired: false, isAllowedInClear: false },
      { isImplicit: true, isRequired: true, isAllowedInClear: false },
      { isImplicit: false, isRequired: true, isAllowedInClear: true },
    ].map(({ isImplicit, ...authentication }) => ({
      host: '127.0.0.1',
      port: 0,
      receiver: {
        hostname: 'mx.example.net',
        maxMessageOctets: 10_000_000,
        maxRecipients: 1000,
        maxConnections: 100,
        maxConnectionsPerClient: 100,
        maxErrors: 20,
        commandTimeoutMs: 60_000,
        contentTimeoutMs: 60_000,
        nextIcid: () => String(++icid),
        tls: { certificate, key, isImplicit },
        authentication,
      },
      settings: {
        hostname: 'mx.example.net',
        listener: 'public',
        inlineOctets: 100_000,
        maxAgeSeconds: 259_200,
        maxReceivedFields: 100,
      },
    })),
    {
      queueLog,
      bodyStore,
      routes: { peek: () => undefined, lookup: async () => 'unknown', onChange: () => undefined, version: 1 },
      access: {
        current: () => ({
          recipients: RecipientAccessTable.read([
            { recipient: 'example.org', action: 'ACCEPT' },
          ]) as RecipientAccessTable,
          policies: MailPolicyTable.read([]) as MailPolicyTable,
          outgoing: MailPolicyTable.read([]) as MailPolicyTable,
          hosts: HostAccessTable.read([], []) as HostAccessTable,
          gateways: VirtualGatewayMap.EMPTY,
          rewriting: RecipientRewriting.NONE,
          version: 1,
          dkim: DkimProfileTable.EMPTY,
        }),
      },
      pressure,
      smtpUsers: {
        account: (name) =>
          Promise.resolve(
            name === 'ada' ? { isKnown: true, keys } : { isKnown: false, keys: decoyKeys(name, keys.salt) },
          ),
      },
      health: { away: () => undefined, localShare: () => 0 },
      dns: { namesOf: async () => [], addressesOf: async () => [] },
      clock: { now: Date.now, random: (octets) => randomBytes(octets) },
    },
  );
});

afterAll(async () => {
  await ingress.stop(0);
  await queueLog.close();
});

async function acceptances(count: number): Promise<MessageAccepted[]> {
  for (;;) {
    const found = records.filter((record) => record.type === 'MessageAccepted');
    if (found.length >= count) return found.splice(-count);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function contentOf(accepted: MessageAccepted): Promise<string> {
  const [body] = accepted.bodies;
  if (body?.kind !== 'stored') return Buffer.from(body!.octets).toString('latin1');
  const pieces: Uint8Array[] = [];
  for await (const piece of await bodyStore.get(body.key)) pieces.push(piece);
  return Buffer.concat(pieces).toString('latin1');
}

const server = (): string => `127.0.0.1:${ingress.addresses[0]!.port}`;
const noSwaks = await requireService('swaks');
const noPostfix = await requireService('postfix');

describe.skipIf(noSwaks !== undefined)(`swaks ${noSwaks === undefined ? '' : `(${noSwaks})`}`, () => {
  const swaks = (...words: string[]): Promise<string> =>
    runCommand(findProgram('swaks')!, ['--server', server(), '--from', 'a@example.com', ...words]);

  it('sends a message in the clear, and reads its id', async () => {
    const output = await swaks('--to', 'u@example.org', '--ehlo', 'client.example', '--body', 'hello');
    const [accepted] = await acceptances(1);
    expect(output).toContain(`250 2.0.0 Ok: queued as ${accepted!.message}`);
    expect(await contentOf(accepted!)).toMatch(
      /^Received: from client\.example \(\[127\.0\.0\.1\]\)\r\n\tby mx\.example\.net \(Mailyard\) with ESMTP id [^\r]*\r\n\tfor <u@example\.org>;/,
    );
  });

  it('sends without waiting for replies (PIPELINING)', async () => {
    await swaks('--to', 'u@example.org,v@example.org', '--pipeline');
    const [accepted] = await acceptances(1);
    expect(accepted!.recipientCount).toBe(2);
  });

  it('is told that we do not relay', async () => {
    await expect(swaks('--to', 'u@elsewhere.test')).rejects.toThrow(/550 5\.7\.1/);
  });

  const inClear = (...words: string[]): Promise<string> =>
    swaks('--to', 'u@elsewhere.test', '--server', `127.0.0.1:${ingress.addresses[2]!.port}`, ...words);

  it.each(['PLAIN', 'LOGIN'])('sends to anyone after AUTH %s (R129)', async (mechanism) => {
    await inClear('-a', mechanism, '-au', 'ada', '-ap', 'open sesame');
    const [accepted] = await acceptances(1);
    expect(await contentOf(accepted!)).toMatch(/ with ESMTPA id [^]*for <u@elsewhere\.test>/);
    expect(accepted!.injection.user).toBe('ada');
  });

  it('does not send after a wrong password, nor without one where it must, nor gives one in clear where it may not', async () => {
    await expect(inClear('-a', 'PLAIN', '-au', 'ada', '-ap', 'x')).rejects.toThrow(/535 5\.7\.8/);
    await expect(inClear()).rejects.toThrow(/530 5\.7\.0/);
    await expect(swaks('--to', 'u@example.org', '-a', 'PLAIN', '-au', 'ada', '-ap', 'open sesame')).rejects.toThrow(
      /did not advertise/,
    );
  });
});

const curl = findProgram('curl');

describe.skipIf(curl === undefined)('curl', () => {
  it.each([
    ['smtps and AUTH PLAIN', 'smtps', 1, 'PLAIN'],
    ['STARTTLS and AUTH LOGIN', 'smtp', 0, 'LOGIN'],
  ])('sends to anyone by %s, and not without AUTH (RFC 8314 §3.3, R129)', async (_how, scheme, listener, mechanism) => {
    const { port } = ingress.addresses[listener]!;
    const folder = await mkdtemp(join(tmpdir(), 'mailyard-curl-'));
    const file = join(folder, 'mail');
    await writeFile(file, 'Subject: x\r\n\r\ny\r\n');
    const words = ['-sSv', '-k', '--ssl-reqd', `${scheme}://127.0.0.1:${port}/client.example`, '-T', file];
    words.push('--mail-from', 'a@example.com', '--mail-rcpt', 'u@elsewhere.test');
    const login = ['-u', 'ada:open sesame', '--login-options', `AUTH=${mechanism}`];
    await runCommand(curl!, [...words, ...login]);
    const [accepted] = await acceptances(1);
    expect(accepted!.injection).toMatchObject({ user: 'ada', helo: 'client.example' });
    expect(await contentOf(accepted!)).toContain(' with ESMTPSA id ');
    await expect(runCommand(curl!, words)).rejects.toThrow(/530 5\.7\.0|550 5\.7\.1/);
    await rm(folder, { recursive: true });
  });
});

describe('nodemailer', () => {
  it('sends a message under TLS', async () => {
    const [host, port] = server().split(':') as [string, string];
    const client = createTransport({ host, port: Number(port), requireTLS: true, tls: { rejectUnauthorized: false } });
    await client.sendMail({ from: 'a@example.com', to: 'u@example.org', subject: 'caf\u00e9', text: 'secret' });
    client.close();
    const [accepted] = await acceptances(1);
    expect(await contentOf(accepted!)).toMatch(/ with ESMTPS id [^]*\r\n\r\nsecret\r\n$/);
    expect(accepted!.headerMessageId).toMatch(/^<.*@example\.com>$/);
  });
});

describe.skipIf(noPostfix !== undefined)(`smtp-source ${noPostfix === undefined ? '' : `(${noPostfix})`}`, () => {
  it.each([
    ['4 KiB, sessions kept', 4096, ['-d']],
    ['40 KiB, a session each', 40_960, []],
    ['stored bodies of 200 KiB', 204_800, ['-d']],
  ])('sends 100 messages in 10 sessions: %s', async (_name, size, more) => {
    const before = records.filter((record) => record.type === 'MessageAccepted').length;
    const words = ['-m', '100', '-s', '10', '-l', String(size), '-f', 'a@example.com', '-t', 'u@example.org', '-N'];
    await runCommand(findProgram('smtp-source')!, [...words, ...more, `inet:${server()}`]);
    const all = await acceptances(before + 100);
    expect(new Set(all.map(({ message }) => message)).size).toBe(before + 100);
    const content = await contentOf(all.at(-1)!);
    expect(content.length).toBe(all.at(-1)!.copies[0]!.sizeOctets);
    expect(content.length).toBeGreaterThan(size - 100);
  });
});
