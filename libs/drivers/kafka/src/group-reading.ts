import { setTimeout as sleep } from 'node:timers/promises';
import type { PartitionHandler, Reading } from '@mailyard/queue';
import type { FetchedPartition, FetchPosition } from './fetch-call.ts';
import { FetchPump } from './fetch-pump.ts';
import { GroupSession } from './group-session.ts';
import type { KafkaSettings } from './kafka-options.ts';
import { errorOfCode } from './kafkajs-internals.ts';
import { isOutOfRange, meansStale } from './log-failure.ts';
import { PartitionFeed } from './partition-feed.ts';
import { readRecordBatches } from './record-batch-reader.ts';
import { TopicCluster } from './topic-cluster.ts';
import { createClient } from './topic.ts';

const LOOK_EVERY_MS = 5_000;
const PAUSE_MS = 500;
/** Beside the call that runs one may wait, so that a reader that is quick enough never waits for us. */
const MOST_CALLS = 2;

/**
 * A member of a consumer group, for as long as it is wanted: sessions come and go, the partitions' feeds stay.
 *
 * Every record must have the offset after the one before, or the partition is reset and read from the start of the log.
 * Offsets are never committed: a partition that is kept goes on where it is, a new one begins at the start.
 */
export class GroupReading implements Reading {
  readonly #settings: KafkaSettings;
  readonly #groupId: string;
  readonly #handler: PartitionHandler;
  readonly #from: ReadonlyMap<number, number>;
  /** Its own: fetches wait on its connections. */
  readonly #cluster: TopicCluster;
  readonly #pump: FetchPump;
  readonly #feeds = new Map<number, PartitionFeed>();
  readonly #stopping = new AbortController();
  readonly #running: Promise<unknown>;
  #session: GroupSession | undefined;
  #joinedAt = 0;

