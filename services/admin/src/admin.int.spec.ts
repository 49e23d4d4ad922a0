import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ending, HostState } from '@mailyard/contracts/queue';
import type {
  EndedRecipients,
  QueueDestination,
  QueueMessage,
  QueueMessageDetail,
  QueueOwner,
  QueueRecipient,
  QueueScope,
} from '@mailyard/delivery-rules';
import { GrpcServer, QueueClient } from '@mailyard/grpc';
import { type Address, MtaError } from '@mailyard/mail';
import { MemoryQueueLog } from '@mailyard/memory';
import { makeMessageId, type MessageId, midOf } from '@mailyard/queue';
import { createLogger } from '@mailyard/telemetry';
import { afterEach, describe, expect, it } from 'vitest';
import { type NamedOwner, QueueOwners } from './queue-owners.ts';
import { addQueueService } from './queue-service.ts';
import { RemoteOwner } from './remote-owner.ts';
import { startAdmin } from './start-admin.ts';
import { acceptance } from './tracking/mail-records.suite.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** An owner with so many recipients of one destination that waits. */
function ownerOf(
  partition: number,
  count: number,
  more: Partial<QueueDestination> = {},
): QueueOwner & {
  retried: QueueScope[];
  searched: string[];
  ended: unknown[];
  breaksOff: EndedRecipients | undefined;
} {
  const message = makeMessageId(partition, new Uint8Array(10));
  const recipients = Array.from(
    { length: count },
    (_, recipient): QueueRecipient => ({
      partition,
      message,
      recipient,
      mid: midOf(message, 0),
      reversePath: recipient % 2 === 0 ? null : ('a@b.example' as Address),
      forwardPath: `r${recipient}@p${partition}.example`,
      acceptedAt: 1,
      dueAt: 2,
      expiresAt: 3,
      retries: recipient,
      outcomeUnknown: false,
      lastHost: recipient % 2 === 0 ? undefined : 'h',
    }),
  );
  const retried: QueueScope[] = [];
  const ended: unknown[] = [];
  const searched: string[] = [];
  const summary: QueueMessage = {
    ...{ partition, message, acceptedAt: 1, reversePath: null, headerMessageId: '<1@x>', sizeOctets: 9 },
    ...{ accepted: count + 1, waiting: count, forwardPath: `r0@p${partition}.example`, nextAttemptAt: 2 },
  };
  const detail: QueueMessageDetail = {
    summary,
    injection: { icid: 'i-1', listener: 'public', clientAddress: '192.0.2.9', helo: 'h', user: 'joe', relayed: true },
    ...{ eightBit: true, smtpUtf8: false, ret: 'HDRS', envid: 'e+20', gateway: 'g', reportOf: message },
    copies: Array.from({ length: partition + 1 }, (_, copy) => ({
      ...{ mid: midOf(message, copy), policy: 'DEFAULT', priority: 1, sizeOctets: 9, expiresAt: 3 },
    })),
    recipients: recipients.map((one) => ({
      ...one,
      ...{ destination: 'h.example:25', underwayTo: one.recipient === 0 ? 'h' : undefined, notify: 'NEVER' },
    })),
  };
  return {
    retried,
    searched,
    ended,
    breaksOff: undefined,
    message: async (id, copy) =>
      id === message && (copy === undefined || copy <= partition)
        ? { ...detail, copies: detail.copies.filter((_, number) => copy === undefined || number === copy) }
        : undefined,
    async *content(_id, copy, part) {
      yield Buffer.from(`${part} ${copy} of `);
      if (part === 'header' && copy === 1) throw new MtaError('BODY_STORE_AWAY', 'no answer');
      yield Buffer.from(`${partition}`);
    },
    oldest: async (scope, limit) => (scope.kind === 'all' ? [summary].slice(0, limit) : []),
    census: () => ({ version: partition, moving: count, waiting: [], blocked: [], hosts: [] }),
    status: () => ({ partitions: [partition], waiting: count, destinationCount: 1, outcomeUnknown: 1 }),
    destinations: (_limit, _offset, search = '') => {
      if (search !== '') searched.push(search);
      return [
        {
          destination: 'h.example:25',
          domains: [`p${partition}.example`],
          domainCount: 1,
          waiting: count,
          underway: 1,
          connections: 2,
          maxConnections: 6,
          delivered: 3,
          softBounced: 4,
          hardBounced: 5,
          state: 'down',
          hosts: [{ host: 'h.example [192.0.2.1]:25', state: 'down', downUntil: 9 }],
          nextAttemptAt: 100 + partition,
          oldestAt: undefined,
          lastReply: { code: 421, enhancedStatus: '4.3.2', text: 'busy' },
          ...more,
        },
      ];
    },
    waiting: (_filter, limit, after) => {
      const start = Number(after ?? 0);
      const next = start + limit < count ? String(start + limit) : undefined;
      return { recipients: recipients.slice(start, start + limit), next };
    },
    count: (scope) => (scope.kind === 'all' ? count : 1),
    end(scope, ending, after) {
      if (this.breaksOff !== undefined) return Promise.resolve(this.breaksOff);
      ended.push({ scope, ending, after });
      const next = after === undefined ? 'on' : undefined;
      return Promise.resolve({ recipients: count, leftAlone: 1, next });
    },
    retryNow: (scope) => {
      retried.push(scope);
      return count;
    },
  };
}

