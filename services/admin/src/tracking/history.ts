/** The history of a message as it is stored: its records, one after another, with place, time and effect of each. */
import { decodeRecord } from '@mailyard/contracts';
import { type Fact, factOf } from './fact.ts';

export interface HistoryEntry {
  readonly fact: Fact;
  /** Whether a decision stood under the claim in force. */
  readonly isFenced: boolean;
  readonly isCounted: boolean;
}

const HEADER_OCTETS = 17;

/** Entries as octets, to be put behind those that are stored. */
export function encodeHistory(entries: readonly HistoryEntry[]): Buffer {
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
  return octets;
}

/** @throws RangeError when the octets are cut short */
export function decodeHistory(stored: Uint8Array): HistoryEntry[] {
  const octets = Buffer.from(stored.buffer, stored.byteOffset, stored.length);
  const entries: HistoryEntry[] = [];
  for (let at = 0; at < octets.length; ) {
    const flags = octets[at]!;
    const offset = octets.readUIntBE(at + 1, 6);
    const appendTime = octets.readUIntBE(at + 7, 6);
    const end = at + HEADER_OCTETS + octets.readUInt32BE(at + 13);
    if (end > octets.length) throw new RangeError('a history is cut short');
    const encoded = octets.subarray(at + HEADER_OCTETS, end);
    const record = decodeRecord(encoded);
    const fact = factOf({ offset, appendTime, sizeOctets: encoded.length, record }, encoded);
    entries.push({ fact, isFenced: (flags & 1) !== 0, isCounted: (flags & 2) !== 0 });
    at = end;
  }
  return entries;
}
