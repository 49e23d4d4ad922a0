import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Admin, startAdmin } from '@mailyard/admin';
import type { QueueOwner } from '@mailyard/delivery-rules';
import { GrpcServer } from '@mailyard/grpc';
import { type Address, MtaError } from '@mailyard/mail';
import { MemoryQueueLog } from '@mailyard/memory';
import { type Incarnation, makeMessageId, type QueueRecord } from '@mailyard/queue';
import { createLogger } from '@mailyard/telemetry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from './served-routing.suite.ts';

const folder = mkdtempSync(join(tmpdir(), 'queue-'));
const log = new MemoryQueueLog();
const message = makeMessageId(Date.now(), new Uint8Array(10).fill(7));
const grpc = new GrpcServer({ address: '127.0.0.1:0', report: () => undefined });
let admin: Admin;
let address: string;

const ended: unknown[] = [];
let breaksOff = false;
const retried: unknown[] = [];
const HEADER = 'Subject: \u001b[31mred\r\n\tfolded\r\nX-Octets: \u00e9\r\n';
const CONTENT = `${HEADER}\r\nbody \u0000\u001b]0;x\u0007\r\n`;
const row = {
  ...{ partition: 0, message, acceptedAt: 1_000, reversePath: null, headerMessageId: '<7@sender.example>' },
  ...{ sizeOctets: 400, accepted: 2, waiting: 1, forwardPath: 'ann@x.example', nextAttemptAt: 60_000 },
};
const owner: QueueOwner = {
  census: () => ({ version: 1, moving: 0, waiting: [], blocked: [], hosts: [] }),
  status: () => ({ partitions: [0], waiting: 1, destinationCount: 1, outcomeUnknown: 0 }),
  destinations: () => [
    {
      destination: 'h.example:25',
      domains: ['x.example'],
      domainCount: 1,
      waiting: 1,
      underway: 0,
      connections: 0,
      delivered: 0,
      softBounced: 2,
      hardBounced: 0,
      state: 'down',
      hosts: [{ host: 'h.example [192.0.2.1]:25', state: 'down', downUntil: 60_000 }],
      nextAttemptAt: 60_000,
      oldestAt: 1_000,
      lastReply: { code: 421, text: 'go\u001b[31m away' },
    },
  ],
  waiting: (scope) => ({
    recipients:
      scope.kind === 'domain' && scope.domain === 'nothing.example'
        ? []
        : [
            {
              partition: 0,
              message,
              recipient: 1,
              mid: `${message}-1`,
              reversePath: null,
              forwardPath: 'ann@x.example',
              acceptedAt: 1_000,
              dueAt: 60_000,
              expiresAt: 259_200_000,
              retries: 2,
              outcomeUnknown: true,
              lastHost: 'h.example [192.0.2.1]:25',
            },
          ],
    next: undefined,
  }),
  count: () => 0,
  retryNow: (scope) => {
    retried.push(scope);
    return 1;
  },
  message: async (id, copy) =>
    id !== message || (copy !== undefined && copy > 1)
      ? undefined
      : {
          summary: row,
          injection: { icid: 'i-1', listener: 'public', clientAddress: '192.0.2.9', helo: 'mail\u001b.example' },
          ...{ eightBit: true, smtpUtf8: false, ret: 'FULL', envid: 'e+20' },
          copies: [0, 1]
            .filter((number) => copy === undefined || copy === number)
            .map((number) => ({
              ...{ mid: `${message}-${number + 1}`, policy: 'DEFAULT', priority: 0 },
              ...{ sizeOctets: 400, expiresAt: 259_200_000 },
            })),
          recipients: [
            {
              ...{ partition: 0, message, recipient: 1, mid: `${message}-1`, reversePath: null },
              ...{ forwardPath: 'ann@x.example', acceptedAt: 1_000, dueAt: 60_000, expiresAt: 259_200_000 },
              ...{ retries: 2, outcomeUnknown: true, lastHost: 'h.example [192.0.2.1]:25' },
              ...{ destination: 'h.example:25', underwayTo: undefined, notify: 'FAILURE' },
            },
          ],
        },
  async *content(_message, copy, part) {
    if (copy === 1) throw new MtaError('BODY_STORE_AWAY', 'the store is away');
    const octets = Buffer.from(part === 'header' ? HEADER : CONTENT);
    for (let at = 0; at < octets.length; at += 7) yield octets.subarray(at, at + 7);
  },
  oldest: async (scope, limit) => (scope.kind === 'all' ? [row].slice(0, limit) : []),
  end: (scope, ending, after) => {
    ended.push({ scope, ending, after });
    if (after !== undefined && breaksOff)
      return Promise.resolve({ recipients: 0, leftAlone: 0, next: undefined, problem: 'lost' });
    return Promise.resolve({ recipients: 2, leftAlone: 1, next: after === undefined ? 'on' : undefined });
  },
};

