import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaSettings } from './kafka-options.ts';
import { type Broker, type Cluster, createCluster, type FetchedMessage, type KafkaError } from './kafkajs-internals.ts';
import { away, isOutOfRange, meansStale } from './log-failure.ts';

/** What a partition holds: from `start`, and `end` is the next offset to be written. */
export interface Bounds {
  readonly start: number;
  readonly end: number;
}

const EARLIEST = -2;
const LATEST = -1;
const READ_UNCOMMITTED = 0;
const ATTEMPTS = 8;
const BETWEEN_ATTEMPTS_MS = 300;

/** One topic's partitions by their leaders: who leads, and questions that go to the leader. */
export class TopicCluster {
  readonly #cluster: Cluster;
  readonly #topic: string;
  /** The refresh of metadata that runs, if one does. */
  #refreshing: Promise<void> | undefined;

  constructor(settings: KafkaSettings) {
    this.#cluster = createCluster(settings);
    this.#topic = settings.topic;
  }

  /** Connects and learns the partitions. @returns how many there are */
  async connect(): Promise<number> {
    await this.#cluster.connect();
    await this.#cluster.addTargetTopic(this.#topic);
    return this.#cluster.findTopicPartitionMetadata(this.#topic).length;
  }

  async disconnect(): Promise<void> {
    await this.#cluster.disconnect();
  }

  /** The broker that leads a partition as far as known; undefined while nobody does. */
  leaderOf(partition: number): number | undefined {
    try {
      const metadata = this.#cluster.findTopicPartitionMetadata(this.#topic);
      const leader = metadata.find(({ partitionId }) => partitionId === partition)?.leader;
      return leader === undefined || leader < 0 ? undefined : leader;
    } catch {
      return undefined; // no metadata: it was dropped with the last connection
    }
  }

  /** A broker with a connection made. */
  async broker(nodeId: number): Promise<Broker> {
    await this.#cluster.refreshMetadataIfNecessary();
    const broker = await this.#cluster.findBroker({ nodeId });
    await (await broker.connectionPool.getConnection()).authenticate();
    return broker;
  }

  /** Learns the leaders anew. Those who ask meanwhile share the answer. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    await this.#cluster.connect();
    await this.#cluster.addTargetTopic(this.#topic);
    await this.#cluster.refreshMetadata();
  }

  /** A connection that ended is not used again. */
  dropBroker(broker: Broker): void {
    this.#cluster.removeBroker(broker.connectionPool);
  }

  /** What partitions hold, asked of each leader at once. @throws MtaError `LOG_AWAY` */
  async bounds(partitions: readonly number[]): Promise<ReadonlyMap<number, Bounds>> {
    const found = new Map<number, Bounds>();
    const ask = async (broker: Broker, led: readonly number[]): Promise<void> => {
      const [starts, ends] = [await this.#offsets(broker, led, EARLIEST), await this.#offsets(broker, led, LATEST)];
      for (const partition of led) found.set(partition, { start: starts.get(partition)!, end: ends.get(partition)! });
    };
    await this.#repeat(() =>
      this.#onLeaders(
        partitions.filter((partition) => !found.has(partition)),
        ask,
      ),
    );
    return found;
  }

  /**
   * Fetches from an offset on: all records of the batch that holds it, at least.
   *
   * @returns undefined when the log does not hold that offset
   * @throws MtaError `LOG_AWAY`
   */
  async fetch(partition: number, offset: number): Promise<readonly FetchedMessage[] | undefined> {
    let messages: readonly FetchedMessage[] | undefined;
    const ask = async (broker: Broker): Promise<void> => {
      try {
        // One octet at most: a leader gives the whole first batch all the same (KIP-74).
        const { responses } = await broker.fetch({
          maxWaitTime: 0,
          minBytes: 1,
          maxBytes: 1,
          isolationLevel: READ_UNCOMMITTED,
          topics: [{ topic: this.#topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes: 1 }] }],
        });
        messages = responses[0]?.partitions[0]?.messages;
      } catch (error) {
        if (!isOutOfRange(error)) throw error;
      }
    };
    await this.#repeat(() => this.#onLeaders([partition], ask));
    return messages;
  }

  /** Deletes the records before an offset. @throws MtaError `LOG_AWAY` */
  async deleteBefore(partition: number, offset: number): Promise<void> {
    await this.#repeat(() =>
      this.#onLeaders([partition], async (broker) => {
        await broker.deleteRecords({
          topics: [{ topic: this.#topic, partitions: [{ partition, offset: String(offset) }] }],
        });
      }),
    );
  }

  async #offsets(
    broker: Broker,
    partitions: readonly number[],
    timestamp: number,
  ): Promise<ReadonlyMap<number, number>> {
    const { responses } = await broker.listOffsets({
      isolationLevel: READ_UNCOMMITTED,
      topics: [{ topic: this.#topic, partitions: partitions.map((partition) => ({ partition, timestamp })) }],
    });
    return new Map(responses[0]?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  }

  async #onLeaders(
    partitions: readonly number[],
    ask: (broker: Broker, led: readonly number[]) => Promise<void>,
  ): Promise<void> {
    const byLeader = Map.groupBy(partitions, (partition) => this.leaderOf(partition));
    const asked = await Promise.allSettled(
      [...byLeader].map(async ([leader, led]) => {
        if (leader === undefined) throw new Error(`partition ${led[0]} of ${this.#topic} has no leader`);
        await ask(await this.broker(leader), led);
      }),
    );
    for (const answer of asked) if (answer.status === 'rejected') throw answer.reason;
  }

  async #repeat(ask: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await ask();
        return;
      } catch (error) {
        if (attempt === ATTEMPTS || !meansStale(error as KafkaError)) throw away(error);
      }
      await sleep(BETWEEN_ATTEMPTS_MS);
      await this.refresh().catch(() => undefined); // the next attempt tells what is wrong
    }
  }
}
