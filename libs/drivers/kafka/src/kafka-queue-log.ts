import { randomUUID } from 'node:crypto';
import { encodedOctets, encodeRecord } from '@mailyard/contracts';
import { MtaError } from '@mailyard/mail';
import type { Appended, LoggedRecord, PartitionHandler, QueueLog, QueueRecord, Reading } from '@mailyard/queue';
import { BatchAppender } from './batch-appender.ts';
import { GroupReading } from './group-reading.ts';
import { type KafkaQueueLogOptions, type KafkaSettings, MAX_BATCH_OCTETS, settle } from './kafka-options.ts';
import { readRecordBatches } from './record-batch-reader.ts';
import type { BatchRecord } from './record-batch.ts';
import { type Bounds, TopicCluster } from './topic-cluster.ts';
import { makeTopic, topicComplaints, withAdmin } from './topic.ts';

/** An owner waits for its own records before it goes on. */
const OWNER_GATHER_MS = 2;
/** Whoever only follows may be late. */
const FOLLOWER_GATHER_MS = 100;

/** The queue log in one topic of Kafka; see `docs/architecture.md`, "The queue log". */
export class KafkaQueueLog implements QueueLog {
  readonly partitionCount: number;
  readonly maxBatchOctets = MAX_BATCH_OCTETS;
  readonly #settings: KafkaSettings;
  readonly #cluster: TopicCluster;
  readonly #appender: BatchAppender;
  readonly #readings = new Set<Reading>();
  #closed = false;

  private constructor(settings: KafkaSettings, cluster: TopicCluster, partitionCount: number) {
    this.#settings = settings;
    this.#cluster = cluster;
    this.#appender = new BatchAppender(settings.topic, cluster);
    this.partitionCount = partitionCount;
  }

  /** Connects, and makes the topic unless it is there. @throws MtaError `LOG_AWAY` when no broker answers */
  static async open(options: KafkaQueueLogOptions): Promise<KafkaQueueLog> {
    const settings = settle(options);
    const made = await withAdmin(settings, (admin) => makeTopic(admin, settings));
    const cluster = new TopicCluster(settings);
    try {
      const partitionCount = await cluster.connect();
      // Leaders are named before they know that they lead: the first appends would find nobody.
      if (made) await cluster.bounds(Array.from({ length: partitionCount }, (_, partition) => partition));
      return new KafkaQueueLog(settings, cluster, partitionCount);
    } catch (error) {
      await cluster.disconnect();
      throw new MtaError('LOG_AWAY', `the topic ${settings.topic} cannot be read`, { cause: error });
    }
  }

  /** Requests that brokers answered so far, by name. */
  get requests(): ReadonlyMap<string, number> {
    return this.#settings.counts.byName;
  }

  /** What makes the topic unsafe for mail, each in a sentence. @throws MtaError `LOG_AWAY` */
  static async check(options: KafkaQueueLogOptions): Promise<string[]> {
    const settings = settle(options);
    return await withAdmin(settings, (admin) => topicComplaints(admin, settings.topic));
  }

  sizeOf(record: QueueRecord): number {
    return encodedOctets(record);
  }

  async append(partition: number, records: readonly QueueRecord[]): Promise<Appended> {
    this.#assertPartition(partition);
    const traceparent = traceOf(records);
    const encoded: BatchRecord[] = [];
    let octets = 0;
    for (const record of records) {
      const value = encodeRecord(record);
      octets += value.length;
      // One header is enough for all that happened together (I12).
      encoded.push({ value, traceparent: encoded.length === 0 ? traceparent : undefined });
    }
    if (octets > MAX_BATCH_OCTETS || encoded.length === 0)
      throw new MtaError('LOG_REFUSED', `a batch of ${records.length} records, ${octets} octets`);
    return await this.#appender.append(partition, encoded, octets);
  }

  async join(handler: PartitionHandler): Promise<Reading> {
    return this.#read(this.#settings.groupId, new Map(), handler, OWNER_GATHER_MS);
  }

  /** A group of its own, with one member: kafkajs has no reading without a group. */
  async follow(from: ReadonlyMap<number, number>, handler: PartitionHandler): Promise<Reading> {
    const groupId = `${this.#settings.groupId}.follower.${randomUUID()}`;
    const reading = this.#read(groupId, from, handler, FOLLOWER_GATHER_MS);
    return {
      stop: async () => {
        await reading.stop();
        // Left behind, it would only stand in lists: nothing was ever committed in it.
        await withAdmin(this.#settings, (admin) => admin.deleteGroups([groupId])).catch(() => undefined);
      },
    };
  }

  async read(partition: number, offset: number): Promise<LoggedRecord | undefined> {
    this.#assertPartition(partition);
    const octets = await this.#cluster.batchAt(partition, offset);
    const record = octets === undefined ? undefined : readRecordBatches(octets, offset)[0];
    return record?.offset === offset ? record : undefined;
  }

  async trim(partition: number, before: number): Promise<void> {
    const { start, end } = await this.bounds(partition);
    if (before <= start) return;
    if (before > end) throw new RangeError(`partition ${partition} ends at ${end}, before ${before}`);
    await this.#cluster.deleteBefore(partition, before);
  }

  async bounds(partition: number): Promise<Bounds> {
    this.#assertPartition(partition);
    return (await this.#cluster.bounds([partition])).get(partition)!;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#appender.close();
    await Promise.all([...this.#readings].map((reading) => reading.stop()));
    await this.#cluster.disconnect();
  }

  #read(groupId: string, from: ReadonlyMap<number, number>, handler: PartitionHandler, gatherMs: number): Reading {
    const inner = new GroupReading(this.#settings, groupId, from, handler, gatherMs);
    const reading = {
      stop: async () => {
        this.#readings.delete(reading);
        await inner.stop();
      },
    };
    this.#readings.add(reading);
    return reading;
  }

  #assertPartition(partition: number): void {
    if (!Number.isInteger(partition) || partition < 0 || partition >= this.partitionCount)
      throw new RangeError(`there is no partition ${partition}`);
  }
}

function traceOf(records: readonly QueueRecord[]): string | undefined {
  const accepted = records.find((record) => record.type === 'MessageAccepted');
  return accepted?.traceparent;
}