  /**
   * @param from where partitions are read from when first assigned; absent: from the start of the log
   * @param gatherMs for how long records may wait, so that they are fetched together
   */
  constructor(
    settings: KafkaSettings,
    groupId: string,
    from: ReadonlyMap<number, number>,
    handler: PartitionHandler,
    gatherMs: number,
  ) {
    this.#settings = settings;
    this.#groupId = groupId;
    this.#from = from;
    this.#handler = handler;
    this.#cluster = new TopicCluster(settings);
    this.#pump = new FetchPump({
      cluster: this.#cluster,
      positions: () => this.#positions(),
      fetched: (partition) => this.#fetched(partition),
      failed: (error) => settings.log('debug', 'a fetch failed', { groupId, error }),
      gatherMs,
    });
    this.#running = Promise.all([this.#run(), this.#watch()]);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#session?.end('stopped');
    this.#pump.stop();
    await this.#running;
    await this.#cluster.disconnect();
    for (const feed of this.#feeds.values()) if (feed.held) feed.revoked();
    for (const feed of this.#feeds.values()) await feed.busy;
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    const { topic, log } = this.#settings;
    while (!this.#stopped) {
      const session: GroupSession = new GroupSession(
        createClient(this.#settings),
        topic,
        this.#groupId,
        { held: () => this.#held(), since: () => this.#joinedAt },
        (partitions) => this.#joined(session, partitions),
        this.#settings.counts,
      );
      this.#session = session;
      const reason = await session.over;
      if (!this.#stopped) log('warn', `a new consumer takes over: ${reason}`, { groupId: this.#groupId });
      await session.leave();
      if (!this.#stopped) await this.#pause(PAUSE_MS);
    }
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      await this.#pause(LOOK_EVERY_MS);
      if (this.#session?.live) this.#session.checkSilence();
    }
  }

  #held(): number[] {
    return [...this.#feeds.values()].filter(({ held }) => held).map(({ partition }) => partition);
  }

  #joined(session: GroupSession, partitions: readonly number[]): void {
    if (this.#stopped || session !== this.#session) return;
    this.#joinedAt = Date.now();
    const ours = new Set(partitions);
    for (const feed of this.#feeds.values()) if (feed.held && !ours.has(feed.partition)) feed.revoked();
    for (const partition of ours) {
      let feed = this.#feeds.get(partition);
      if (feed === undefined) {
        feed = new PartitionFeed(partition, this.#handler, (error) => this.#handlerFailed(partition, error));
        this.#feeds.set(partition, feed);
      }
      if (feed.held) continue;
      feed.assigned();
      void this.#begin(feed, this.#from.get(partition), undefined);
    }
    this.#settings.log('info', `reads ${ours.size} partitions`, { groupId: this.#groupId, partitions: [...ours] });
  }

  /** Finds out where to start, and starts there. */
  async #begin(feed: PartitionFeed, wanted: number | undefined, reset: string | undefined): Promise<void> {
    const turn = ++feed.beginning;
    feed.expected = undefined;
    const overtaken = (): boolean => turn !== feed.beginning || !feed.held || this.#stopped;
    while (!overtaken()) {
      try {
        const { start, end } = (await this.#cluster.bounds([feed.partition])).get(feed.partition)!;
        if (overtaken()) return;
        const within = wanted === undefined || (wanted >= start && wanted <= end);
        const reason = reset ?? (within ? undefined : `offset ${wanted} is outside of ${start} to ${end}`);
        if (reason !== undefined) feed.reset(reason);
        feed.expected = within && wanted !== undefined ? wanted : start;
        this.#pump.wake();
        return;
      } catch (error) {
        this.#settings.log('warn', `the start of partition ${feed.partition} is not known yet`, { error });
      }
      await this.#pause(PAUSE_MS);
    }
  }

  #positions(): FetchPosition[] {
    const positions: FetchPosition[] = [];
    for (const { held, expected, calls, partition } of this.#feeds.values())
      if (held && expected !== undefined && calls < MOST_CALLS) positions.push({ partition, offset: expected });
    return positions;
  }

  #fetched({ partition, offset, errorCode, octets }: FetchedPartition): void {
    const feed = this.#feeds.get(partition);
    if (feed === undefined || !feed.held || feed.expected !== offset) return;
    if (errorCode !== 0) {
      const error = errorOfCode(errorCode);
      if (isOutOfRange(error)) this.#restart(feed, `the log does not hold offset ${offset}`);
      else if (meansStale(error))
        void this.#cluster.refresh().catch(() => undefined); // the next fetch finds out
      else this.#settings.log('error', `partition ${partition} cannot be read: ${error.message}`, { error });
      return;
    }
    const records = readRecordBatches(octets, offset);
    if (records.length === 0) return;
    const hole = records.findIndex((record, at) => record.offset !== offset + at);
    if (hole >= 0) {
      this.#restart(feed, `offset ${records[hole]!.offset} where ${offset + hole} was expected`);
      return;
    }
    feed.expected = offset + records.length;
    feed.records(records);
    // While it works through more than it should, it is not fetched: then nothing else begins it again.
    if (feed.calls >= MOST_CALLS) void feed.busy?.then(() => this.#pump.wake());
  }

  /** The log does not go on where it should: all of the partition is void, and read again. */
  #restart(feed: PartitionFeed, reason: string): void {
    this.#settings.log('warn', `partition ${feed.partition} is read again: ${reason}`, { groupId: this.#groupId });
    void this.#begin(feed, undefined, reason);
  }

  #handlerFailed(partition: number, error: unknown): void {
    this.#settings.log('error', `the reader of partition ${partition} failed`, { error });
    const feed = this.#feeds.get(partition);
    if (feed === undefined || !feed.held || this.#stopped) return;
    // Only a fresh state can be trusted now; not at once, or a record that always fails would fill the log.
    feed.expected = undefined;
    const turn = ++feed.beginning;
    void this.#pause(PAUSE_MS).then(() =>
      turn === feed.beginning ? this.#begin(feed, undefined, 'the reader failed') : undefined,
    );
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined); // cut short by stop
  }
}
