import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MtaError } from '@mailyard/mail';
import { removeTemporaries, syncDirectory } from './durable-file.ts';
import { readLogStart, writeLogStart } from './log-start.ts';
import { Segment } from './segment.ts';
import type { openSegmentFile, SegmentFile } from './segment-file.ts';
import { recoverTail } from './tail-recovery.ts';

/** The files of one partition: where they begin, which offset is in which, which is written. */
export class SegmentList {
  readonly #directory: string;
  readonly #open: typeof openSegmentFile;
  /** Rising; the last is the one being written. Never empty once opened. */
  readonly #segments: Segment[] = [];
  #file!: SegmentFile;
  #start = 0;
  /** The trims under way, one after another. */
  #trimming: Promise<void> = Promise.resolve();
  /** Whether the frame that ends the last segment is written already. */
  #complete = false;

  constructor(directory: string, open: typeof openSegmentFile) {
    this.#directory = directory;
    this.#open = open;
  }

  /** First offset that is held. */
  get start(): number {
    return this.#start;
  }

  get active(): Segment {
    return this.#segments.at(-1)!;
  }

  /** The file of {@link active}. */
  get file(): SegmentFile {
    return this.#file;
  }

  /** Whether the active segment ends in its closing frame, so that nothing may be written behind it. */
  get complete(): boolean {
    return this.#complete;
  }

  /**
   * Opens what is there, or begins an empty log.
   *
   * @throws MtaError `STORE_DAMAGED`
   */
  async open(): Promise<{ readonly end: number; readonly appendTime: number; readonly cutOctets: number }> {
    await mkdir(this.#directory, { recursive: true });
    await syncDirectory(dirname(this.#directory));
    await removeTemporaries(this.#directory);
    this.#start = await readLogStart(this.#startPath);
    const bases = (await readdir(this.#directory)).flatMap((name) => Segment.baseOf(name) ?? []).sort((a, b) => a - b);
    for (const base of bases) {
      const segment = new Segment(this.#directory, base, 0);
      segment.sizeOctets = (await stat(segment.path)).size;
      this.#segments.push(segment);
    }
    if (this.#segments.length === 0) {
      if (this.#start > 0) throw this.#missing(this.#start);
      await this.#begin(0);
      return { end: 0, appendTime: 0, cutOctets: 0 };
    }
    const closedAt = await this.#checkComplete();
    this.#file = await this.#open(this.active.path, false);
    const { end, appendTime, complete, cutOctets } = await recoverTail(this.active, this.#file);
    if (this.#segments[0]!.base > this.#start || end < this.#start) throw this.#missing(this.#start);
    if (complete) await this.#begin(end);
    await this.#removeTrimmed();
    return { end, appendTime: Math.max(appendTime, closedAt), cutOctets };
  }

  /** The segment that holds an offset, or the last. */
  holding(offset: number): Segment {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#segments[middle]!.base <= offset) low = middle + 1;
      else high = middle;
    }
    return this.#segments[Math.max(0, low - 1)]!;
  }

  /**
   * Goes on in a new file.
   *
   * @param end first offset of the new segment
   * @param closing the frame that ends the old one
   */
  async roll(end: number, closing: Buffer): Promise<void> {
    if (!this.#complete) {
      await this.#file.write(closing, this.active.sizeOctets);
      this.active.sizeOctets += closing.length;
      this.#complete = true;
    }
    await this.#begin(end);
  }

  /** Gives up what is before an offset; whole files go. */
  trim(before: number): Promise<void> {
    const trimmed = this.#trimming.then(() => this.#trim(before));
    this.#trimming = trimmed.catch(() => {});
    return trimmed;
  }

  async close(): Promise<void> {
    await this.#trimming;
    await this.#file.close();
  }

  async #trim(before: number): Promise<void> {
    if (before <= this.#start) return;
    // First the mark, then the files: a crash in between leaves files that the next start removes.
    await writeLogStart(this.#startPath, before);
    this.#start = before;
    await this.#removeTrimmed();
  }

  async #removeTrimmed(): Promise<void> {
    while (this.#segments.length > 1 && this.#segments[1]!.base <= this.#start) {
      const [segment] = this.#segments.splice(0, 1);
      await rm(segment!.path, { force: true });
    }
  }

  /** Every segment but the last must end in a closing frame that leads to the next. @returns the last of their times */
  async #checkComplete(): Promise<number> {
    let appendTime = 0;
    for (const [at, segment] of this.#segments.slice(0, -1).entries()) {
      const next = this.#segments[at + 1]!.base;
      const closing = await segment.closingFrame();
      if (closing.firstOffset !== next) throw this.#missing(closing.firstOffset);
      segment.end = next;
      appendTime = closing.appendTime;
    }
    return appendTime;
  }

  async #begin(base: number): Promise<void> {
    const segment = new Segment(this.#directory, base, 0);
    const file = await this.#open(segment.path, true);
    await syncDirectory(this.#directory);
    if (this.#segments.length > 0) {
      this.active.end = base;
      await this.#file.close();
    }
    this.#segments.push(segment);
    this.#file = file;
    this.#complete = false;
  }

  get #startPath(): string {
    return join(this.#directory, 'start');
  }

  #missing(offset: number): MtaError {
    return new MtaError('STORE_DAMAGED', `${this.#directory} lacks the segment of offset ${offset}`);
  }
}
