import type { PartitionHandler } from '@mailyard/queue';
import type { MemoryPartition } from './memory-partition.ts';

/** One reader of one partition in memory. */
export class MemoryReading {
  readonly #log: MemoryPartition;
  readonly #partition: number;
  readonly #handler: PartitionHandler;
  readonly #running: Promise<void>;
  #next: number;
  #reading = true;
  #abandoned = false;

  constructor(log: MemoryPartition, partition: number, from: number | undefined, handler: PartitionHandler) {
    this.#log = log;
    this.#partition = partition;
    this.#handler = handler;
    this.#next = from ?? log.start;
    this.#running = this.#run();
  }

  /** Leaves in order: the handler is told, and is called no more once this resolves. */
  leave(): Promise<void> {
    this.#reading = false;
    this.#log.wake();
    return this.#running;
  }

  /** Falls silent at once, as when its process dies: not even `revoked` is called. */
  abandon(): void {
    this.#reading = false;
    this.#abandoned = true;
    this.#log.wake();
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    if (!this.#isReading()) return;
    this.#handler.assigned(this.#partition);
    while (this.#isReading()) {
      if (this.#next < this.#log.start || this.#next > this.#log.end) {
        const reason = `offset ${this.#next} is outside of ${this.#log.start} to ${this.#log.end}`;
        this.#next = this.#log.start;
        this.#handler.reset(this.#partition, reason);
      } else if (this.#next === this.#log.end) {
        await this.#log.change();
      } else {
        const records = this.#log.from(this.#next);
        this.#next += records.length;
        await this.#handler.records(this.#partition, records);
      }
    }
    if (!this.#abandoned) this.#handler.revoked(this.#partition);
  }

  #isReading(): boolean {
    return this.#reading;
  }
}
