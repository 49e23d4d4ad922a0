/**
 * One partition of the queue log on disk: group commit, and what it does when a write fails.
 *
 * Appends are encoded at once into one of two buffers. While one is being written, the other fills; what has gathered
 * by the time the write ends is the next write. An append therefore costs its encoding, its CRC and a share of a write.
 *
 * States: open, then failed or closed, both for good. A write or sync that failed leaves pages that the kernel may call
 * clean without having written them, so the file is not touched again: the process must end and recover from the disk.
 */
import { WireWriter } from '@mailyard/contracts';
import { MtaError } from '@mailyard/mail';
import type { Appended, LoggedRecord, QueueRecord } from '@mailyard/queue';
import { HEADER_OCTETS, recordsOf, sealFrame, writeFrame } from './batch-frame.ts';
import { openSegmentFile, WriteFailure } from './segment-file.ts';
import { SegmentList } from './segment-list.ts';

export interface PartitionLogOptions {
  /** A segment is complete once it holds so many octets. */
  readonly segmentOctets: number;
  readonly maxBatchOctets: number;
  /** The log's clock, in milliseconds of the epoch. */
  readonly now: () => number;
  readonly openFile?: typeof openSegmentFile;
}

/** Who is told of records as soon as they are durable. */
export interface Tail {
  offer(records: readonly LoggedRecord[], sizeOctets: number): void;
  /** Nothing more comes. */
  end(): void;
}

interface Waiting {
  readonly records: readonly QueueRecord[];
  /** Where its frame begins in the buffer. */
  readonly at: number;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: MtaError) => void;
}

const BUFFER_OCTETS = 1_048_576;
/** A buffer that a burst made larger than this is given back. */
const KEPT_OCTETS = 8_388_608;
/** Errors that say "no room": nothing was written, and there may be room later. */
const NO_ROOM: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

export class PartitionLog {
  readonly segments: SegmentList;
  readonly tails = new Set<Tail>();
  readonly #options: PartitionLogOptions;
  readonly #name: string;
  #filling = new WireWriter(BUFFER_OCTETS);
  #spare = new WireWriter(BUFFER_OCTETS);
  #waiting: Waiting[] = [];
  #writing = false;
  #end = 0;
  #appendTime = 0;
  #failure: MtaError | undefined;
  #closed = false;
  #idle: (() => void) | undefined;
  /** Called once, when the log has failed. */
  readonly #onFailure: (error: MtaError) => void;

  constructor(directory: string, options: PartitionLogOptions, onFailure: (error: MtaError) => void) {
    this.#name = directory;
    this.#options = options;
    this.#onFailure = onFailure;
    this.segments = new SegmentList(directory, options.openFile ?? openSegmentFile);
  }

  /** Next offset; all before it are durable. */
  get end(): number {
    return this.#end;
  }

  get start(): number {
    return this.segments.start;
  }

  async open(): Promise<{ readonly cutOctets: number }> {
    const { end, appendTime, cutOctets } = await this.segments.open();
    this.#end = end;
    this.#appendTime = appendTime;
    return { cutOctets };
  }

