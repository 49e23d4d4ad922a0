const DOT = 46;
const SEED = 0x811c9dc5 | 0;
const PRIME = 0x01000193;
/** A name has at most 127 labels (RFC 1035 §2.3.4). */
const MAX_LABELS = 127;

/**
 * Values by domain name, found for a name and for every domain above it by one probe a label and without making a
 * string: names are hashed from their last character to the first in one pass, so that the hash of each suffix falls
 * out on the way. Open addressing, linear probing, backward shift at removal.
 *
 * A sender who chooses the names that are looked up cannot make probing slow: it depends only on the names that an
 * administrator put in.
 */
export class DomainIndex<V> {
  #keys: (string | undefined)[] = [];
  #values: (V | undefined)[] = [];
  #hashes = new Int32Array(0);
  #mask = -1;
  #size = 0;
  #walked = '';
  #left = 0;
  #start = 0;
  readonly #starts = new Int32Array(MAX_LABELS + 1);
  readonly #suffixHashes = new Int32Array(MAX_LABELS + 1);

  get size(): number {
    return this.#size;
  }

  get(name: string): V | undefined {
    const slot = this.#find(name, hashOf(name));
    return slot < 0 ? undefined : this.#values[slot];
  }

  set(name: string, value: V): void {
    if ((this.#size + 1) * 2 > this.#mask + 1) this.#grow();
    const hash = hashOf(name);
    const slot = this.#find(name, hash);
    if (slot >= 0) this.#values[slot] = value;
    else {
      this.#put(name, hash, value);
      this.#size++;
    }
  }

  delete(name: string): boolean {
    let hole = this.#find(name, hashOf(name));
    if (hole < 0) return false;
    this.#size--;
    // Whatever was pushed past the hole by it moves back, so that probing may stop at the first empty slot.
    for (let slot = (hole + 1) & this.#mask; this.#keys[slot] !== undefined; slot = (slot + 1) & this.#mask) {
      const home = this.#hashes[slot]! & this.#mask;
      if (((slot - home) & this.#mask) < ((slot - hole) & this.#mask)) continue;
      this.#keys[hole] = this.#keys[slot];
      this.#values[hole] = this.#values[slot];
      this.#hashes[hole] = this.#hashes[slot]!;
      hole = slot;
    }
    this.#keys[hole] = undefined;
    this.#values[hole] = undefined;
    return true;
  }

  /**
   * Begins a walk over the values of a name and of the domains above it. One walk at a time, by {@link next}.
   *
   * @param name at most 253 characters
   */
  begin(name: string): void {
    let hash = SEED;
    let boundaries = 0;
    for (let i = name.length - 1; i >= 0; i--) {
      const code = name.charCodeAt(i);
      if (code === DOT && boundaries < MAX_LABELS) {
        this.#starts[boundaries] = i + 1;
        this.#suffixHashes[boundaries++] = finish(hash);
      }
      hash = Math.imul(hash ^ code, PRIME);
    }
    this.#starts[boundaries] = 0;
    this.#suffixHashes[boundaries] = finish(hash);
    this.#walked = name;
    this.#left = this.#size === 0 ? 0 : boundaries + 1;
  }

  /** The next value of the walk, the longest name first; undefined at its end. */
  next(): V | undefined {
    while (this.#left > 0) {
      this.#left--;
      const start = this.#starts[this.#left]!;
      const slot = this.#findSuffix(this.#walked, start, this.#suffixHashes[this.#left]!);
      if (slot < 0) continue;
      this.#start = start;
      return this.#values[slot];
    }
    return undefined;
  }

  /** Where in the walked name the key of the value that {@link next} gave begins; 0 is the name itself. */
  get start(): number {
    return this.#start;
  }

  *entries(): Iterable<readonly [string, V]> {
    for (const [slot, key] of this.#keys.entries()) if (key !== undefined) yield [key, this.#values[slot]!];
  }

  #find(name: string, hash: number): number {
    if (this.#size === 0) return -1;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const key = this.#keys[slot];
      if (key === undefined) return -1;
      if (this.#hashes[slot] === hash && key === name) return slot;
    }
  }

  #findSuffix(name: string, start: number, hash: number): number {
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const key = this.#keys[slot];
      if (key === undefined) return -1;
      if (this.#hashes[slot] === hash && key.length === name.length - start && name.endsWith(key)) return slot;
    }
  }

  #put(name: string, hash: number, value: V): void {
    let slot = hash & this.#mask;
    while (this.#keys[slot] !== undefined) slot = (slot + 1) & this.#mask;
    this.#keys[slot] = name;
    this.#values[slot] = value;
    this.#hashes[slot] = hash;
  }

  #grow(): void {
    const [keys, values, hashes] = [this.#keys, this.#values, this.#hashes];
    const capacity = Math.max(16, keys.length * 2);
    this.#keys = Array.from({ length: capacity });
    this.#values = Array.from({ length: capacity });
    this.#hashes = new Int32Array(capacity);
    this.#mask = capacity - 1;
    for (const [slot, key] of keys.entries()) if (key !== undefined) this.#put(key, hashes[slot]!, values[slot]!);
  }
}

/** FNV-1a, from the end. */
function hashOf(name: string): number {
  let hash = SEED;
  for (let i = name.length - 1; i >= 0; i--) hash = Math.imul(hash ^ name.charCodeAt(i), PRIME);
  return finish(hash);
}

/** Spreads the high bits over the low ones, which choose the slot. */
function finish(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  return mixed ^ (mixed >>> 15);
}
