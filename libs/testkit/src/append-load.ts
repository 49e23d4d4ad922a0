import { isMtaError } from '@mailyard/mail';
import type { LoggedRecord, QueueLog } from '@mailyard/queue';
import { sampleClaim } from './sample-records.ts';

/** What became of one numbered append. */
interface Acknowledged {
  readonly number: number;
  readonly offset: number;
}

/**
 * Writers that append numbered records to all partitions of a log until told to stop, each repeating what was refused
 * or uncertain, as ingress does (I1). What was acknowledged must be read at its offset, whatever happened meanwhile.
 */
export class AppendLoad {
  /** By partition. */
  readonly acknowledged: readonly Acknowledged[][];
  refused = 0;
  uncertain = 0;
  /** The longest time from the first try to the acknowledgement. */
  longestMs = 0;
  readonly #log: QueueLog;
  readonly #writers: Promise<void>[];
  #next = 0;
  readonly #stopped = new AbortController();

  constructor(log: QueueLog, writers: number) {
    this.#log = log;
    this.acknowledged = Array.from({ length: log.partitionCount }, () => []);
    this.#writers = Array.from({ length: writers }, (_, writer) => this.#write(writer));
  }

  get count(): number {
    return this.acknowledged.reduce((sum, { length }) => sum + length, 0);
  }

  /** Ends the writers; each finishes what it has begun. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#writers);
  }

  /** The acknowledged appends of a partition that are not where they should be among the records read. */
  missing(partition: number, records: readonly LoggedRecord[]): Acknowledged[] {
    const first = records[0]?.offset ?? 0;
    return this.acknowledged[partition]!.filter(({ number, offset }) => {
      const found = records[offset - first]?.record;
      return found?.type !== 'PartitionClaimed' || found.claim !== number;
    });
  }

  async #write(writer: number): Promise<void> {
    for (let turn = writer; !this.#stopped.signal.aborted; turn++) {
      const number = this.#next++;
      const partition = turn % this.#log.partitionCount;
      const begun = performance.now();
      const { firstOffset } = await this.#untilAcknowledged(partition, number);
      this.longestMs = Math.max(this.longestMs, performance.now() - begun);
      this.acknowledged[partition]!.push({ number, offset: firstOffset });
    }
  }

  async #untilAcknowledged(partition: number, number: number): Promise<{ readonly firstOffset: number }> {
    for (;;) {
      try {
        return await this.#log.append(partition, [sampleClaim(number)]);
      } catch (error) {
        if (isMtaError(error, 'LOG_REFUSED')) this.refused += 1;
        else if (isMtaError(error, 'LOG_UNCERTAIN')) this.uncertain += 1;
        else throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}
