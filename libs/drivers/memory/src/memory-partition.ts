import { encodedOctets } from '@mailyard/contracts';
import type { Appended, LoggedRecord, QueueRecord } from '@mailyard/queue';

/** One partition of the log in memory. */
export class MemoryPartition {
  #start = 0;
  #appendTime = 0;
  readonly #now: () => number;
  #records: LoggedRecord[] = [];
  readonly #wakers = new Set<() => void>();

  constructor(now: () => number) {
    this.#now = now;
  }

  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#start + this.#records.length;
  }

  append(records: readonly QueueRecord[]): Appended {
    const firstOffset = this.end;
    this.#appendTime = Math.max(this.#appendTime, this.#now());
    for (const [index, record] of records.entries())
      this.#records.push({
        offset: firstOffset + index,
        appendTime: this.#appendTime,
        sizeOctets: encodedOctets(record),
        record,
      });
    this.wake();
    return { firstOffset, appendTime: this.#appendTime };
  }

  from(offset: number): readonly LoggedRecord[] {
    return this.#records.slice(offset - this.#start);
  }

  at(offset: number): LoggedRecord | undefined {
    return offset < this.#start ? undefined : this.#records[offset - this.#start];
  }

  trim(before: number): void {
    const to = Math.min(before, this.end);
    if (to <= this.#start) return;
    this.#records = this.#records.slice(to - this.#start);
    this.#start = to;
  }

  /** Resolves at the next append, or when a reader is to look again. */
  change(): Promise<void> {
    return new Promise((resolve) => this.#wakers.add(resolve));
  }

  wake(): void {
    const wakers = [...this.#wakers];
    this.#wakers.clear();
    for (const waker of wakers) waker();
  }
}