  append(records: readonly QueueRecord[]): Promise<Appended> {
    return new Promise((resolve, reject) => {
      const refusal = this.#failure ?? (this.#closed ? new MtaError('LOG_REFUSED', 'the log is closed') : undefined);
      if (refusal !== undefined) return reject(refused(refusal));
      const filling = this.#filling;
      const at = filling.position;
      try {
        const octets = writeFrame(filling, records);
        if (records.length === 0) throw new RangeError('an empty batch');
        if (octets > this.#options.maxBatchOctets)
          throw new RangeError(`a batch of ${octets} octets, above ${this.#options.maxBatchOctets}`);
      } catch (error) {
        filling.position = at;
        return reject(refused(error));
      }
      this.#waiting.push({ records, at, resolve, reject });
      if (!this.#writing) {
        this.#writing = true;
        // What else arrives in this turn of the loop shares the write.
        setImmediate(() => void this.#write());
      }
    });
  }

  /** @throws MtaError `STORE_FAILED` once the log has failed */
  assertSound(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends the log for good: something is wrong that only a restart can put right. */
  fail(cause: unknown): void {
    if (this.#failure !== undefined) return;
    const text = cause instanceof Error ? cause.message : String(cause);
    this.#failure = new MtaError('STORE_FAILED', `${this.#name}: ${text}; nothing more is written until a restart`, {
      cause,
    });
    this.#rejectAll(this.#waiting, refused(this.#failure));
    this.#waiting = [];
    this.#endTails();
    this.#onFailure(this.#failure);
  }

  /** Waits for the appends that were taken, then closes the file. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#writing) await new Promise<void>((resolve) => (this.#idle = resolve));
    this.#endTails();
    await this.segments.close();
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0 && this.#failure === undefined) {
      const group = this.#waiting;
      const buffer = this.#filling;
      this.#waiting = [];
      this.#filling = this.#spare;
      this.#filling.position = 0;
      await this.#writeGroup(group, buffer);
      this.#spare = buffer.octets.length > KEPT_OCTETS ? new WireWriter(BUFFER_OCTETS) : buffer;
    }
    this.#writing = false;
    this.#idle?.();
  }

  async #writeGroup(group: readonly Waiting[], buffer: WireWriter): Promise<void> {
    // Never backwards, whatever the clock does.
    const appendTime = Math.max(this.#appendTime, this.#options.now());
    try {
      if (this.segments.complete || this.segments.active.sizeOctets >= this.#options.segmentOctets)
        await this.segments.roll(this.#end, this.#closingFrame());
    } catch (error) {
      if (!(await this.#undo(error))) this.fail(error);
      return this.#rejectAll(group, refused(error));
    }
    const { active, file } = this.segments;
    const position = active.sizeOctets;
    let offset = this.#end;
    for (const { at, records } of group) {
      sealFrame(buffer.octets, at, offset, appendTime, position);
      offset += records.length;
    }
    try {
      await file.write(buffer.octets.subarray(0, buffer.position), position);
    } catch (error) {
      if (await this.#undo(error)) return this.#rejectAll(group, refused(error));
      this.fail(error);
      return this.#rejectAll(group, new MtaError('LOG_UNCERTAIN', 'the write failed', { cause: error }));
    }
    this.#appendTime = appendTime;
    active.sizeOctets = position + buffer.position;
    this.#settle(group, buffer, position, appendTime);
  }

  /** The group is durable: answers, then tells the readers. */
  #settle(group: readonly Waiting[], buffer: WireWriter, position: number, appendTime: number): void {
    const { active } = this.segments;
    const told: LoggedRecord[] | undefined = this.tails.size > 0 ? [] : undefined;
    for (const { at, records, resolve } of group) {
      active.index(this.#end, position + at);
      if (told !== undefined) {
        let from = at + HEADER_OCTETS;
        for (const [index, record] of records.entries()) {
          const sizeOctets = buffer.octets.readUInt32LE(from);
          told.push({ offset: this.#end + index, appendTime, sizeOctets, record });
          from += 4 + sizeOctets;
        }
      }
      resolve({ firstOffset: this.#end, appendTime });
      this.#end += records.length;
    }
    if (told !== undefined) for (const tail of this.tails) tail.offer(told, buffer.position);
  }

  #closingFrame(): Buffer {
    const w = new WireWriter(HEADER_OCTETS);
    writeFrame(w, []);
    sealFrame(w.octets, 0, this.#end, this.#appendTime, this.segments.active.sizeOctets);
    return w.octets;
  }

  /**
   * After a failure for want of room: brings the file back to what was durable before.
   *
   * @returns false when that cannot be told or done: then nothing about the file is certain
   */
  async #undo(error: unknown): Promise<boolean> {
    if (!NO_ROOM.has((error as NodeJS.ErrnoException).code ?? '')) return false;
    const written = error instanceof WriteFailure ? error.written : 0;
    const { active, file } = this.segments;
    try {
      // A sync that finds no room fails like a write, but has left its octets: then the size tells.
      if ((await file.sizeOctets()) !== active.sizeOctets + written) return false;
      if (written > 0) await file.truncate(active.sizeOctets);
      return true;
    } catch {
      return false;
    }
  }

  #rejectAll(group: readonly Waiting[], error: MtaError): void {
    for (const { reject } of group) reject(error);
  }

  #endTails(): void {
    for (const tail of this.tails) tail.end();
    this.tails.clear();
  }

  /** @returns the record, undefined when it was trimmed or is not written yet */
  async read(offset: number): Promise<LoggedRecord | undefined> {
    this.assertSound();
    if (offset < this.start || offset >= this.#end) return undefined;
    try {
      const frame = await this.segments.holding(offset).find(offset);
      return frame === undefined ? undefined : recordsOf(frame, offset, offset + 1)[0];
    } catch (error) {
      if (offset < this.start) return undefined;
      if ((error as MtaError).code === 'STORE_DAMAGED') this.fail(error);
      throw error;
    }
  }
}

function refused(cause: unknown): MtaError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new MtaError('LOG_REFUSED', text, { cause });
}
