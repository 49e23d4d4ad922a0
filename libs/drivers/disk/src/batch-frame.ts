/**
 * How a batch stands in a segment file: a header of 36 octets, then each record after its length.
 *
 *     0  magic "MYQ1"          4  CRC-32 of all that follows
 *     8  octets of the payload 12  number of records
 *    16  first offset         24  append time, ms of the epoch
 *    32  position in the file of the first frame that was written together with this one
 *
 * A batch of many deferrals, which stays for as long as its messages wait, is compressed: see `packed-deferrals.ts`.
 *
 * Numbers are little-endian. Offsets and times take eight octets and stay below 2^53. A frame without records is the
 * last one of a segment that is complete; its first offset is that of the segment which follows.
 *
 * The position at 32 tells torn from damaged: frames are synced together, one write after another, so what stands
 * before it was durable when this frame was written.
 */
import { crc32 } from 'node:zlib';
import { decodeRecord, type WireWriter, writeRecord } from '@mailyard/contracts';
import type { LoggedRecord, QueueRecord } from '@mailyard/queue';
import { packDeferrals, plainPayload } from './packed-deferrals.ts';

export const HEADER_OCTETS = 36;
const MAGIC = 0x3151594d;
const CRC_FROM = 8;

export interface Frame {
  /** Position in the file. */
  readonly position: number;
  /** Octets of the frame, header included. */
  readonly sizeOctets: number;
  readonly count: number;
  readonly firstOffset: number;
  readonly appendTime: number;
  readonly groupStart: number;
  /** The records, each after its length. */
  readonly payload: Buffer;
}

/**
 * Writes a frame whose place is not known yet; {@link sealFrame} completes it.
 *
 * @returns octets of the records alone, before any are compressed
 */
export function writeFrame(w: WireWriter, records: readonly QueueRecord[]): number {
  const start = w.position;
  w.reserve(HEADER_OCTETS);
  w.position += HEADER_OCTETS;
  for (const record of records) {
    w.reserve(4);
    const at = w.position;
    w.position += 4;
    writeRecord(w, record);
    w.octets.writeUInt32LE(w.position - at - 4, at);
  }
  const octets = w.position - start - HEADER_OCTETS - 4 * records.length;
  packDeferrals(w, start + HEADER_OCTETS, records);
  w.octets.writeUInt32LE(MAGIC, start);
  w.octets.writeUInt32LE(w.position - start - HEADER_OCTETS, start + 8);
  w.octets.writeUInt32LE(records.length, start + 12);
  return octets;
}

/** Completes the header of a frame, and its CRC. @returns the end of the frame in the buffer */
export function sealFrame(
  octets: Buffer,
  start: number,
  firstOffset: number,
  appendTime: number,
  groupStart: number,
): number {
  const end = start + HEADER_OCTETS + octets.readUInt32LE(start + 8);
  writeWhole(octets, start + 16, firstOffset);
  writeWhole(octets, start + 24, appendTime);
  octets.writeUInt32LE(groupStart, start + 32);
  octets.writeUInt32LE(crc32(octets.subarray(start + CRC_FROM, end)), start + 4);
  return end;
}

/**
 * Reads the frame that begins at `at` of a buffer.
 *
 * @param base position of the buffer in the file
 * @returns how many octets the buffer must hold from `at` on when it holds too few; undefined when no frame begins here
 */
export function parseFrame(octets: Buffer, at: number, base: number): Frame | number | undefined {
  const left = octets.length - at;
  if (left < HEADER_OCTETS) return HEADER_OCTETS;
  if (octets.readUInt32LE(at) !== MAGIC) return undefined;
  const sizeOctets = HEADER_OCTETS + octets.readUInt32LE(at + 8);
  if (left < sizeOctets) return sizeOctets;
  if (crc32(octets.subarray(at + CRC_FROM, at + sizeOctets)) !== octets.readUInt32LE(at + 4)) return undefined;
  return {
    position: base + at,
    sizeOctets,
    count: octets.readUInt32LE(at + 12),
    firstOffset: readWhole(octets, at + 16),
    appendTime: readWhole(octets, at + 24),
    groupStart: octets.readUInt32LE(at + 32),
    payload: octets.subarray(at + HEADER_OCTETS, at + sizeOctets),
  };
}

/** Where a frame might begin, from `at` on; -1 when nowhere. */
export function findMagic(octets: Buffer, at: number): number {
  return octets.indexOf('MYQ1', at, 'latin1');
}

/**
 * The records of a frame with offsets from `from` to before `to`. Inline bodies are parts of the frame's buffer. Their
 * sizes are those in the file: where all are compressed the first has all of it.
 */
export function recordsOf(frame: Frame, from: number, to: number): LoggedRecord[] {
  const { payload, firstOffset, appendTime, count } = frame;
  const records: LoggedRecord[] = [];
  const plain = plainPayload(payload);
  let at = 0;
  let place = 0;
  for (let i = 0; i < count && firstOffset + i < to; i++) {
    const sizeOctets = payload.readUInt32LE(place);
    const end = at + 4 + plain.readUInt32LE(at);
    if (firstOffset + i >= from)
      records.push({
        offset: firstOffset + i,
        appendTime,
        sizeOctets,
        record: decodeRecord(plain.subarray(at + 4, end)),
      });
    at = end;
    place += 4 + sizeOctets;
  }
  return records;
}

function writeWhole(octets: Buffer, at: number, value: number): void {
  octets.writeUInt32LE(value % 0x1_0000_0000, at);
  octets.writeUInt32LE(Math.floor(value / 0x1_0000_0000), at + 4);
}

function readWhole(octets: Buffer, at: number): number {
  return octets.readUInt32LE(at) + octets.readUInt32LE(at + 4) * 0x1_0000_0000;
}
