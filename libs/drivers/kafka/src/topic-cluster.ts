import { setTimeout as sleep } from 'node:timers/promises';
import { type FetchedPartition, fetchCall, type FetchLimits, type FetchPosition } from './fetch-call.ts';
import { type KafkaSettings, REQUEST_TIMEOUT_MS } from './kafka-options.ts';
import {
  type Broker,
  type Cluster,
  createCluster,
  errorOfCode,
  type KafkaError,
  type ProtocolCall,
} from './kafkajs-internals.ts';
import { away, isOutOfRange, meansStale } from './log-failure.ts';
import { within } from './within.ts';

/** What a partition holds: from `start`, and `end` is the next offset to be written. */
export interface Bounds {
  readonly start: number;
  readonly end: number;
}

const EARLIEST = -2;
const LATEST = -1;
const READ_UNCOMMITTED = 0;
/** kafkajs ends what it waits for after the request's timeout. Should it ever not, we do. */
const DEADLINE_MS = REQUEST_TIMEOUT_MS + 5_000;
/** A leader that has not answered a fetch by then, over what it was told to wait, stands still. */
const FETCH_GRACE_MS = 4_000;
/** Which of a broker's two connections takes a request: fetches wait there, and must not hold up the others. */
const CONNECTIONS = { fetch: 1, others: 0 };
/** One octet at most: a leader gives the whole first batch all the same (KIP-74). */
const ONE_BATCH: FetchLimits = { waitMs: 0, maxOctets: 1, maxPartitionOctets: 1 };
const ATTEMPTS = 8;
const CONNECT_ATTEMPTS = 40;
const BETWEEN_ATTEMPTS_MS = 300;

/** One topic's partitions by their leaders: who leads, and questions that go to the leader. */
export class TopicCluster {
  readonly #settings: KafkaSettings;
  readonly #topic: string;
  #cluster: Cluster;
  /** The refresh of metadata that runs, if one does. */
  #refreshing: Promise<void> | undefined;

  constructor(settings: KafkaSettings) {
    this.#settings = settings;
    this.#topic = settings.topic;
    this.#cluster = createCluster(settings);
  }

  /**
   * Connects and learns the partitions. A topic that was just made, here or by another process, may not be known to
   * every broker yet: it is waited for.
   *
   * @returns how many there are
   */
  async connect(): Promise<number> {
    await this.#cluster.connect();
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#cluster.addTargetTopic(this.#topic);
        return this.#cluster.findTopicPartitionMetadata(this.#topic).length;
      } catch (error) {
        if (attempt === CONNECT_ATTEMPTS || !meansStale(error as KafkaError)) throw error;
        await sleep(BETWEEN_ATTEMPTS_MS);
      }
    }
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
    const find = async (): Promise<Broker> => {
      await this.#cluster.refreshMetadataIfNecessary();
      return await this.#cluster.findBroker({ nodeId });
    };
    return await within(DEADLINE_MS, find(), `the connection to broker ${nodeId}`);
  }

  /** Makes sure of the connection that {@link send} would take. Fails before anything can have been sent. */
  async connectTo(broker: Broker): Promise<void> {
    const connect = async (): Promise<void> => {
      await (await broker.connectionPool.getConnection(CONNECTIONS.others)).authenticate();
    };
    await within(DEADLINE_MS, connect(), `the connection to broker ${broker.nodeId}`);
  }

  /** Sends a request of ours. */
  async send<T>(broker: Broker, call: ProtocolCall<T>): Promise<T> {
    return await within(DEADLINE_MS, exchange(broker, CONNECTIONS.others, call), call.request.apiName);
  }

  /** Reads from a leader, as it is, whatever it answers. */
  async fetch(
    leader: number,
    positions: readonly FetchPosition[],
    limits: FetchLimits,
  ): Promise<readonly FetchedPartition[]> {
    const broker = await this.broker(leader);
    const call = fetchCall(this.#topic, positions, limits);
    try {
      return await within(limits.waitMs + FETCH_GRACE_MS, exchange(broker, CONNECTIONS.fetch, call), 'a fetch');
    } catch (error) {
      this.dropBroker(broker);
      throw error;
    }
  }

  /** Learns the leaders anew. Those who ask meanwhile share the answer. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const learn = async (): Promise<void> => {
      await this.#cluster.connect();
      await this.#cluster.addTargetTopic(this.#topic);
      await this.#cluster.refreshMetadata();
    };
    try {
      await within(3 * DEADLINE_MS, learn(), 'learning the leaders');
    } catch (error) {
      // Nothing of it is trusted any more.
      void this.#cluster.disconnect().catch(() => undefined);
      this.#cluster = createCluster(this.#settings);
      throw error;
    }
  }

  /** Connections that are in doubt are not used again; what is still under way on them may end. */
  dropBroker(broker: Broker): void {
    this.#cluster.removeBroker(broker.connectionPool);
    void broker.disconnect().catch(() => undefined);
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
   * Reads the batch that holds an offset.
   *
   * @returns undefined when the log does not hold that offset
   * @throws MtaError `LOG_AWAY`
   */
  async batchAt(partition: number, offset: number): Promise<Buffer | undefined> {
    let octets: Buffer | undefined;
    await this.#repeat(async () => {
      const [fetched] = await this.fetch(this.#knownLeader(partition), [{ partition, offset }], ONE_BATCH);
      const error = fetched === undefined || fetched.errorCode === 0 ? undefined : errorOfCode(fetched.errorCode);
      if (error !== undefined && !isOutOfRange(error)) throw error;
      octets = error === undefined ? fetched?.octets : undefined;
    });
    return octets;
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
    const byLeader = Map.groupBy(partitions, (partition) => this.#knownLeader(partition));
    const asked = await Promise.allSettled(
      [...byLeader].map(async ([leader, led]) => {
        const broker = await this.broker(leader);
        await within(DEADLINE_MS, ask(broker, led), `broker ${leader}`);
      }),
    );
    for (const answer of asked) if (answer.status === 'rejected') throw answer.reason;
  }

  get #isInformed(): boolean {
    try {
      return this.#cluster.findTopicPartitionMetadata(this.#topic).length > 0;
    } catch {
      return false;
    }
  }

  #knownLeader(partition: number): number {
    const leader = this.leaderOf(partition);
    if (leader === undefined) throw new Error(`partition ${partition} of ${this.#topic} has no leader`);
    return leader;
  }

  async #repeat(ask: () => Promise<void>): Promise<void> {
    if (!this.#isInformed) await this.refresh().catch(() => undefined); // the first attempt tells what is wrong
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

async function exchange<T>(broker: Broker, connection: number, call: ProtocolCall<T>): Promise<T> {
  return await (await broker.connectionPool.getConnection(connection)).send(call);
}
