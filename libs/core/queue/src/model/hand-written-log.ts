import type { LoggedRecord, QueueRecord, Undecodable } from '../records.ts';

/** A log written by hand: one record after the other, at the time that is set. */
export class HandWrittenLog {
  readonly records: LoggedRecord[] = [];
  appendTime = 1_000_000;

  /** Appends and gives the offset of the first. */
  append(...records: readonly (QueueRecord | Undecodable)[]): number {
    const first = this.records.length;
    for (const record of records)
      this.records.push({ offset: this.records.length, appendTime: this.appendTime, sizeOctets: 100, record });
    return first;
  }

  from(offset: number): readonly LoggedRecord[] {
    return this.records.slice(offset);
  }
}
