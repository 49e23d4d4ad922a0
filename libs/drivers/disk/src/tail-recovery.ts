import { findMagic, type Frame, parseFrame } from './batch-frame.ts';
import { FrameReader } from './frame-reader.ts';
import type { Segment } from './segment.ts';
import type { SegmentFile } from './segment-file.ts';

const CHUNK_OCTETS = 4_194_304;

/** What the last segment holds. */
export interface Recovered {
  readonly end: number;
  /** Append time of its last batch; 0 when it has none. */
  readonly appendTime: number;
  /** Whether it ends in the frame that says that it is complete. */
  readonly complete: boolean;
  /** Octets of a torn write that were cut off. */
  readonly cutOctets: number;
}

/**
 * Brings the last segment of a log into order after whatever ended its writer.
 *
 * A write that was under way may stand there in part: what is whole is kept, the rest is cut off. It may also stand in
 * the kernel's cache only, so that a reader would act on what a power loss takes away: the last write is written again.
 *
 * @throws MtaError `STORE_DAMAGED` when octets are bad that were durable once: cutting there would lose mail
 */
export async function recoverTail(segment: Segment, file: SegmentFile): Promise<Recovered> {
  const sizeOctets = await file.sizeOctets();
  let end = segment.base;
  let position = 0;
  let last: Frame | undefined;
  const handle = await segment.openForReading();
  try {
    const reader = new FrameReader(handle, 0, CHUNK_OCTETS);
    for (;;) {
      const frames = await reader.next(sizeOctets);
      if ('badAt' in frames) break;
      if (frames.length === 0) break;
      for (const frame of frames) {
        if (frame.firstOffset !== end || last?.count === 0) throw segment.damaged(frame.position);
        if (frame.count > 0) segment.index(frame.firstOffset, frame.position);
        end += frame.count;
        position = frame.position + frame.sizeOctets;
        last = frame;
      }
    }
    if (position < sizeOctets) {
      const rest = Buffer.allocUnsafeSlow(sizeOctets - position);
      await handle.read(rest, 0, rest.length, position);
      if (wasDurable(rest, position, end)) throw segment.damaged(position);
      await file.truncate(position);
    }
    if (last !== undefined) {
      const doubtful = Buffer.allocUnsafeSlow(position - last.groupStart);
      await handle.read(doubtful, 0, doubtful.length, last.groupStart);
      await file.write(doubtful, last.groupStart);
    }
  } finally {
    await handle.close();
  }
  segment.sizeOctets = position;
  return {
    end,
    appendTime: last?.appendTime ?? 0,
    complete: last?.count === 0,
    cutOctets: sizeOctets - position,
  };
}

/** Whether a later write follows bad octets: it began only once they were durable. */
function wasDurable(rest: Buffer, position: number, expected: number): boolean {
  for (let at = findMagic(rest, 0); at >= 0; at = findMagic(rest, at + 1)) {
    const frame = parseFrame(rest, at, position);
    if (typeof frame !== 'object') continue;
    if (frame.groupStart > position && frame.groupStart <= frame.position && frame.firstOffset >= expected) return true;
  }
  return false;
}
