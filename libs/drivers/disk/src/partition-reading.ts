/**
 * One reader of one partition. It reads files until it has caught up; from then on it is handed what is appended, in
 * memory, as soon as that is durable. When it falls behind by more than a few megabytes it goes back to the files.
 *
 * No wake-up is lost: whether it has caught up is decided, and its place among the tails taken, in one step of the loop.
 */
import type { FileHandle } from 'node:fs/promises';
import type { LoggedRecord, PartitionHandler } from '@mailyard/queue';
import { recordsOf } from './batch-frame.ts';
import { FrameReader } from './frame-reader.ts';
import type { PartitionLog, Tail } from './partition-log.ts';
import type { Segment } from './segment.ts';

/** Read at once from a file. */
const CHUNK_OCTETS = 262_144;
/** Handed-on records that wait for a slow handler; beyond that it reads files again. */
const QUEUE_OCTETS = 4_194_304;

export class PartitionReading implements Tail {
  readonly #log: PartitionLog;
  readonly #partition: number;
  readonly #handler: PartitionHandler;
  readonly #running: Promise<void>;
  /** Offset of the next record to hand on. */
  #next: number;
  #stopped = false;
  #place: { segment: Segment; file: FileHandle; reader: FrameReader } | undefined;

  /** While it is a tail: records that wait for the handler. */
  #queue: (readonly LoggedRecord[])[] = [];
  #queuedOctets = 0;
  #handling: Promise<void> | undefined;
  #leaveTail: (() => void) | undefined;

  constructor(log: PartitionLog, partition: number, from: number | undefined, handler: PartitionHandler) {
    this.#log = log;
    this.#partition = partition;
    this.#handler = handler;
    this.#next = from ?? log.start;
    this.#running = this.#run();
  }

  /** Resolves once no handler is called any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.end();
    await this.#running;
  }

  offer(records: readonly LoggedRecord[], sizeOctets: number): void {
    if (this.#handling === undefined) {
      this.#handOn(records);
      return;
    }
    this.#queuedOctets += sizeOctets;
    if (this.#queuedOctets > QUEUE_OCTETS) this.end();
    else this.#queue.push(records);
  }

  end(): void {
    this.#log.tails.delete(this);
    this.#queue = [];
    this.#leaveTail?.();
  }

  async #run(): Promise<void> {
    // In a turn of its own, so that the caller has its reading before the first call.
    await Promise.resolve();
    if (this.#stopped) return;
    try {
      this.#handler.assigned(this.#partition);
      while (!this.#stopped && this.#isSound()) {
        if (this.#next < this.#log.start || this.#next > this.#log.end) this.#reset();
        else if (this.#next === this.#log.end) await this.#followTail();
        else await this.#readFile();
      }
      this.#handler.revoked(this.#partition);
    } catch (error) {
      // A handler that throws has lost its state, and a damaged log must not be passed over: neither goes on.
      this.#log.fail(error);
    } finally {
      await this.#leaveFile();
    }
  }

  #isSound(): boolean {
    try {
      this.#log.assertSound();
      return true;
    } catch {
      return false;
    }
  }

  #reset(): void {
    const reason =
      this.#next < this.#log.start
        ? `offset ${this.#next} was trimmed, the log begins at ${this.#log.start}`
        : `offset ${this.#next} lies beyond the end of the log, ${this.#log.end}`;
    this.#next = this.#log.start;
    this.#handler.reset(this.#partition, reason);
  }

  async #followTail(): Promise<void> {
    this.#queuedOctets = 0;
    await this.#leaveFile();
    if (this.#next !== this.#log.end || this.#stopped) return;
    const left = new Promise<void>((resolve) => (this.#leaveTail = resolve));
    this.#log.tails.add(this);
    await left;
    this.#leaveTail = undefined;
    await this.#handling;
  }

  #handOn(records: readonly LoggedRecord[]): void {
    try {
      this.#next = records.at(-1)!.offset + 1;
      const handling = this.#handler.records(this.#partition, records);
      if (handling !== undefined) this.#handling = this.#drain(handling);
    } catch (error) {
      this.#log.fail(error);
    }
  }

  async #drain(handling: Promise<void>): Promise<void> {
    try {
      await handling;
      while (this.#queue.length > 0) {
        const records = this.#queue.length === 1 ? this.#queue[0]! : this.#queue.flat();
        this.#queue = [];
        this.#queuedOctets = 0;
        this.#next = records.at(-1)!.offset + 1;
        await this.#handler.records(this.#partition, records);
      }
      this.#handling = undefined;
    } catch (error) {
      this.#handling = undefined;
      this.#log.fail(error);
    }
  }

  /** Reads one piece of a file and hands it on. */
  async #readFile(): Promise<void> {
    const segment = this.#log.segments.holding(this.#next);
    const { end } = this.#log;
    const limit = segment.sizeOctets;
    let frames: Awaited<ReturnType<FrameReader['next']>>;
    try {
      const reader = await this.#readerIn(segment);
      frames = await reader.next(limit);
    } catch (error) {
      // Trimmed under our hands: the next turn says so.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && this.#next < this.#log.start) return;
      throw error;
    }
    if ('badAt' in frames) throw segment.damaged(frames.badAt);
    if (frames.length === 0) throw segment.damaged(limit);
    const records = frames.flatMap((frame) => recordsOf(frame, this.#next, end));
    const first = records[0];
    if (first === undefined) {
      // The frame that ends the segment.
      if (segment.end === this.#next) await this.#leaveFile();
      return;
    }
    if (first.offset !== this.#next) throw segment.damaged(frames[0]!.position);
    if (this.#stopped) return;
    // Given up before it was read, so a reset comes first.
    if (this.#next < this.#log.start) return;
    this.#next = records.at(-1)!.offset + 1;
    await this.#handler.records(this.#partition, records);
  }

  async #readerIn(segment: Segment): Promise<FrameReader> {
    if (this.#place?.segment === segment) return this.#place.reader;
    await this.#leaveFile();
    const file = await segment.openForReading();
    try {
      const reader = new FrameReader(file, await segment.locate(this.#next, file), CHUNK_OCTETS);
      this.#place = { segment, file, reader };
      return reader;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async #leaveFile(): Promise<void> {
    const place = this.#place;
    this.#place = undefined;
    await place?.file.close();
  }
}
