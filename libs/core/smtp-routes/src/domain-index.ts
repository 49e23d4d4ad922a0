const DOT = 46;
const SEED = 0x811c9dc5 | 0;
const PRIME = 0x01000193;
/** A name has at most 127 labels (RFC 1035 §2.3.4). */
const MAX_LABELS = 127;

/**
 * Values by domain name, found for a name and for every domain above it by at most one probe a label and without making
 * a string: names are hashed from their last character to the first in one pass, so that the hash of each suffix falls
 * out on the way. Open addressing, linear probing, backward shift at removal. A probe that finds nothing touches the
 * array of hashes only, and there is none for a suffix of so many labels as no name has.
 *
 * A sender who chooses the names that are looked up cannot make probing slow: it depends only on the names that an
 * administrator put in.
 */
export class DomainIndex<V> {
  /** Key and value of each slot, side by side: what is read together lies together. */
  #cells: (string | V | undefined)[] = [];
  /** Hash and tag of each slot, side by side. 0 marks an empty slot; no hash is 0. */
  #heads = new Int32Array(0);
  #mask = -1;
  #size = 0;
  /** How many names have so many labels. */
  readonly #depths = new Int32Array(MAX_LABELS + 2);
  #walked = '';
  #left = 0;
  #slot = 0;
  #start = 0;
  readonly #starts = new Int32Array(MAX_LABELS + 1);
  readonly #suffixHashes = new Int32Array(MAX_LABELS + 1);

  get size(): number {
    return this.#size;
  }

  get(name: string): V | undefined {
    const slot = this.#find(name, 0, hashOf(name));
    return slot < 0 ? undefined : (this.#cells[slot * 2 + 1] as V);
  }

  /** @param tag a number kept beside the name, which costs nothing to read in a walk */
  set(name: string, value: V, tag = 0): void {
    if ((this.#size + 1) * 2 > this.#mask + 1) this.#grow();
    const hash = hashOf(name);
    const slot = this.#find(name, 0, hash);
    if (slot >= 0) {
      this.#cells[slot * 2 + 1] = value;
      this.#heads[slot * 2 + 1] = tag;
      return;
    }
    this.#put(name, value, hash, tag);
    this.#size++;
    this.#depths[labelsOf(name)]!++;
  }

  delete(name: string): boolean {
    let hole = this.#find(name, 0, hashOf(name));
    if (hole < 0) return false;
    this.#size--;
    this.#depths[labelsOf(name)]!--;
    const [cells, heads, mask] = [this.#cells, this.#heads, this.#mask];
    // Whatever was pushed past the hole by it moves back, so that probing may stop at the first empty slot.
    for (let slot = (hole + 1) & mask; heads[slot * 2] !== 0; slot = (slot + 1) & mask) {
      const home = heads[slot * 2]! & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      for (const part of [0, 1]) {
        cells[hole * 2 + part] = cells[slot * 2 + part];
        heads[hole * 2 + part] = heads[slot * 2 + part]!;
      }
      hole = slot;
    }
    cells[hole * 2] = undefined;
    cells[hole * 2 + 1] = undefined;
    heads[hole * 2] = 0;
    return true;
  }

  /**
   * Begins a walk over the values of a name and of the domains above it. One walk at a time, by {@link next}.
   *
   * @param name at most 253 characters
   */
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
    starts[found] = 0;
    hashes[found] = finish(hash);
    this.#walked = name;
    this.#left = this.#size === 0 ? 0 : found + 1;
  }

  /** The next value of the walk, the longest name first; undefined at its end. */
  next(): V | undefined {
    while (this.#left > 0) {
      this.#left--;
      const start = this.#starts[this.#left]!;
      const slot = this.#find(this.#walked, start, this.#suffixHashes[this.#left]!);
      if (slot < 0) continue;
      this.#start = start;
      this.#slot = slot;
      return this.#cells[slot * 2 + 1] as V;
    }
    return undefined;
  }

  /** Where in the walked name the key of the value that {@link next} gave begins; 0 is the name itself. */
  get start(): number {
    return this.#start;
  }

  /** The tag of that value. */
  get tag(): number {
    return this.#heads[this.#slot * 2 + 1]!;
  }

  *entries(): Iterable<readonly [string, V]> {
    for (let i = 0; i < this.#cells.length; i += 2) {
      if (this.#cells[i] !== undefined) yield [this.#cells[i] as string, this.#cells[i + 1] as V];
    }
  }

  /** The slot of the part of `name` from `start` on, or -1. */
  #find(name: string, start: number, hash: number): number {
    const heads = this.#heads;
    const mask = this.#mask;
    if (mask < 0) return -1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = heads[slot * 2]!;
      if (found === 0) return -1;
      if (found !== hash) continue;
      const key = this.#cells[slot * 2] as string;
      if (start === 0 ? key === name : key.length === name.length - start && name.endsWith(key)) return slot;
    }
  }

  #put(name: string, value: V, hash: number, tag: number): void {
    let slot = hash & this.#mask;
    while (this.#heads[slot * 2] !== 0) slot = (slot + 1) & this.#mask;
    this.#cells[slot * 2] = name;
    this.#cells[slot * 2 + 1] = value;
    this.#heads[slot * 2] = hash;
    this.#heads[slot * 2 + 1] = tag;
  }

  #grow(): void {
    const [cells, heads] = [this.#cells, this.#heads];
    const capacity = Math.max(16, cells.length);
    this.#cells = Array.from({ length: capacity * 2 });
    this.#heads = new Int32Array(capacity * 2);
    this.#mask = capacity - 1;
    for (let i = 0; i < cells.length; i += 2) {
      if (cells[i] !== undefined) this.#put(cells[i] as string, cells[i + 1] as V, heads[i]!, heads[i + 1]!);
    }
  }
}

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
  return Math.min(labels, MAX_LABELS + 1);
}
