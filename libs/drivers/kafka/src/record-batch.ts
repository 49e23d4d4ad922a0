import { crc32c } from './crc32c.ts';

/** What becomes one record: its value, and the trace context that it carries as a header if any. */
export interface BatchRecord {
  readonly value: Uint8Array;
  readonly traceparent: string | undefined;
}

const HEADER_OCTETS = 61;
const CRC_AT = 17;
const CRC_FROM = 21;
const TRACE_HEADER = Buffer.from('traceparent');

/** The most that {@link writeRecordBatch} can take for these records. */
export function recordBatchOctets(records: readonly BatchRecord[]): number {
  let octets = HEADER_OCTETS;
  for (const { value, traceparent } of records)
    octets += value.length + 24 + (traceparent === undefined ? 0 : TRACE_HEADER.length + traceparent.length * 3 + 12);
  return octets;
}

/**
 * Writes a record batch of version 2: without keys, compression or producer id.
 *
 * @param at where in `into`
 * @returns the place behind it
 * @see https://kafka.apache.org/documentation/#recordbatch
 */
export function writeRecordBatch(into: Buffer, at: number, records: readonly BatchRecord[], timestamp: number): number {
  let place = at + HEADER_OCTETS;
  for (let delta = 0; delta < records.length; delta++) place = writeRecord(into, place, delta, records[delta]!);
  into.fill(0, at, at + HEADER_OCTETS);
  into.writeInt32BE(place - at - 12, at + 8);
  into.writeInt32BE(-1, at + 12); // the leader writes its epoch
  into[at + 16] = 2;
  into.writeInt32BE(records.length - 1, at + 23);
  into.writeBigInt64BE(BigInt(timestamp), at + 27);
  into.writeBigInt64BE(BigInt(timestamp), at + 35);
  into.fill(0xff, at + 43, at + 57); // producer id, epoch and sequence of a producer that is not idempotent
  into.writeInt32BE(records.length, at + 57);
  into.writeUInt32BE(crc32c(into, at + CRC_FROM, place), at + CRC_AT);
  return place;
}

function writeRecord(into: Buffer, at: number, delta: number, { value, traceparent }: BatchRecord): number {
  const trace = traceparent === undefined ? undefined : Buffer.from(traceparent);
  const headerOctets =
    trace === undefined
      ? 0
      : varintOctets(TRACE_HEADER.length) + TRACE_HEADER.length + varintOctets(trace.length) + trace.length;
  const octets = 4 + varintOctets(delta) + varintOctets(value.length) + value.length + headerOctets;
  let place = writeVarint(into, at, octets);
  into[place++] = 0; // attributes
  into[place++] = 0; // timestamp, as that of the batch
  place = writeVarint(into, place, delta);
  place = writeVarint(into, place, -1); // no key
  place = writeVarint(into, place, value.length);
  into.set(value, place);
  place += value.length;
  place = writeVarint(into, place, trace === undefined ? 0 : 1);
  if (trace === undefined) return place;
  place = writeVarint(into, place, TRACE_HEADER.length);
  into.set(TRACE_HEADER, place);
  place = writeVarint(into, place + TRACE_HEADER.length, trace.length);
  into.set(trace, place);
  return place + trace.length;
}

/** Zigzag: small negative numbers stay short. */
function writeVarint(into: Buffer, at: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let place = at;
  while (rest > 127) {
    into[place++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  into[place++] = rest;
  return place;
}

function varintOctets(value: number): number {
  const rest = ((value << 1) ^ (value >> 31)) >>> 0;
  return rest < 0x80 ? 1 : rest < 0x4000 ? 2 : rest < 0x20_0000 ? 3 : rest < 0x1000_0000 ? 4 : 5;
}
