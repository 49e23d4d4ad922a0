import type { Appended, LoggedRecord, PartitionHandler, QueueLog, QueueRecord, Reading } from '@mailyard/queue';
import type { Metrics } from './metrics.ts';

/** A queue log that times its appends (`mailyard_log_append_seconds`). One that fails is not counted. */
export class MeasuredQueueLog implements QueueLog {
  readonly #log: QueueLog;
  readonly #metrics: Pick<Metrics, 'record'>;

  constructor(log: QueueLog, metrics: Pick<Metrics, 'record'>) {
    this.#log = log;
    this.#metrics = metrics;
  }

  get partitionCount(): number {
    return this.#log.partitionCount;
  }

  get maxBatchOctets(): number {
    return this.#log.maxBatchOctets;
  }

  sizeOf(record: QueueRecord): number {
    return this.#log.sizeOf(record);
  }

  async append(partition: number, records: readonly QueueRecord[]): Promise<Appended> {
    const began = performance.now();
    const appended = await this.#log.append(partition, records);
    this.#metrics.record('logAppend', (performance.now() - began) / 1_000);
    return appended;
  }

  join(handler: PartitionHandler): Promise<Reading> {
    return this.#log.join(handler);
  }

  follow(from: ReadonlyMap<number, number>, handler: PartitionHandler): Promise<Reading> {
    return this.#log.follow(from, handler);
  }

  read(partition: number, offset: number): Promise<LoggedRecord | undefined> {
    return this.#log.read(partition, offset);
  }

  trim(partition: number, before: number): Promise<void> {
    return this.#log.trim(partition, before);
  }

  bounds(partition: number): Promise<{ readonly start: number; readonly end: number }> {
    return this.#log.bounds(partition);
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
