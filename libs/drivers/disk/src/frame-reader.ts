import type { FileHandle } from 'node:fs/promises';
import { type Frame, parseFrame } from './batch-frame.ts';

/** No frame begins where one should, although the file goes on. */
export interface BadFrame {
  readonly badAt: number;
}

/** Reads the frames of a segment in order, a big piece of the file at a time. */
export class FrameReader {
  readonly #file: FileHandle;
  readonly #chunkOctets: number;
  /** Where the next frame begins. */
  position: number;

  constructor(file: FileHandle, position: number, chunkOctets: number) {
    this.#file = file;
    this.position = position;
    this.#chunkOctets = chunkOctets;
  }

  /**
   * The next frames, as many as one piece holds, at least one.
   *
   * @param limit where the frames end
   * @returns none at the limit; after good ones, a bad frame comes with the next call
   */
  async next(limit: number): Promise<readonly Frame[] | BadFrame> {
    let wanted = this.#chunkOctets;
    for (;;) {
      const left = limit - this.position;
      if (left <= 0) return [];
      const octets = await this.#read(Math.min(wanted, left));
      const frames: Frame[] = [];
      let at = 0;
      while (at < octets.length) {
        const frame = parseFrame(octets, at, this.position);
        if (typeof frame === 'object') {
          frames.push(frame);
          at += frame.sizeOctets;
          continue;
        }
        if (frames.length > 0) break;
        if (frame === undefined || frame > left || octets.length < Math.min(wanted, left))
          return { badAt: this.position };
        // One frame larger than a piece: read it whole.
        wanted = frame;
        break;
      }
      if (frames.length > 0) {
        this.position += at;
        return frames;
      }
    }
  }

  async #read(count: number): Promise<Buffer> {
    // A buffer of its own: bodies of the records are parts of it.
    const octets = Buffer.allocUnsafeSlow(count);
    let filled = 0;
    while (filled < count) {
      const { bytesRead } = await this.#file.read(octets, filled, count - filled, this.position + filled);
      if (bytesRead === 0) return octets.subarray(0, filled);
      filled += bytesRead;
    }
    return octets;
  }
}
