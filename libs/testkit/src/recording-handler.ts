import type { LoggedRecord, PartitionHandler } from '@mailyard/queue';

/** What a handler was told of one partition since it was assigned or reset last. */
export interface PartitionRecording {
  held: boolean;
  assignments: number;
  resets: number;
  records: LoggedRecord[];
  /** How the records came: the first offset of each call. */
  calls: number[];
}

/**
 * Keeps what a queue log tells a reader, and complains of every call that the port does not allow: records that do not
 * follow on, calls for a partition that is not held, a call while an earlier one runs.
 */
export class RecordingHandler implements PartitionHandler {
  readonly complaints: string[] = [];
  readonly partitions = new Map<number, PartitionRecording>();
  /** When given, each call for records waits for it. */
  readonly #hold: ((partition: number) => Promise<void> | undefined) | undefined;
  readonly #running = new Set<number>();
  #over = false;

  constructor(hold?: (partition: number) => Promise<void> | undefined) {
    this.#hold = hold;
  }

  of(partition: number): PartitionRecording {
    const known = this.partitions.get(partition);
    if (known !== undefined) return known;
    const fresh: PartitionRecording = { held: false, assignments: 0, resets: 0, records: [], calls: [] };
    this.partitions.set(partition, fresh);
    return fresh;
  }

  /** Partitions that are held now, rising. */
  get held(): number[] {
    return [...this.partitions]
      .filter(([, { held }]) => held)
      .map(([partition]) => partition)
      .sort((a, b) => a - b);
  }

  /** From now on every call is a complaint: the reading was stopped. */
  over(): void {
    this.#over = true;
  }

  assigned(partition: number): void {
    const recording = this.#allow('assigned', partition, false);
    recording.held = true;
    recording.assignments += 1;
    recording.records = [];
    recording.calls = [];
  }

  records(partition: number, records: readonly LoggedRecord[]): void | Promise<void> {
    const recording = this.#allow('records', partition, true);
    if (records.length === 0) this.complaints.push(`no records for ${partition}`);
    recording.calls.push(records[0]?.offset ?? -1);
    for (const record of records) {
      const last = recording.records.at(-1);
      if (last !== undefined && record.offset !== last.offset + 1)
        this.complaints.push(`${partition}: ${record.offset} follows ${last.offset}`);
      if (last !== undefined && record.appendTime < last.appendTime)
        this.complaints.push(`${partition}: the append time of ${record.offset} runs backwards`);
      recording.records.push(record);
    }
    const held = this.#hold?.(partition);
    if (held === undefined) return;
    this.#running.add(partition);
    return held.then(() => {
      this.#running.delete(partition);
    });
  }

  reset(partition: number, _reason: string): void {
    const recording = this.#allow('reset', partition, true);
    recording.resets += 1;
    recording.records = [];
    recording.calls = [];
  }

  revoked(partition: number): void {
    this.#allow('revoked', partition, true).held = false;
  }

  #allow(call: string, partition: number, held: boolean): PartitionRecording {
    const recording = this.of(partition);
    if (this.#over) this.complaints.push(`${call} of ${partition} after the end`);
    if (recording.held !== held) this.complaints.push(`${call} of ${partition}, which is ${held ? 'not ' : ''}held`);
    if (this.#running.has(partition)) this.complaints.push(`${call} of ${partition} while an earlier call runs`);
    return recording;
  }
}
