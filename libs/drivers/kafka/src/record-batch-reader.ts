import { decodeRecord } from '@mailyard/contracts';
import type { LoggedRecord, Undecodable } from '@mailyard/queue';
import { crc32c } from './crc32c.ts';

const HEADER_OCTETS = 61;
/** Octets of a batch before its own length begins to count. */
const LENGTH_FROM = 12;
const CRC_FROM = 21;
const COMPRESSION = 0b111;
const LOG_APPEND_TIME = 0b1000;
const CONTROL = 0b10_0000;
const MAGIC = 2;

/**
 * Reads record batches as a fetch brings them: whole ones, and maybe the beginning of another at the end.
 *
 * Every offset yields a record. One that cannot be read, because its batch is damaged, compressed, of another version
 * or no data, is an `Undecodable` (I6): the log must never seem to have a hole.
 *
 * @param from records before it are left out: the first batch may begin earlier than was asked for
 */
export function readRecordBatches(octets: Buffer, from: number): LoggedRecord[] {
  const records: LoggedRecord[] = [];
  for (let at = 0; at + HEADER_OCTETS <= octets.length; ) {
    const end = at + LENGTH_FROM + octets.readInt32BE(at + 8);
    if (end > octets.length) break;
    readBatch(octets.subarray(at, end), from, records);
    at = end;
  }
  return records;
}

function readBatch(batch: Buffer, from: number, into: LoggedRecord[]): void {
  const baseOffset = Number(batch.readBigInt64BE(0));
  const fault = faultOf(batch);
  if (fault !== undefined) {
    fill(into, from, baseOffset, baseOffset + batch.readInt32BE(23), batch, fault);
    return;
  }
  const attributes = batch.readInt16BE(21);
  const baseTime = Number(batch.readBigInt64BE(27));
  const maxTime = Number(batch.readBigInt64BE(35));
  const cursor = new Cursor(batch, HEADER_OCTETS);
  for (let count = batch.readInt32BE(57); count > 0; count--) {
    const end = cursor.varint() + cursor.at;
    cursor.at += 1; // attributes
    const timeDelta = cursor.varint();
    const offset = baseOffset + cursor.varint();
    const keyOctets = cursor.varint();
    if (keyOctets > 0) cursor.at += keyOctets;
    const valueOctets = cursor.varint();
    if (offset >= from)
      into.push({
        offset,
        appendTime: attributes & LOG_APPEND_TIME ? maxTime : baseTime + timeDelta,
        sizeOctets: Math.max(0, valueOctets),
        record:
          valueOctets < 0
            ? undecodable('a record without a value')
            : decodeRecord(batch.subarray(cursor.at, cursor.at + valueOctets)),
      });
    cursor.at = end;
  }
}

function faultOf(batch: Buffer): string | undefined {
  if (batch[16] !== MAGIC) return `a batch of version ${batch[16]}`;
  if (crc32c(batch, CRC_FROM, batch.length) !== batch.readUInt32BE(17)) return 'a damaged batch';
  const attributes = batch.readInt16BE(21);
  if (attributes & COMPRESSION) return 'a compressed batch';
  if (attributes & CONTROL) return 'a mark of a transaction';
  return undefined;
}

/** Gives each offset of a batch that cannot be read its record all the same. */
function fill(into: LoggedRecord[], from: number, first: number, last: number, batch: Buffer, reason: string): void {
  const sizeOctets = Math.ceil(batch.length / (last - first + 1));
  const appendTime = Math.max(0, Number(batch.readBigInt64BE(35)));
  for (let offset = Math.max(first, from); offset <= last; offset++)
    into.push({ offset, appendTime, sizeOctets, record: undecodable(reason) });
}

function undecodable(reason: string): Undecodable {
  return { type: 'Undecodable', reason };
}

/** Reads the numbers of records one after another. */
class Cursor {
  at: number;
  readonly #octets: Buffer;

  constructor(octets: Buffer, at: number) {
    this.#octets = octets;
    this.at = at;
  }

  /** A zigzag number. Exact below 2^53: times run to 64 bits. */
  varint(): number {
    const first = this.#octets[this.at++]!;
    if (first < 128) return (first >>> 1) ^ -(first & 1);
    let value = first & 127;
    for (let factor = 128; ; factor *= 128) {
      const octet = this.#octets[this.at++]!;
      value += (octet & 127) * factor;
      if (octet < 128) break;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
