import type { MtaError } from '@mailyard/mail';
import type { Appended } from '@mailyard/queue';
import { MAX_BATCH_OCTETS, REQUEST_TIMEOUT_MS } from './kafka-options.ts';
import { type Broker, errorOfCode, type KafkaError } from './kafkajs-internals.ts';
import { appendFailure, meansStale, refused } from './log-failure.ts';
import { type ProduceResult, produceCall } from './produce-call.ts';
import type { BatchRecord } from './record-batch.ts';
import type { TopicCluster } from './topic-cluster.ts';

/** One caller's batch on its way. */
interface Pending {
  readonly partition: number;
  readonly records: readonly BatchRecord[];
  readonly octets: number;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: MtaError) => void;
}

/** What goes into one request. */
interface Load {
  readonly batches: ReadonlyMap<number, readonly BatchRecord[]>;
  readonly appends: readonly Pending[];
}

/** How much one request carries at most; a single batch may be a quarter of it. */
const MAX_REQUEST_OCTETS = 4 * MAX_BATCH_OCTETS;

/** The leader answers, late or not, before the client gives up. */
const LEADER_TIMEOUT_MS = REQUEST_TIMEOUT_MS - 1_000;

/** Where appends wait whose partition has no known leader. */
const NOBODY = -1;

/**
 * Appends batches, one request to a leader at a time.
 *
 * What comes while a request is under way goes with the next: appends to one partition become one record batch, which
 * is atomic, so each of them is too; partitions with one leader share the request. So there is no waiting to gather,
 * and the more there is to do the larger the requests. Nothing is repeated here: a caller that learns `LOG_UNCERTAIN`
 * repeats, and the fold drops what came twice.
 */
export class BatchAppender {
  readonly #topic: string;
  readonly #cluster: TopicCluster;
  /** By leader: what waits. */
  readonly #waiting = new Map<number, Pending[]>();
  readonly #busy = new Set<number>();
  #closed = false;

  constructor(topic: string, cluster: TopicCluster) {
    this.#topic = topic;
    this.#cluster = cluster;
  }

  /** @throws MtaError `LOG_REFUSED`, `LOG_UNCERTAIN` */
  append(partition: number, records: readonly BatchRecord[], octets: number): Promise<Appended> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(refused(new Error('it is closed')));
      const leader = this.#cluster.leaderOf(partition) ?? NOBODY;
      this.#enqueue(leader, { partition, records, octets, resolve, reject });
    });
  }

  /** Takes no more. What was sent is still answered. */
  close(): void {
    this.#closed = true;
  }

  #enqueue(leader: number, pending: Pending): void {
    const waiting = this.#waiting.get(leader);
    if (waiting === undefined) this.#waiting.set(leader, [pending]);
    else waiting.push(pending);
    this.#start(leader);
  }

  #start(leader: number): void {
    if (this.#busy.has(leader)) return;
    this.#busy.add(leader);
    // Not at once: what other sockets bring in this turn of the event loop goes along.
    setImmediate(() => void this.#run(leader));
  }

  async #run(leader: number): Promise<void> {
    for (let load = this.#take(leader); load.appends.length > 0; load = this.#take(leader))
      await this.#send(leader, load);
    this.#busy.delete(leader);
  }

  #take(leader: number): Load {
    const waiting = this.#waiting.get(leader) ?? [];
    const batches = new Map<number, BatchRecord[]>();
    const octetsOf = new Map<number, number>();
    const appends: Pending[] = [];
    const left: Pending[] = [];
    let total = 0;
    for (const pending of waiting) {
      const octets = (octetsOf.get(pending.partition) ?? 0) + pending.octets;
      // Once one of a partition has to stay, the later ones stay behind it.
      if (octets > MAX_BATCH_OCTETS || total + pending.octets > MAX_REQUEST_OCTETS) {
        octetsOf.set(pending.partition, Number.POSITIVE_INFINITY);
        left.push(pending);
        continue;
      }
      octetsOf.set(pending.partition, octets);
      total += pending.octets;
      appends.push(pending);
      const batch = batches.get(pending.partition);
      if (batch === undefined) batches.set(pending.partition, [...pending.records]);
      else batch.push(...pending.records);
    }
    if (left.length === 0) this.#waiting.delete(leader);
    else this.#waiting.set(leader, left);
    return { batches, appends };
  }

  async #send(leader: number, load: Load): Promise<void> {
    if (leader === NOBODY) return this.#findLeaders(load.appends);
    let broker: Broker;
    try {
      broker = await this.#cluster.broker(leader);
      await this.#cluster.connectTo(broker);
    } catch (error) {
      for (const pending of load.appends) pending.reject(refused(error));
      await this.#learnLeaders();
      return;
    }
    try {
      const call = produceCall(this.#topic, load.batches, LEADER_TIMEOUT_MS, Date.now());
      await this.#settle(load, await this.#cluster.send(broker, call));
    } catch (error) {
      // From here on it is not known whether the request left, unless the leader itself says so.
      for (const pending of load.appends) pending.reject(appendFailure(error as KafkaError));
      if ((error as Error).name === 'KafkaJSConnectionClosedError') this.#cluster.dropBroker(broker);
      await this.#learnLeaders();
    }
  }

  async #settle(load: Load, results: readonly ProduceResult[]): Promise<void> {
    const byPartition = new Map(results.map((result) => [result.partition, result]));
    const written = new Map<number, number>();
    let stale = false;
    for (const { partition, records, resolve, reject } of load.appends) {
      const result = byPartition.get(partition);
      if (result?.errorCode === 0) {
        const before = written.get(partition) ?? 0;
        written.set(partition, before + records.length);
        resolve({ firstOffset: result.baseOffset + before, appendTime: result.appendTime });
      } else {
        const error = result === undefined ? new Error('no answer for the partition') : errorOfCode(result.errorCode);
        stale ||= meansStale(error);
        reject(appendFailure(error));
      }
    }
    if (stale) await this.#learnLeaders();
  }

  /** Nothing was known of the leaders: they are asked for before anyone is refused. */
  async #findLeaders(appends: readonly Pending[]): Promise<void> {
    let reason: unknown = new Error('the partition has no leader');
    await this.#cluster.refresh().catch((error: unknown) => {
      reason = error;
    });
    for (const pending of appends) {
      const leader = this.#cluster.leaderOf(pending.partition);
      if (leader === undefined) pending.reject(refused(reason));
      else this.#enqueue(leader, pending);
    }
  }

  async #learnLeaders(): Promise<void> {
    await this.#cluster.refresh().catch(() => undefined); // what comes next finds out
    for (const [leader, waiting] of this.#waiting) this.#redeal(leader, waiting);
  }

  /** Moves what waits for a leader that leads its partition no more. */
  #redeal(leader: number, waiting: readonly Pending[]): void {
    const staying: Pending[] = [];
    for (const pending of waiting) {
      const now = this.#cluster.leaderOf(pending.partition) ?? NOBODY;
      if (now === leader) staying.push(pending);
      else this.#enqueue(now, pending);
    }
    if (staying.length === waiting.length) return;
    if (staying.length === 0) this.#waiting.delete(leader);
    else this.#waiting.set(leader, staying);
  }
}
