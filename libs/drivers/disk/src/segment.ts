import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { MtaError } from '@mailyard/mail';
import { type Frame, HEADER_OCTETS, parseFrame } from './batch-frame.ts';
import { FrameReader } from './frame-reader.ts';

/** An index entry is kept for every so many octets: what a read of one record reads in vain at most. */
const INDEX_OCTETS = 65_536;
const SUFFIX = '.log';

/** One file of the log. */
export class Segment {
  readonly directory: string;
  /** First offset. */
  readonly base: number;
  /** Octets that are known to be durable. */
  sizeOctets: number;
  /** First offset after it; undefined while it is the one being written. */
  end: number | undefined;
  /** Offsets and positions of some frames, rising; complete for the segment being written, else made when asked for. */
  #offsets: number[] | undefined;
  #positions: number[] = [];

  constructor(directory: string, base: number, sizeOctets: number) {
    this.directory = directory;
    this.base = base;
    this.sizeOctets = sizeOctets;
  }

  get path(): string {
    return join(this.directory, String(this.base).padStart(16, '0') + SUFFIX);
  }

  /** The first offset of the segment with this file name; undefined when it is not the name of one. */
  static baseOf(name: string): number | undefined {
    return /^\d{16}\.log$/.test(name) ? Number(name.slice(0, -SUFFIX.length)) : undefined;
  }

  openForReading(): Promise<FileHandle> {
    return open(this.path, 'r');
  }

  /** Notes where a frame stands. */
  index(firstOffset: number, position: number): void {
    this.#offsets ??= [];
    const last = this.#positions.at(-1);
    if (last !== undefined && position - last < INDEX_OCTETS) return;
    this.#offsets.push(firstOffset);
    this.#positions.push(position);
  }

  /** Position of a frame at or before the one that holds the offset. */
  async locate(offset: number, file: FileHandle): Promise<number> {
    if (offset <= this.base) return 0;
    if (this.#offsets === undefined) await this.#makeIndex(file);
    const offsets = this.#offsets ?? [];
    let low = 0;
    let high = offsets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (offsets[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : this.#positions[low - 1]!;
  }

  /** The frame that holds an offset. */
  async find(offset: number): Promise<Frame | undefined> {
    const file = await this.openForReading();
    try {
      const reader = new FrameReader(file, await this.locate(offset, file), INDEX_OCTETS);
      for (;;) {
        const frames = await reader.next(this.sizeOctets);
        if ('badAt' in frames) throw this.damaged(frames.badAt);
        if (frames.length === 0) return undefined;
        for (const frame of frames) if (offset < frame.firstOffset + frame.count) return frame;
      }
    } finally {
      await file.close();
    }
  }

  /** The frame that ends a complete segment. @throws MtaError `STORE_DAMAGED` when there is none */
  async closingFrame(): Promise<Frame> {
    const position = this.sizeOctets - HEADER_OCTETS;
    if (position < 0) throw this.damaged(0);
    const file = await this.openForReading();
    try {
      const octets = Buffer.alloc(HEADER_OCTETS);
      await file.read(octets, 0, HEADER_OCTETS, position);
      const frame = parseFrame(octets, 0, position);
      if (typeof frame !== 'object' || frame.count !== 0) throw this.damaged(position);
      return frame;
    } finally {
      await file.close();
    }
  }

  damaged(position: number): MtaError {
    return new MtaError('STORE_DAMAGED', `${this.path} is damaged at octet ${position}: restore it from a backup`);
  }

  async #makeIndex(file: FileHandle): Promise<void> {
    const reader = new FrameReader(file, 0, 1_048_576);
    const offsets: number[] = [];
    const positions: number[] = [];
    for (;;) {
      const frames = await reader.next(this.sizeOctets);
      if ('badAt' in frames) throw this.damaged(frames.badAt);
      if (frames.length === 0) break;
      for (const { firstOffset, position } of frames) {
        if (positions.length > 0 && position - positions.at(-1)! < INDEX_OCTETS) continue;
        offsets.push(firstOffset);
        positions.push(position);
      }
    }
    this.#offsets = offsets;
    this.#positions = positions;
  }
}
