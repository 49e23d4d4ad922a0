/** The history of a message as it is stored: its records, one after another, with place, time and effect of each. */
import { decodeRecord } from '@mailyard/contracts';
import type { QueueRecord } from '@mailyard/queue';
import { type Fact, factOf, recordOf } from './fact.ts';

export interface HistoryEntry {
  readonly fact: Fact;
  /** Whether a decision stood under the claim in force. */
  readonly isFenced: boolean;
  readonly isCounted: boolean;
}

/** An entry as a trace tells it. */
export interface ToldEntry {
  readonly offset: number;
  readonly appendTime: number;
  readonly isCounted: boolean;
  readonly record: QueueRecord;
}

const HEADER_OCTETS = 17;

/** Bits of the first entry's flags that hold the number of the partition, from 1; 0 where it is too large for them. */
const PARTITION_SHIFT = 2;
const MOST_PARTITIONS = 63;

/** Entries as octets, to be put behind those that are stored. @param partition of their message */
export function encodeHistory(entries: readonly HistoryEntry[], partition: number): Buffer {
  let size = 0;
  for (const { fact } of entries) size += HEADER_OCTETS + fact.octets.length;
  const octets = Buffer.allocUnsafe(size);
  let at = 0;
  for (const { fact, isFenced, isCounted } of entries) {
    octets[at] = (isFenced ? 1 : 0) + (isCounted ? 2 : 0);
    octets.writeUIntBE(fact.offset, at + 1, 6);
    octets.writeUIntBE(fact.appendTime, at + 7, 6);
    octets.writeUInt32BE(fact.octets.length, at + 13);
    octets.set(fact.octets, at + HEADER_OCTETS);
    at += HEADER_OCTETS + fact.octets.length;
  }
  if (octets.length > 0 && partition < MOST_PARTITIONS) octets[0]! |= (partition + 1) << PARTITION_SHIFT;
  return octets;
}

/** The partition of what {@link encodeHistory} made; undefined where it does not say. */
export function partitionIn(stored: Uint8Array): number | undefined {
  const number = (stored[0] ?? 0) >> PARTITION_SHIFT;
  return number === 0 ? undefined : number - 1;
}

/** @throws RangeError when the octets are cut short */
export function decodeHistory(stored: Uint8Array): HistoryEntry[] {
  return Array.from(storedEntries(stored), ({ flags, offset, appendTime, octets }) => {
    const fact = factOf({ offset, appendTime, sizeOctets: octets.length, record: decodeRecord(octets) }, octets);
    return { fact, isFenced: (flags & 1) !== 0, isCounted: (flags & 2) !== 0 };
  });
}

/** What of a history is told: all but claims, whose record is nobody's in particular. @throws RangeError */
export function toldEntries(stored: Uint8Array): ToldEntry[] {
  const told: ToldEntry[] = [];
  for (const { flags, offset, appendTime, octets } of storedEntries(stored)) {
    const record = decodeRecord(octets);
    if (record.type !== 'Undecodable' && record.type !== 'PartitionClaimed')
      told.push({ offset, appendTime, isCounted: (flags & 2) !== 0, record });
  }
  return told;
}

/** An entry that was decoded for more than to be told. */
export function told({ fact, isCounted }: HistoryEntry): ToldEntry {
  return { offset: fact.offset, appendTime: fact.appendTime, isCounted, record: recordOf(fact) };
}

function* storedEntries(stored: Uint8Array): Iterable<{
  readonly flags: number;
  readonly offset: number;
  readonly appendTime: number;
  readonly octets: Uint8Array;
}> {
  const octets = Buffer.from(stored.buffer, stored.byteOffset, stored.length);
  for (let at = 0; at < octets.length; ) {
    const end = at + HEADER_OCTETS + octets.readUInt32BE(at + 13);
    if (end > octets.length) throw new RangeError('a history is cut short');
    yield {
      flags: octets[at]!,
      offset: octets.readUIntBE(at + 1, 6),
      appendTime: octets.readUIntBE(at + 7, 6),
      octets: octets.subarray(at + HEADER_OCTETS, end),
    };
    at = end;
  }
}
