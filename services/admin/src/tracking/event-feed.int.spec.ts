import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WatchEventsResponse } from '@mailyard/contracts/tracking';
import { MemoryQueueLog } from '@mailyard/memory';
import { makeMessageId, type MessageId } from '@mailyard/queue';
import { createLogger } from '@mailyard/telemetry';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type EventBatch, EventFeed, EventsLost, TooManyWatchers } from './event-feed.ts';
import type { EventFilter } from './event-filter.ts';
import type { EventStart } from './event-reader.ts';
import { acceptance } from './mail-records.suite.ts';
import { Tracker } from './tracker.ts';

const ALL: EventFilter = { kinds: [], domains: [], senders: [] };
let folder: string;
let log: MemoryQueueLog;
const running: Tracker[] = [];
const watching: AbortController[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'feed-'));
  log = new MemoryQueueLog({ partitionCount: 2 });
});
afterEach(async () => {
  for (const watcher of watching.splice(0)) watcher.abort();
  for (const tracker of running.splice(0)) await tracker.stop();
  rmSync(folder, { recursive: true });
});

async function track(): Promise<Tracker> {
  const tracker = new Tracker({
    queueLog: log,
    file: join(folder, 'tracking.sqlite'),
    retentionMs: 7 * 86_400_000,
    silentAfterMs: 3_600_000,
    logger: createLogger({ write: () => undefined }),
  });
  running.push(tracker);
  await tracker.start();
  return tracker;
}

let made = 0;
async function accept(count = 1, partition = 0): Promise<MessageId[]> {
  const messages: MessageId[] = [];
  for (let number = 0; number < count; number++) {
    made += 1;
    const message = makeMessageId(Date.now(), new Uint8Array([made >> 8, made, 0, 0, 0, 0, 0, 0, 0, 0]));
    messages.push(message);
    await log.append(partition, acceptance(message, Date.now(), 1));
  }
  return messages;
}

function watch(feed: EventFeed, start: EventStart): AsyncGenerator<EventBatch> {
  const controller = new AbortController();
  watching.push(controller);
  return feed.watch(start, ALL, 'protobuf', controller.signal);
}

const read = ({ octets }: EventBatch): WatchEventsResponse => WatchEventsResponse.decode(octets);

/** What comes until so many messages have, and the cursor behind them. */
async function until(events: AsyncGenerator<EventBatch>, count: number) {
  const messages: string[] = [];
  let cursor = '';
  while (messages.length < count) {
    const next = await events.next();
    if (next.done === true) throw new Error('the feed ended');
    const response = read(next.value);
    messages.push(...response.events.map(({ message }) => message));
    ({ cursor } = response);
  }
  return { messages, cursor };
}

describe('the feed of events', () => {
  it('tells where it stands first, then what is committed, from all partitions', async () => {
    const feed = new EventFeed({ tracker: await track(), queueLog: log });
    const events = watch(feed, 'now');
    const first = read((await events.next()).value!);
    expect(first).toMatchObject({ events: [], caughtUp: true });
    const messages = [...(await accept(2, 0)), ...(await accept(2, 1))];
    const { messages: told } = await until(events, 4);
    expect(told.toSorted()).toEqual(messages.toSorted());
  });

  it('goes on behind a cursor over a restart of the tracker', async () => {
    const tracker = await track();
    const messages = await accept(3);
    const { cursor } = await until(watch(new EventFeed({ tracker, queueLog: log }), 'earliest'), 3);
    await tracker.stop();
    running.length = 0;
    const more = await accept(2);
    const next = watch(new EventFeed({ tracker: await track(), queueLog: log }), { after: cursor });
    const { messages: told } = await until(next, 2);
    expect(told).toEqual(more);
    expect(messages).toHaveLength(3);
  });

  it('tells its position when nothing else comes', async () => {
    const feed = new EventFeed({ tracker: await track(), queueLog: log, heartbeatMs: 20 });
    const events = watch(feed, 'now');
    for (let times = 0; times < 3; times++) expect(read((await events.next()).value!).events).toEqual([]);
  });

  it('reads nothing ahead for one that does not take what it was given', async () => {
    const tracker = await track();
    await accept(300);
    await tracker.catchUp();
    await tracker.ask({ kind: 'ledger' });
    const asked = vi.spyOn(tracker, 'ask');
    const slow = watch(new EventFeed({ tracker, queueLog: log }), 'earliest');
    const quick = watch(new EventFeed({ tracker, queueLog: log }), 'earliest');
    await slow.next();
    const before = asked.mock.calls.length;
    await until(quick, 300);
    const quickAsked = asked.mock.calls.length - before;
    // All that was asked since was for the other: how to begin, and each piece of its.
    expect(quickAsked).toBeGreaterThan(3);
    const calls = asked.mock.calls.length;
    await slow.next();
    expect(asked.mock.calls.length).toBe(calls + 1);
  });

  it('ends with the signal, also while it waits', async () => {
    const events = watch(new EventFeed({ tracker: await track(), queueLog: log }), 'now');
    await events.next();
    const waiting = events.next();
    watching[0]!.abort();
    expect((await waiting).done).toBe(true);
  });

  it('refuses what it cannot go on from, with the cursor that it could', async () => {
    await accept();
    const tracker = await track();
    const feed = new EventFeed({ tracker, queueLog: log });
    const refused = await watch(feed, { after: '1.1.0.' })
      .next()
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(EventsLost);
    const { messages } = await until(watch(feed, { after: (refused as EventsLost).earliest }), 1);
    expect(messages).toHaveLength(1);
  });

  it('learns at once that the tracker is away', async () => {
    const tracker = await track();
    const events = watch(new EventFeed({ tracker, queueLog: log, heartbeatMs: 3_600_000 }), 'now');
    await events.next();
    const waiting = events.next().catch((error: unknown) => error);
    await tracker.stop();
    running.length = 0;
    expect(await waiting).toMatchObject({ code: 'TRACKER_AWAY' });
  });

  it('takes no more watchers than it has room for, and has room again when one leaves', async () => {
    const feed = new EventFeed({ tracker: await track(), queueLog: log });
    const all = Array.from({ length: 64 }, () => watch(feed, 'now'));
    for (const one of all) await one.next();
    await expect(watch(feed, 'now').next()).rejects.toBeInstanceOf(TooManyWatchers);
    await all[0]!.return(undefined);
    expect((await watch(feed, 'now').next()).done).toBe(false);
  });
});
