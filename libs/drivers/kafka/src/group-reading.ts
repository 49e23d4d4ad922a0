import { setTimeout as sleep } from 'node:timers/promises';
import { decodeRecord } from '@mailyard/contracts';
import type { LoggedRecord, PartitionHandler, Reading } from '@mailyard/queue';
import type { EachBatchPayload, Kafka } from 'kafkajs';
import { GroupSession } from './group-session.ts';
import type { KafkaLog } from './kafka-options.ts';
import type { FetchedMessage } from './kafkajs-internals.ts';
import { PartitionFeed } from './partition-feed.ts';
import type { Bounds } from './topic-cluster.ts';

export interface GroupReadingOptions {
  readonly topic: string;
  readonly groupId: string;
  readonly handler: PartitionHandler;
  /** Where partitions are read from when first assigned; absent: from the start of the log. */
  readonly from: ReadonlyMap<number, number>;
  readonly client: () => Kafka;
  readonly bounds: (partitions: readonly number[]) => Promise<ReadonlyMap<number, Bounds>>;
  readonly log: KafkaLog;
}

const LOOK_EVERY_MS = 5_000;
const PAUSE_MS = 500;
/** A partition that has more, and gave nothing for this long, has been forgotten by the consumer. */
const STALL_LIMIT_MS = 20_000;

/**
 * A member of a consumer group, for as long as it is wanted: consumers come and go, the partitions' feeds stay.
 *
 * Nothing that kafkajs keeps is trusted. Every record must have the offset after the one before, or the partition is
 * reset and read from the start of the log. Offsets are never committed; where to go on is told at each join. A
 * consumer that crashed, fell silent or stopped to bring what the log has is replaced.
 */
export class GroupReading implements Reading {
  readonly #options: GroupReadingOptions;
  readonly #feeds = new Map<number, PartitionFeed>();
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #session: GroupSession | undefined;
  #joinedAt = 0;
  /** By partition: the offset expected when we last looked, and since when. */
  readonly #progress = new Map<number, { readonly expected: number; readonly since: number }>();