beforeAll(async () => {
  admin = await startAdmin({
    queueLog: log,
    trackingFile: join(folder, 'tracking.sqlite'),
    retentionDays: 7,
    silentAfterMs: 3_600_000,
    grpc,
    owners: [owner],
    logger: createLogger({ write: () => undefined }),
  });
  address = await grpc.listen();
  await log.append(0, [
    { type: 'PartitionClaimed', worker: 'w', incarnation: 'i' as Incarnation, claim: 1, mark: 0, at: Date.now() },
  ]);
  await log.append(0, mail());
  await log.append(0, attempt());
});
afterAll(async () => {
  await grpc.stop(100);
  await admin.stop();
  rmSync(folder, { recursive: true });
});

function mail(): QueueRecord[] {
  const queued = ['joe@x.example', 'ann@x.example'].map(
    (forwardPath, recipient): QueueRecord => ({
      type: 'RecipientQueued',
      message,
      recipient,
      copy: 0,
      forwardPath: forwardPath as Address,
    }),
  );
  const accepted: QueueRecord = {
    type: 'MessageAccepted',
    message,
    at: Date.now(),
    injection: { icid: 'i-1', listener: 'public', clientAddress: '192.0.2.9', helo: 'mail.sender.example' },
    reversePath: null,
    eightBit: false,
    smtpUtf8: false,
    headerMessageId: '<7@sender.example>',
    copies: [
      {
        policy: 'DEFAULT',
        priority: 0,
        body: 0,
        prefix: new Uint8Array(),
        skipOctets: 0,
        sizeOctets: 400,
        expiresAt: 0,
      },
    ],
    bodies: [{ kind: 'inline', octets: new Uint8Array(400) }],
    recipientCount: 2,
  };
  return [accepted, ...queued];
}

function attempt(): QueueRecord[] {
  const attempted = { term: 0, sequence: 1 };
  const where = { host: 'h.example [192.0.2.1]:25', route: '.example', routeVersion: 4, at: Date.now() };
  const outcome = { message, attempt: attempted, dcid: 'd-1', ...where };
  return [
    {
      type: 'AttemptIntended',
      message,
      recipients: [0, 1],
      attempt: attempted,
      incarnation: 'i' as Incarnation,
      ...where,
    },
    {
      type: 'RecipientDelivered',
      recipient: 0,
      ...outcome,
      reply: { code: 250, enhancedStatus: '2.0.0', text: 'Ok \u001b]0;x\u0007' },
    },
    {
      type: 'RecipientDeferred',
      recipient: 1,
      ...outcome,
      stage: 'endOfData',
      dueAt: 60_000,
      countsAsRetry: true,
      outcomeUnknown: true,
    },
  ];
}

const mailyard = (...words: string[]) => runProgram([...words, '--server', address], folder);
const json = async (...words: string[]): Promise<unknown> => {
  const { stdout, status, stderr } = await mailyard(...words, '--json');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout);
};

