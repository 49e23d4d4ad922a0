/** CRC-32C (Castagnoli), which guards every record batch. Node has no native one; this takes eight octets a step. */

const POLYNOMIAL = 0x82f63b78;

/** Eight tables behind one another: what an octet does to the checksum when so many octets follow it in its step. */
const TABLES = makeTables();

export function crc32c(octets: Uint8Array, start: number, end: number): number {
  // Words are read at once, which wants them aligned; every machine that Node runs on has the lowest octet first.
  const aligned = start + ((4 - ((octets.byteOffset + start) & 3)) & 3);
  const steps = aligned < end ? (end - aligned) >>> 3 : 0;
  if (steps === 0) return (oneByOne(-1, octets, start, end) ^ -1) >>> 0;
  let crc = oneByOne(-1, octets, start, aligned);
  const words = new Int32Array(octets.buffer, octets.byteOffset + aligned, steps * 2);
  for (let word = 0; word < words.length; word += 2) {
    const low = crc ^ words[word]!;
    const high = words[word + 1]!;
    crc =
      TABLES[1792 + (low & 255)]! ^
      TABLES[1536 + ((low >>> 8) & 255)]! ^
      TABLES[1280 + ((low >>> 16) & 255)]! ^
      TABLES[1024 + (low >>> 24)]! ^
      TABLES[768 + (high & 255)]! ^
      TABLES[512 + ((high >>> 8) & 255)]! ^
      TABLES[256 + ((high >>> 16) & 255)]! ^
      TABLES[high >>> 24]!;
  }
  return (oneByOne(crc, octets, aligned + steps * 8, end) ^ -1) >>> 0;
}

function oneByOne(before: number, octets: Uint8Array, start: number, end: number): number {
  let crc = before;
  for (let at = start; at < end; at++) crc = (crc >>> 8) ^ TABLES[(crc ^ octets[at]!) & 255]!;
  return crc;
}

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let value = 0; value < 256; value++) {
    let crc = value;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[value] = crc;
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256]!;
    tables[at] = (before >>> 8) ^ tables[before & 255]!;
  }
  return tables;
}
