const DOT = 46;
const SEED = 0x811c9dc5 | 0;
const PRIME = 0x01000193;
/** A name has at most 127 labels (RFC 1035 §2.3.4). */
const MAX_LABELS = 127;

/** Records lie at multiples of so many octets; a place counts in these. */
const UNIT = 8;
/** In front of the octets of a name: its version, its reference, its length and tag. */
const HEAD_UNITS = 2;
const FIRST_SLOTS = 16;
const FIRST_UNITS = 64;

/**
 * What is known of domain names, found for a name and for every domain above it by at most one probe a label and without
 * making a string: names are hashed from their last character to the first in one pass, so that the hash of each suffix
 * falls out on the way.
 *
 * In a table of a million names nearly everything that a lookup touches comes from main memory, so it touches little: a
 * slot holds the hash and the place of a record, and a record holds the name and all that is known of it in one piece.
 * A probe for a suffix that is not there reads its slot only, and there is none for a suffix of so many labels as no
 * name has. Open addressing, linear probing; names stay for good.
 *
 * A sender who chooses the names that are looked up cannot make probing slow: it depends only on the names that an
 * administrator put in.
 */
export class DomainIndex {
  /** Hash and place of each slot, side by side. 0 marks an empty slot; no hash is 0. */
  #slots = new Int32Array(0);
  #mask = -1;
  #size = 0;
  /** The records, as numbers of three widths. */
  #octets = new Uint8Array(0);
  #integers = new Int32Array(0);
  #versions = new Float64Array(0);
  #usedUnits = 0;
  /** How many names have so many labels. */
  readonly #depths = new Int32Array(MAX_LABELS + 1);
  #walked = '';
  #left = 0;
  #start = 0;
  readonly #starts = new Int32Array(MAX_LABELS + 1);
  readonly #suffixHashes = new Int32Array(MAX_LABELS + 1);

  get size(): number {
    return this.#size;
  }

  /** @returns the place of the name's record; -1 when there is none */
  find(name: string): number {
    return this.#probe(name, 0, hashOf(name));
  }

  /**
   * Says what is known of a name; what was known before is forgotten.
   *
   * @param name A-labels, at most 253 octets of ASCII
   * @param tag 0 to 255
   * @param reference of the caller's, 32 bits
   * @param version of the caller's
   * @throws RangeError for a name that is none
   */
  set(name: string, tag: number, reference = 0, version = 0): void {
    let place = this.find(name);
    if (place < 0) {
      if ((this.#size + 1) * 2 > this.#mask + 1) this.#growSlots();
      place = this.#append(name);
      this.#put(hashOf(name), place);
      this.#size++;
      this.#depths[labelsOf(name)]!++;
    }
    this.#versions[place] = version;
    this.#integers[place * 2 + 2] = reference;
    this.#integers[place * 2 + 3] = (name.length << 8) | tag;
  }

  tagAt(place: number): number {
    return this.#integers[place * 2 + 3]! & 0xff;
  }

  referenceAt(place: number): number {
    return this.#integers[place * 2 + 2]!;
  }

  versionAt(place: number): number {
    return this.#versions[place]!;
  }

  /** Begins a walk over the records of a name and of the domains above it. One walk at a time, by {@link next}. */
  begin(name: string): void {
    const [depths, starts, hashes] = [this.#depths, this.#starts, this.#suffixHashes];
    let hash = SEED;
    let found = 0;
    let labels = 1;
    for (let i = name.length - 1; i >= 0; i--) {
      const code = name.charCodeAt(i);
      if (code === DOT && labels < MAX_LABELS) {
        if (depths[labels] !== 0) {
          starts[found] = i + 1;
          hashes[found++] = finish(hash);
        }
        labels++;
      }
      hash = Math.imul(hash ^ code, PRIME);
    }
    if (depths[labels] !== 0) {
      starts[found] = 0;
      hashes[found++] = finish(hash);
    }
    this.#walked = name;
    this.#left = found;
  }

  /** The place of the next record of the walk, the longest name first; -1 at its end. */
  next(): number {
    while (this.#left > 0) {
      this.#left--;
      const start = this.#starts[this.#left]!;
      const place = this.#probe(this.#walked, start, this.#suffixHashes[this.#left]!);
      if (place < 0) continue;
      this.#start = start;
      return place;
    }
    return -1;
  }

  /** Where in the walked name the name of the record that {@link next} gave begins; 0 is the name itself. */
  get start(): number {
    return this.#start;
  }

  /** The place of the record of the part of `name` from `start` on, or -1. */
  #probe(name: string, start: number, hash: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    if (mask < 0) return -1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = slots[slot * 2]!;
      if (found === 0) return -1;
      if (found !== hash) continue;
      const place = slots[slot * 2 + 1]!;
      if (this.#isNamed(place, name, start)) return place;
    }
  }

  #isNamed(place: number, name: string, start: number): boolean {
    const length = name.length - start;
    if (this.#integers[place * 2 + 3]! >>> 8 !== length) return false;
    const octets = this.#octets;
    const first = (place + HEAD_UNITS) * UNIT;
    for (let i = 0; i < length; i++) if (octets[first + i] !== name.charCodeAt(start + i)) return false;
    return true;
  }

  #append(name: string): number {
    const place = this.#usedUnits;
    const end = place + HEAD_UNITS + Math.ceil(name.length / UNIT);
    if (name.length > MAX_LENGTH) throw new RangeError('the name is too long to be a domain');
    if (end * UNIT > this.#octets.length) this.#growRecords(end);
    const first = (place + HEAD_UNITS) * UNIT;
    for (let i = 0; i < name.length; i++) {
      const code = name.charCodeAt(i);
      if (code > 127) throw new RangeError('a domain is indexed by its A-labels');
      this.#octets[first + i] = code;
    }
    this.#usedUnits = end;
    return place;
  }

  #put(hash: number, place: number): void {
    let slot = hash & this.#mask;
    while (this.#slots[slot * 2] !== 0) slot = (slot + 1) & this.#mask;
    this.#slots[slot * 2] = hash;
    this.#slots[slot * 2 + 1] = place;
  }

  #growSlots(): void {
    const old = this.#slots;
    const capacity = Math.max(FIRST_SLOTS, old.length);
    this.#slots = new Int32Array(capacity * 2);
    this.#mask = capacity - 1;
    for (let i = 0; i < old.length; i += 2) if (old[i] !== 0) this.#put(old[i]!, old[i + 1]!);
  }

  /** By a half each time: little is left over, and what was copied once is copied three times at most. */
  #growRecords(units: number): void {
    const old = this.#octets;
    const buffer = new ArrayBuffer(Math.max(FIRST_UNITS, units, Math.ceil(this.#usedUnits * 1.5)) * UNIT);
    this.#octets = new Uint8Array(buffer);
    this.#integers = new Int32Array(buffer);
    this.#versions = new Float64Array(buffer);
    this.#octets.set(old);
  }
}

const MAX_LENGTH = 253;

/** FNV-1a, from the end. */
function hashOf(name: string): number {
  let hash = SEED;
  for (let i = name.length - 1; i >= 0; i--) hash = Math.imul(hash ^ name.charCodeAt(i), PRIME);
  return finish(hash);
}

/** Spreads the high bits over the low ones, which choose the slot. Never 0. */
function finish(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  return (mixed ^ (mixed >>> 15)) | 0 || 1;
}

function labelsOf(name: string): number {
  let labels = 1;
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) labels++;
  return Math.min(labels, MAX_LABELS);
}