describe('mailyard queue', () => {
  it('status adds up and names the destinations', async () => {
    expect(await json('queue', 'status')).toMatchObject({
      accepted: 2,
      delivered: 1,
      bounced: 0,
      expired: 0,
      dropped: 0,
      removed: 0,
      waiting: 1,
      outcomeUnknown: 1,
      untracked: 0,
      destinations: [
        {
          destination: 'h.example:25',
          waiting: 1,
          state: 'down',
          nextAttemptAt: '1970-01-01T00:01:00.000Z',
          hosts: [{ state: 'down', downUntil: '1970-01-01T00:01:00.000Z' }],
        },
      ],
      silentOwners: [],
      unownedPartitions: [],
    });
    const { stdout } = await mailyard('queue', 'status');
    expect(stdout).toMatch(/^ {2}accepted {3}2$/m);
    expect(stdout).toMatch(/h\.example:25 {2}down +1 +0 +0 {2}1970-01-01 00:01:00Z {2}421 go\\x1b\[31m away/);
    expect(stdout).not.toContain('\u001b');
  });

  it('list shows who waits, in JSON and for people', async () => {
    expect(await json('queue', 'list')).toMatchObject([
      {
        mid: `${message}-1`,
        recipient: 1,
        forwardPath: 'ann@x.example',
        reversePath: null,
        retries: 2,
        outcomeUnknown: true,
      },
    ]);
    expect((await mailyard('queue', 'list')).stdout).toMatch(/ann@x\.example.*\(outcome unknown\)/);
    expect((await mailyard('queue', 'list', '--domain', 'nothing.example')).stdout).toBe('Nothing waits\n');
  });

  it('retry tells how many are due now', async () => {
    expect(await json('queue', 'retry', '--all')).toEqual({ recipients: 1, silentOwners: [] });
    expect((await mailyard('queue', 'retry', '--domain', 'x.example')).stdout).toBe('1 recipient is due now\n');
  });

  it('retry takes a destination, and never more than was named', async () => {
    retried.length = 0;
    expect(await json('queue', 'retry', '--destination', 'h.example:25')).toMatchObject({ recipients: 1 });
    expect(retried).toEqual([{ kind: 'destination', destination: 'h.example:25' }]);
  });

  it('R212 show tells envelope, recipients with the last try, and the header, with nothing that a terminal obeys', async () => {
    const { stdout, stderr, status } = await mailyard('queue', 'show', `${message.toUpperCase()}-1`);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^came by +ICID i-1 listener public from 192\.0\.2\.9 \(mail\\x1b\.example\)$/m);
    expect(stdout).toMatch(/^parameters +BODY=8BITMIME RET=FULL ENVID=e\+20$/m);
    expect(stdout).toMatch(/^recipients +1 of 2 wait$/m);
    expect(stdout).toContain(`RID 1  MID ${message}-1  <ann@x.example> NOTIFY=FAILURE\n`);
    expect(stdout).toMatch(
      /next attempt 1970-01-01 00:01:00Z, 2 retries, destination h\.example:25, outcome unknown$/m,
    );
    expect(stdout).toMatch(
      /last try .*: host h\.example \[192\.0\.2\.1\]:25, at endOfData, route \.example version 4$/m,
    );
    expect(stdout).toContain(`Header of ${message}-1\n  Subject: \\x1b[31mred\n  \tfolded\n  X-Octets: \u00e9\n`);
    expect(stdout).not.toContain('\u001b');
  });

  it('R212 show in JSON has the header as text, and says which could not be read', async () => {
    const { stdout, stderr, status } = await mailyard('queue', 'show', message, '--json');
    expect(status).toBe(1);
    expect(stderr).toContain(`the header of ${message}-2 is left out: the store is away`);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ message, accepted: 2, waiting: 1, reversePath: null, ret: 'FULL', envid: 'e+20', gateway: null },
      copies: [
        { mid: `${message}-1`, header: HEADER },
        { mid: `${message}-2`, header: null },
      ],
      recipients: [{ recipient: 1, destination: 'h.example:25', underwayTo: null, lastTry: { route: '.example' } }],
    });
  });

  it('R212 show --content to a pipe is what is stored, octet for octet', async () => {
    const { stdout, stderr, status } = await mailyard('queue', 'show', `${message}-1`, '--content');
    expect({ status, stderr, stdout }).toEqual({ status: 0, stderr: '', stdout: CONTENT });
  });

  it('R212 oldest names the message that has waited longest', async () => {
    expect(await json('queue', 'oldest')).toMatchObject([
      { message, acceptedAt: '1970-01-01T00:00:01.000Z', waiting: 1 },
    ]);
    const { stdout } = await mailyard('queue', 'oldest', '--limit', '5');
    expect(stdout).toMatch(new RegExp(`${message} .*\\d+d \\d+h +400  <> +ann@x\\.example`));
    expect((await mailyard('queue', 'oldest', '--domain', 'nothing.example')).stdout).toBe('Nothing waits\n');
  });

  it('R212 remove and bounce go on to the end, with reason and author', async () => {
    ended.length = 0;
    const { stdout, stderr, status } = await mailyard('queue', 'remove', '--sender', '<>', '--dry-run', '--json');
    const figures = { recipients: 4, leftAlone: 2, silentOwners: [], unownedPartitions: [] };
    expect({ status, json: JSON.parse(stdout) as unknown }).toEqual({
      status: 0,
      json: { ...figures, isDryRun: true },
    });
    expect(stderr).toContain('2 recipients left alone');
    const scope = { kind: 'sender', reversePath: null };
    expect(ended).toEqual([
      { scope, ending: undefined, after: undefined },
      { scope, ending: undefined, after: 'on' },
    ]);
    const words = [
      'queue',
      'bounce',
      'yes',
      '--message',
      `${message}-2`,
      '--rid',
      '1',
      '--reason',
      'spam run',
      '--author',
      'ann',
    ];
    expect((await mailyard(...words)).stdout).toBe('4 recipients bounced\n');
    expect(ended.at(-1)).toEqual({
      scope: { kind: 'message', message, copy: 1, recipient: 1 },
      ending: { kind: 'bounce', reason: 'spam run', author: 'ann' },
      after: 'on',
    });
  });

  it('R212 remove that breaks off tells what was removed until then', async () => {
    breaksOff = true;
    const { status, stdout, stderr } = await mailyard('queue', 'remove', '--all', '--reason', 'x', 'yes');
    breaksOff = false;
    expect({ status, stdout }).toEqual({ status: 1, stdout: '2 recipients removed\n' });
    expect(stderr).toContain('no answer to the end from local-0: run it again for the mail there');
  });

  it.each<[string[], number, RegExp]>([
    [['queue'], 64, /status, list, show, oldest, retry, remove, bounce, suspend or resume/],
    [['queue', 'show'], 64, /say which/],
    [['queue', 'show', 'a', 'b'], 64, /one message/],
    [['queue', 'show', 'x'], 1, /MESSAGE_ID_INVALID/],
    [['queue', 'show', `${message}-3`], 1, /MESSAGE_NOT_WAITING/],
    [['queue', 'show', message, '--content'], 1, /COPY_NOT_NAMED.*-1, .*-2/],
    [['queue', 'show', message, '--content', '--json'], 64, /not JSON/],
    [['queue', 'show', `${message}-2`, '--content'], 1, /BODY_STORE_AWAY/],
    [['queue', 'oldest', '--limit', '0'], 64, /--limit is a whole number from 1/],
    [['queue', 'oldest', '--limit', '1001'], 64, /1000 at the most/],
    [['queue', 'oldest', '--domain', 'x', '--destination', 'y'], 64, /not both/],
    [['queue', 'oldest', 'x'], 64, /oldest takes no word "x"/],
    [['queue', 'list', '--domain', 'a.example', '--domain', 'b.example'], 64, /--domain is given twice/],
    [['queue', 'status', '--domain', 'x.example'], 64, /status takes no --domain/],
    [['queue', 'retry', '--all', '--reason', 'x'], 64, /retry takes no --reason/],
    [['queue', 'flush'], 64, /no queue "flush"/],
    [['queue', 'retry'], 64, /one of --all, --domain/],
    [['queue', 'retry', '--all', '--domain', 'x'], 64, /one of --all, --domain/],
    [['queue', 'retry', '--all', '--destination', 'x'], 64, /one of --all, --domain/],
    [['queue', 'remove'], 64, /say which/],
    [['queue', 'remove', '--all', '--domain', 'x.example'], 64, /one of --all/],
    [['queue', 'remove', '--all', 'yes'], 64, /say why/],
    [['queue', 'remove', '--all', '--reason', 'x'], 64, /nobody is there to be asked/],
    [['queue', 'remove', 'no', '--all', '--reason', 'x'], 64, /takes no word "no"/],
    [['queue', 'bounce', '--rid', '1', '--all'], 64, /goes with --message/],
    [['queue', 'bounce', '--message', 'x', '--reason', 'x', 'yes'], 1, /MESSAGE_ID_INVALID/],
    [['queue', 'suspend', 'all'], 64, /delivery or receiving/],
    [['queue', 'suspend', 'delivery', '--listener', 'x'], 64, /delivery takes one of/],
    [['queue', 'suspend', 'receiving', '--all', '--domain', 'x.example'], 64, /receiving takes/],
    [['queue', 'suspend', 'delivery', '--all'], 64, /say why/],
    [['queue', 'suspend', 'delivery', '--all', '--reason', 'x', '--until', '2020-01-01T00:00Z'], 64, /is over/],
    [['queue', 'suspend', 'delivery', '--all', '--reason', 'x', '--until', 'soon'], 64, /--until takes/],
    [['queue', 'list', '--limit', 'x'], 64, /--limit takes a number/],
    [['queue', 'retry', '--domain', 'a b'], 1, /DOMAIN_INVALID/],
    [['queue', 'status', '--server', '127.0.0.1:1'], 69, /did not answer/],
    [['queue', 'status', '--server', '127.0.0.1:1'], 69, /did not answer: (?!.*Resolution note)/],
    [['queue', 'status', '--ca', import.meta.filename], 1, /--ca: no certificate or key in PEM/],
    [['queue', 'status', '--token-file', '/nonexistent'], 1, /--token-file: ENOENT/],
    [['queue', 'list', '--domain', 'x'.repeat(100_000)], 1, /DOMAIN_INVALID/],
    [['trace', 'x', '--limit', '1001'], 64, /--limit takes a number up to 1000/],
    [['trace'], 64, /message id/],
    [['trace', 'nobody@x.example'], 1, /kept for 7 days[^]*nothing is known of "nobody@x.example"/],
    [['trace', message, '--server', '127.0.0.1:1'], 69, /did not answer/],
  ])('%j ends with %d and says why on stderr', async (words, status, problem) => {
    const words1 = words.includes('--server') ? words : [...words, '--server', address];
    expect(await runProgram(words1, folder)).toEqual({ status, stdout: '', stderr: expect.stringMatching(problem) });
  });
});

