/**
 * Deferrals of one batch, compressed together: they have most of their texts in common, and take 35 octets each, a dozen
 * together, in place of 153.
 *
 * To a reader of an earlier version they are as many records of a kind that it does not know: the first has the
 * compressed payload as field 12, the others are empty. It keeps them, raises an alarm and tries their mail at once.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { WireWriter } from '@mailyard/contracts';
import type { QueueRecord } from '@mailyard/queue';

/** A call takes some 25 us of CPU, however little there is: so many are to share that. */
const LEAST = 8;
/** The field of a record that no kind of record has (proto/mailyard/queue/v1/records.proto), and its tag. */
const FIELD = 12;
const TAG = (FIELD << 3) | 2;
const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** No batch is larger than this. */
const MOST = { maxOutputLength: 67_108_864 };

/** Compresses the payload that begins at `from` and ends where the writer stands, if these are many deferrals. */
export function packDeferrals(w: WireWriter, from: number, records: readonly QueueRecord[]): void {
  if (records.length < LEAST || records.some(({ type }) => type !== 'RecipientDeferred')) return;
  const packed = zstdCompressSync(w.octets.subarray(from, w.position), FAST);
  w.position = from + 4;
  w.bytes(FIELD, packed);
  w.octets.writeUInt32LE(w.position - from - 4, from);
  const empty = 4 * (records.length - 1);
  w.reserve(empty);
  w.octets.fill(0, w.position, w.position + empty);
  w.position += empty;
}

/** The payload of a frame, each record after its length, as it was before it was compressed. */
export function plainPayload(payload: Buffer): Buffer {
  if (payload[4] !== TAG) return payload;
  let at = 5;
  while (payload[at]! >= 128) at += 1;
  try {
    return zstdDecompressSync(payload.subarray(at + 1, 4 + payload.readUInt32LE(0)), MOST);
  } catch {
    // What is there is of a version that writes it otherwise: records of a kind that is not known.
    return payload;
  }
}