async function serve(add: (server: GrpcServer) => unknown): Promise<string> {
  const server = new GrpcServer({ address: '127.0.0.1:0', report: () => undefined });
  await add(server);
  const address = await server.listen();
  cleanups.push(() => server.stop(100));
  return address;
}

function clientOf(address: string, deadlineMs?: number): QueueClient {
  const client = new QueueClient({ addresses: [address] }, deadlineMs);
  cleanups.push(() => client.close());
  return client;
}

/** An admin with one owner in its process, one in another, and one that does not answer. */
async function gateway(log: MemoryQueueLog) {
  const near = ownerOf(0, 3);
  const far = ownerOf(1, 5, { state: 'up', lastReply: undefined });
  const farAddress = await serve((server) =>
    addQueueService(server, { owners: new QueueOwners([far]), partitionCount: 3 }),
  );
  const named = (name: string, address: string): NamedOwner => ({
    name,
    owner: new RemoteOwner(clientOf(address, 5_000)),
  });
  const remote = [named('worker-b', farAddress), named('worker-c', '127.0.0.1:1')];
  const folder = mkdtempSync(join(tmpdir(), 'admin-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  const address = await serve(async (grpc) => {
    const admin = await startAdmin({
      queueLog: log,
      trackingFile: join(folder, 'data', 'tracking.sqlite'),
      retentionDays: 7,
      silentAfterMs: 3_600_000,
      grpc,
      owners: [near],
      remoteOwners: () => Promise.resolve(remote),
      logger: createLogger({ write: () => undefined }),
    });
    cleanups.push(() => admin.stop());
  });
  return { client: clientOf(address), near, far };
}