describe('mailyard trace', () => {
  it('tells every event in order, in JSON', async () => {
    const events = (await json('trace', message)) as Record<string, unknown>[];
    expect(events.map(({ event }) => event)).toEqual(['accepted', 'attempt', 'delivered', 'deferred']);
    expect(events).toMatchObject([
      {
        acceptance: { icid: 'i-1', clientAddress: '192.0.2.9' },
        recipients: [{ forwardPath: 'joe@x.example' }, { recipient: 1 }],
      },
      { host: 'h.example [192.0.2.1]:25', route: '.example', routeVersion: 4, attempt: { term: 0, sequence: 1 } },
      { reply: { code: 250, enhancedStatus: '2.0.0' }, recipients: [{ mid: `${message}-1` }], outcomeUnknown: false },
      { stage: 'endOfData', outcomeUnknown: true, dueAt: '1970-01-01T00:01:00.000Z' },
    ]);
    expect(await json('trace', 'ANN@x.example')).toEqual(events);
  });

  it('tells them to people, with nothing that a terminal obeys', async () => {
    const { stdout } = await mailyard('trace', '<7@sender.example>');
    expect(stdout).toContain(`${message}  from <>  <7@sender.example>\n`);
    expect(stdout).toMatch(
      /accepted {3}ICID i-1 listener public from 192\.0\.2\.9 \(mail\.sender\.example\), policy DEFAULT 400 octets/,
    );
    expect(stdout).toMatch(
      /delivered {2}RID 0 <joe@x\.example>, host h\.example.*reply 250 2\.0\.0 Ok \\x1b\]0;x\\x07/,
    );
    expect(stdout).toMatch(
      /deferred {3}RID 1 <ann@x\.example>.*at endOfData, outcome unknown.*next attempt 1970-01-01 00:01:00Z/,
    );
    expect(stdout).not.toContain('\u001b');
  });
});