  constructor(options: GroupReadingOptions) {
    this.#options = options;
    this.#running = Promise.all([this.#run(), this.#watch()]).then(() => undefined);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#session?.end('stopped');
    await this.#running;
    for (const feed of this.#feeds.values()) if (feed.held) feed.revoked();
    for (const feed of this.#feeds.values()) await feed.busy;
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    const { topic, groupId, client, log } = this.#options;
    while (!this.#stopped) {
      const session = new GroupSession(
        client(),
        topic,
        groupId,
        {
          held: () => [...this.#feeds.values()].filter(({ held }) => held).map(({ partition }) => partition),
          since: () => this.#joinedAt,
        },
        {
          joined: (partitions) => this.#joined(session, partitions),
          batch: (payload) => this.#batch(session, payload),
        },
      );
      this.#session = session;
      const reason = await session.over;
      if (!this.#stopped) log('warn', `a new consumer takes over: ${reason}`, { groupId });
      await session.leave();
      if (!this.#stopped) await this.#pause(PAUSE_MS);
    }
  }

  #joined(session: GroupSession, partitions: readonly number[]): void {
    const { from, handler, log } = this.#options;
    this.#joinedAt = Date.now();
    this.#progress.clear();
    const ours = new Set(partitions);
    for (const feed of this.#feeds.values()) if (feed.held && !ours.has(feed.partition)) feed.revoked();
    for (const partition of ours) {
      let feed = this.#feeds.get(partition);
      if (feed === undefined) {
        feed = new PartitionFeed(partition, handler, (error) => this.#handlerFailed(partition, error));
        this.#feeds.set(partition, feed);
      }
      if (!feed.held) {
        feed.assigned();
        void this.#begin(session, feed, from.get(partition), undefined);
      } else if (feed.expected === undefined) void this.#begin(session, feed, undefined, undefined);
      else session.seek(partition, feed.expected);
    }
    log('info', `reads ${ours.size} partitions`, { groupId: this.#options.groupId, partitions: [...ours] });
  }

  async #batch(session: GroupSession, payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const heartbeat = (): Promise<void> => payload.heartbeat();
    const feed = this.#feeds.get(batch.partition);
    if (feed?.expected === undefined || !feed.held) return;
    if (feed.busy !== undefined) await session.waitFor(feed.busy, heartbeat);
    if (!session.live || payload.isStale() || feed.expected === undefined) return;
    const records: LoggedRecord[] = [];
    let expected = feed.expected;
    for (const message of batch.messages) {
      const record = loggedRecord(message);
      if (record.offset !== expected)
        return this.#restart(session, feed, `offset ${record.offset} where ${expected} was expected`);
      records.push(record);
      expected++;
    }
    feed.expected = expected;
    feed.records(records);
    payload.resolveOffset(String(expected - 1));
    if (feed.busy !== undefined) await session.waitFor(feed.busy, heartbeat);
  }

  /** The log does not go on where it should: all of the partition is void, and read again. */
  #restart(session: GroupSession, feed: PartitionFeed, reason: string): void {
    this.#options.log('warn', `partition ${feed.partition} is read again: ${reason}`, {});
    feed.expected = undefined;
    void this.#begin(session, feed, undefined, reason);
  }

  /** Finds out where to start, and starts there. The partition is not fetched meanwhile. */
  async #begin(
    session: GroupSession,
    feed: PartitionFeed,
    wanted: number | undefined,
    reset: string | undefined,
  ): Promise<void> {
    const turn = ++feed.beginning;
    session.pause(feed.partition);
    for (;;) {
      try {
        const { start, end } = (await this.#options.bounds([feed.partition])).get(feed.partition)!;
        if (turn !== feed.beginning || !session.live || !feed.held) return;
        const within = wanted === undefined || (wanted >= start && wanted <= end);
        const reason = reset ?? (within ? undefined : `offset ${wanted} is outside of ${start} to ${end}`);
        if (reason !== undefined) feed.reset(reason);
        feed.expected = within && wanted !== undefined ? wanted : start;
        session.seek(feed.partition, feed.expected);
        return;
      } catch (error) {
        this.#options.log('warn', `the start of partition ${feed.partition} is not known yet`, { error });
      }
      await this.#pause(PAUSE_MS);
      if (turn !== feed.beginning || !session.live || !feed.held) return;
    }
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      await this.#pause(LOOK_EVERY_MS);
      const session = this.#session;
      if (session === undefined || !session.live) continue;
      session.checkSilence();
      await this.#checkProgress(session).catch(() => undefined); // brokers away: the session notices by itself
    }
  }

  /** Compares what was read with what the log holds. */
  async #checkProgress(session: GroupSession): Promise<void> {
    const waiting = [...this.#feeds.values()].filter(
      (feed) => feed.held && feed.expected !== undefined && feed.busy === undefined,
    );
    if (waiting.length === 0) return;
    const expectedThen = new Map(waiting.map(({ partition, expected }) => [partition, expected]));
    const bounds = await this.#options.bounds(waiting.map(({ partition }) => partition));
    const now = performance.now();
    for (const feed of waiting) {
      const { partition, expected } = feed;
      const end = bounds.get(partition)?.end;
      if (!session.live || !feed.held || end === undefined || expected === undefined) continue;
      if (expected !== expectedThen.get(partition) || expected === end) this.#progress.delete(partition);
      else if (expected > end) this.#restart(session, feed, `the log ends at ${end}, before ${expected}`);
      else {
        const known = this.#progress.get(partition);
        if (known?.expected !== expected) this.#progress.set(partition, { expected, since: now });
        else if (now - known.since > STALL_LIMIT_MS)
          session.end(`partition ${partition} stands at ${expected}, the log goes to ${end}`);
      }
    }
  }

  #handlerFailed(partition: number, error: unknown): void {
    this.#options.log('error', `the reader of partition ${partition} failed`, { error });
    const feed = this.#feeds.get(partition);
    const session = this.#session;
    if (feed === undefined || session === undefined || this.#stopped || feed.expected === undefined) return;
    // Only a fresh state can be trusted now; not at once, or a record that always fails would fill the log.
    feed.expected = undefined;
    session.pause(partition);
    const turn = ++feed.beginning;
    void this.#pause(PAUSE_MS).then(() => {
      if (turn === feed.beginning && session.live && feed.held)
        return this.#begin(session, feed, undefined, 'the reader failed');
      return undefined;
    });
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined); // cut short by stop
  }
}

/** A message of the topic as a record of the log. */
export function loggedRecord(message: FetchedMessage): LoggedRecord {
  const { offset, timestamp, value } = message;
  return {
    offset: Number(offset),
    appendTime: Number(timestamp),
    sizeOctets: value?.length ?? 0,
    record: value === null ? { type: 'Undecodable', reason: 'a record without a value' } : decodeRecord(value),
  };
}