describe('admin over gRPC', () => {
  it('adds up what all owners say, names who is silent, and has the ledger of what was just accepted', async () => {
    const log = new MemoryQueueLog({ partitionCount: 3 });
    const { client } = await gateway(log);
    await log.append(1, acceptance(makeMessageId(Date.now(), new Uint8Array(10).fill(1)), Date.now(), 4));
    const status = await client.status({ destinations: 0, local: false });
    expect(status).toMatchObject({
      ledger: { accepted: 4, waiting: 4, delivered: 0 },
      waiting: 8,
      outcomeUnknown: 2,
      partitions: [0, 1],
      unownedPartitions: [2],
      silentOwners: ['worker-c'],
      destinationCount: 1,
      destinations: [
        {
          destination: 'h.example:25',
          domains: ['p0.example', 'p1.example'],
          waiting: 8,
          connections: 4,
          maxConnections: 6,
          softBounced: 8,
          state: HostState.HOST_STATE_UP,
          nextAttemptAt: 100,
          lastReply: { code: 421, enhancedStatus: '4.3.2', text: 'busy' },
        },
      ],
    });
    const local = await client.status({ destinations: 0, local: true });
    expect(local).toMatchObject({ waiting: 3, silentOwners: [], partitions: [0] });
    expect(local.ledger).toBeUndefined();
  });

  it('lists recipients of all owners page by page, each once', async () => {
    const { client } = await gateway(new MemoryQueueLog({ partitionCount: 3 }));
    const listed: string[] = [];
    let pageToken = '';
    let pages = 0;
    do {
      const page = await client.listRecipients({ scope: undefined, pageSize: 2, pageToken, local: false });
      expect(page.recipients.length).toBeLessThanOrEqual(2);
      listed.push(...page.recipients.map(({ forwardPath }) => forwardPath));
      pageToken = page.nextPageToken;
      pages += 1;
    } while (pageToken !== '');
    expect(listed).toEqual([
      ...[0, 1, 2].map((r) => `r${r}@p0.example`),
      ...[0, 1, 2, 3, 4].map((r) => `r${r}@p1.example`),
    ]);
    expect(pages).toBeGreaterThanOrEqual(4);
  });

  it('counts what waits in a scope without doing anything, and passes a search on', async () => {
    const { client, near, far } = await gateway(new MemoryQueueLog({ partitionCount: 3 }));
    expect(await client.countRecipients({ local: false })).toMatchObject({ recipients: 8, silentOwners: ['worker-c'] });
    expect(await client.countRecipients({ domain: 'p1.example', local: false })).toMatchObject({ recipients: 2 });
    expect([...near.retried, ...far.retried]).toEqual([]);
    await client.listDestinations({ pageSize: 0, pageToken: '', search: 'H.EXAMPLE', local: false });
    expect([near.searched, far.searched]).toEqual([['H.EXAMPLE'], ['H.EXAMPLE']]);
  });

  it('retries everywhere, by domain or all, and refuses what is no domain', async () => {
    const { client, near, far } = await gateway(new MemoryQueueLog({ partitionCount: 3 }));
    expect(await client.retry({ local: false })).toMatchObject({ recipients: 8, silentOwners: ['worker-c'] });
    expect(await client.retry({ domain: 'EXAMPLE.com.', local: false })).toMatchObject({ recipients: 8 });
    const scopes = [{ kind: 'all' }, { kind: 'domain', domain: 'example.com' }];
    expect(near.retried).toEqual(scopes);
    expect(far.retried).toEqual(scopes);
    await expect(client.retry({ domain: 'not a domain', local: false })).rejects.toMatchObject({
      details: { reason: 'DOMAIN_INVALID' },
    });
  });

  it('R212 ends recipients owner by owner, names who does not answer, and goes on where it was told', async () => {
    const { client, near, far } = await gateway(new MemoryQueueLog({ partitionCount: 3 }));
    const request = { ending: Ending.ENDING_REMOVE, reason: 'gone', author: 'ann', dryRun: false, local: false };
    const scope = { scope: { $case: 'sender', value: '' } } as const;
    const sums = { recipients: 0, leftAlone: 0 };
    const silent = new Set<string>();
    let pageToken = '';
    do {
      const part = await client.endRecipients({ ...request, scope, pageToken });
      sums.recipients += part.recipients;
      sums.leftAlone += part.leftAlone;
      for (const name of part.silentOwners) silent.add(name);
      pageToken = part.nextPageToken;
      if (pageToken === '') expect(part.unownedPartitions).toEqual([2]);
    } while (pageToken !== '');
    expect(sums).toEqual({ recipients: 2 * (3 + 5), leftAlone: 4 });
    expect([...silent]).toEqual(['worker-c']);
    const wanted = {
      scope: { kind: 'sender', reversePath: null },
      ending: { kind: 'remove', reason: 'gone', author: 'ann' },
    };
    for (const { ended } of [near, far])
      expect(ended).toEqual([
        { ...wanted, after: undefined },
        { ...wanted, after: 'on' },
      ]);
    // What an owner ended before it broke off is counted, near and far.
    const broken = { recipients: 2, leftAlone: 1, next: undefined, problem: 'lost' };
    for (const owner of [near, far]) owner.breaksOff = broken;
    const part = await client.endRecipients({ ...request, scope, pageToken: '' });
    expect(part).toMatchObject({ recipients: 4, leftAlone: 2, nextPageToken: '' });
    expect(part.silentOwners).toEqual(['local-0', 'worker-b', 'worker-c']);
    for (const owner of [near, far]) owner.breaksOff = undefined;
    expect(await client.endRecipients({ ...request, scope, pageToken: 'worker-bb 7' })).toMatchObject({
      silentOwners: ['worker-bb', 'worker-c'],
    });
    for (const [change, reason] of [
      [{ scope: undefined }, 'SCOPE_INVALID'],
      [{ scope: { scope: { $case: 'all', value: false } } }, 'SCOPE_INVALID'],
      [{ scope: { scope: { $case: 'message', value: { id: 'x' } } } }, 'MESSAGE_ID_INVALID'],
      [{ reason: ' ' }, 'REASON_MISSING'],
      [{ ending: Ending.ENDING_UNSPECIFIED }, 'ENDING_INVALID'],
    ] as const)
      await expect(client.endRecipients({ ...request, scope, pageToken, ...change })).rejects.toMatchObject({
        details: { reason },
      });
  });

  const idOf = (partition: number): MessageId => makeMessageId(partition, new Uint8Array(10));

  it('R212 shows a message that any owner has, with what the read model knows of the last tries', async () => {
    const log = new MemoryQueueLog({ partitionCount: 3 });
    const { client } = await gateway(log);
    const shown = await client.getMessage({ id: idOf(1), local: false });
    expect(shown).toMatchObject({
      message: { message: idOf(1), accepted: 6, waiting: 5, headerMessageId: '<1@x>', partition: 1 },
      injection: { icid: 'i-1', user: 'joe', relayed: true },
      ...{ eightBit: true, smtpUtf8: false, ret: 'HDRS', envid: 'e+20', gateway: 'g', reportOf: idOf(1) },
      copies: [{ mid: midOf(idOf(1), 0), policy: 'DEFAULT', priority: 1 }, { mid: midOf(idOf(1), 1) }],
      notes: [],
    });
    expect(shown.message!.reversePath).toBeUndefined();
    expect(shown.recipients).toHaveLength(5);
    expect(shown.recipients[0]).toMatchObject({
      recipient: { forwardPath: 'r0@p1.example' },
      ...{ underwayTo: 'h', notify: 'NEVER', destination: 'h.example:25' },
    });
    expect(shown.recipients[0]!.lastTry).toBeUndefined();
    for (const id of [midOf(idOf(1), 2), idOf(2)])
      await expect(client.getMessage({ id, local: false })).rejects.toMatchObject({
        details: { reason: 'MESSAGE_NOT_WAITING' },
        message: `${id} does not wait; no answer from worker-c`,
      });
    await expect(client.getMessage({ id: 'x'.repeat(9_000), local: false })).rejects.toMatchObject({
      details: { reason: 'MESSAGE_ID_INVALID' },
    });
  });

  it('R212 reads the content of a copy, wherever its owner is; what fails there is told by its code', async () => {
    const { client } = await gateway(new MemoryQueueLog({ partitionCount: 3 }));
    const read = async (id: string, headerOnly: boolean): Promise<string> => {
      const pieces: Uint8Array[] = [];
      for await (const { octets } of client.readContent({ id, headerOnly, local: false })) pieces.push(octets);
      return Buffer.concat(pieces).toString();
    };
    expect(await read(idOf(0), false)).toBe('whole 0 of 0');
    expect(await read(midOf(idOf(0), 0), true)).toBe('header 0 of 0');
    expect(await read(midOf(idOf(1), 1), false)).toBe('whole 1 of 1');
    for (const [id, reason] of [
      [idOf(1), 'COPY_NOT_NAMED'],
      [idOf(2), 'MESSAGE_NOT_WAITING'],
      ['x', 'MESSAGE_ID_INVALID'],
      [midOf(idOf(1), 1), 'BODY_STORE_AWAY'],
    ] as const)
      await expect(read(id, true)).rejects.toMatchObject({ details: { reason } });
  });

  it('R212 has the oldest messages of all owners in order, and names who is silent', async () => {
    const { client } = await gateway(new MemoryQueueLog({ partitionCount: 3 }));
    const listed = async (limit: number) => {
      const { messages, silentOwners } = await client.listOldest({ limit, local: false });
      expect(silentOwners).toEqual(['worker-c']);
      return messages.map(({ message }) => message);
    };
    expect(await listed(0)).toEqual([idOf(0)]);
    expect(await listed(9)).toEqual([idOf(0), idOf(1)]);
    expect((await client.listOldest({ limit: 9, domain: 'x.example', local: false })).messages).toEqual([]);
    await expect(client.listOldest({ limit: 1, domain: 'a b', local: false })).rejects.toMatchObject({
      details: { reason: 'DOMAIN_INVALID' },
    });
  });

  it('searches and sums', async () => {
    const log = new MemoryQueueLog({ partitionCount: 3 });
    const { client } = await gateway(log);
    const message = makeMessageId(Date.now(), new Uint8Array(10).fill(2));
    await log.append(2, acceptance(message, Date.now(), 1));
    expect((await client.search({ pageSize: 0, pageToken: '' })).messages).toMatchObject([
      { message, recipients: [{ state: 'waiting' }] },
    ]);
    expect((await client.search({ key: 'x@nowhere.example', pageSize: 0, pageToken: '' })).messages).toEqual([]);
    expect(await client.ledger()).toMatchObject({ ledger: { accepted: 1, waiting: 1 }, notes: [] });
    await expect(client.trace({ key: '', limit: 0 })).rejects.toMatchObject({ details: { reason: 'KEY_INVALID' } });
  });
});
