import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { encodedOctets } from '@mailyard/contracts';
import { MtaError } from '@mailyard/mail';
import type { Appended, LoggedRecord, PartitionHandler, QueueLog, QueueRecord, Reading } from '@mailyard/queue';
import { PartitionLog } from './partition-log.ts';
import { PartitionReading } from './partition-reading.ts';
import type { openSegmentFile } from './segment-file.ts';

export interface DiskQueueLogOptions {
  /** 1 unless said otherwise: there is one owner anyway. Must not change once the log exists. */
  readonly partitionCount?: number;
  /** A file is complete once it holds so many octets; 64 MiB unless said otherwise. Trimming removes whole files. */
  readonly segmentOctets?: number;
  /** 1 MiB unless said otherwise (I12). */
  readonly maxBatchOctets?: number;
  /** The log's clock. */
  readonly now?: () => number;
  /** For tests of faults. */
  readonly openFile?: typeof openSegmentFile;
}

/**
 * The queue log as segment files in one directory, for one process (docs/decisions/0003). Hold an `OwnerLock` first.
 *
 * `LOG_UNCERTAIN` comes only from a write or sync that failed, and then the log has failed as well: see {@link failed}.
 */
export class DiskQueueLog implements QueueLog {
  readonly maxBatchOctets: number;
  /**
   * Settles, with the reason, when the log cannot go on: a write or sync failed, or a file is damaged. From then on
   * everything rejects. The process must end: only opening the files anew tells what they hold.
   */
  readonly failed: Promise<MtaError>;
  readonly #partitions: readonly PartitionLog[];
  readonly #readings = new Set<PartitionReading>();
  #joined = false;

  /**
   * Opens or begins the log in a directory.
   *
   * @throws MtaError `STORE_DAMAGED` when octets are bad or missing that were durable once
   */
  static async open(directory: string, options: DiskQueueLogOptions = {}): Promise<DiskQueueLog> {
    const { promise, resolve } = Promise.withResolvers<MtaError>();
    await mkdir(directory, { recursive: true });
    const maxBatchOctets = options.maxBatchOctets ?? 1_048_576;
    const partitions: PartitionLog[] = [];
    for (let partition = 0; partition < (options.partitionCount ?? 1); partition++) {
      const log = new PartitionLog(
        join(directory, String(partition)),
        {
          segmentOctets: options.segmentOctets ?? 67_108_864,
          maxBatchOctets,
          now: options.now ?? Date.now,
          ...(options.openFile === undefined ? {} : { openFile: options.openFile }),
        },
        resolve,
      );
      await log.open();
      partitions.push(log);
    }
    return new DiskQueueLog(partitions, maxBatchOctets, promise);
  }

  private constructor(partitions: readonly PartitionLog[], maxBatchOctets: number, failed: Promise<MtaError>) {
    this.#partitions = partitions;
    this.maxBatchOctets = maxBatchOctets;
    this.failed = failed;
  }

  get partitionCount(): number {
    return this.#partitions.length;
  }

  sizeOf(record: QueueRecord): number {
    return encodedOctets(record);
  }

  append(partition: number, records: readonly QueueRecord[]): Promise<Appended> {
    return this.#of(partition).append(records);
  }

  /** All partitions are this process's. One reader at a time may join. */
  join(handler: PartitionHandler): Promise<Reading> {
    if (this.#joined) return Promise.reject(new MtaError('LOG_JOINED', 'the log has a reader that joined'));
    this.#joined = true;
    return Promise.resolve(this.#read(new Map(), handler, () => (this.#joined = false)));
  }

  follow(from: ReadonlyMap<number, number>, handler: PartitionHandler): Promise<Reading> {
    return Promise.resolve(this.#read(from, handler, () => {}));
  }

  async read(partition: number, offset: number): Promise<LoggedRecord | undefined> {
    return this.#of(partition).read(offset);
  }

  async trim(partition: number, before: number): Promise<void> {
    const log = this.#of(partition);
    log.assertSound();
    await log.segments.trim(Math.min(before, log.end));
  }

  async bounds(partition: number): Promise<{ readonly start: number; readonly end: number }> {
    const { start, end } = this.#of(partition);
    return { start, end };
  }

  /** Waits for appends that were taken and for handlers that run; readers are told that their partitions are gone. */
  async close(): Promise<void> {
    await Promise.all(this.#partitions.map((log) => log.close()));
    await Promise.all([...this.#readings].map((reading) => reading.stop()));
  }

  #of(partition: number): PartitionLog {
    const log = this.#partitions[partition];
    if (log === undefined) throw new RangeError(`there is no partition ${partition}`);
    return log;
  }

  #read(from: ReadonlyMap<number, number>, handler: PartitionHandler, left: () => void): Reading {
    const readings = this.#partitions.map(
      (log, partition) => new PartitionReading(log, partition, from.get(partition), handler),
    );
    for (const reading of readings) this.#readings.add(reading);
    return {
      stop: async () => {
        await Promise.all(readings.map((reading) => reading.stop()));
        for (const reading of readings) this.#readings.delete(reading);
        left();
      },
    };
  }
}
