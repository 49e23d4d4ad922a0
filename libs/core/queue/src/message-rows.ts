import type { MessageId } from './records.ts';

/** What a hole in the order has for a name. */
const GONE = 0;

/**
 * The messages of a partition as rows in rising order of their last full state, found by that or by id. A row has the
 * name of what is known of the message: a whole number of 32 bits, 0 only for a row that is gone.
 */
export class MessageRows {
  #offsets = new Float64Array(1_024);
  #hashes = new Int32Array(1_024);
  #names = new Int32Array(1_024);
  /** Rows used, gone ones included; the first `#head` are gone. */
  #length = 0;
  #head = 0;
  #live = 0;
  /** Row + 1 by hash, open addressing with linear probing; 0 where there is none. */
  #index = new Int32Array(2_048);

  get size(): number {
    return this.#live;
  }

  /** Octets of the arrays. */
  get sizeOctets(): number {
    return this.#offsets.byteLength + this.#hashes.byteLength + this.#names.byteLength + this.#index.byteLength;
  }

  /** Adds a row at the end: `offset` is above all others. */
  add(id: MessageId, offset: number, name: number): void {
    if (this.#length === this.#offsets.length) this.#makeRoom();
    const row = this.#length++;
    this.#offsets[row] = offset;
    this.#hashes[row] = hashOf(id);
    this.#names[row] = name;
    this.#live += 1;
    if (this.#live * 2 > this.#index.length) this.#reindex(this.#index.length * 2);
    else this.#insert(row);
  }

  /** The name of the first row whose full state lies above this offset. */
  nameAfter(offset: number): number | undefined {
    let row = this.#lowerBound(offset + 1);
    while (row < this.#length && this.#names[row] === GONE) row += 1;
    return row < this.#length ? this.#names[row] : undefined;
  }

  /** The name of the row with this full state. */
  nameAt(offset: number): number | undefined {
    const row = this.#lowerBound(offset);
    const name = row < this.#length && this.#offsets[row] === offset ? this.#names[row] : GONE;
    return name === GONE ? undefined : name;
  }

  /** The name of the message's row; `isIt` tells, of a row with the same hash, whether it is the message's. */
  find(id: MessageId, isIt: (name: number) => boolean): number | undefined {
    const hash = hashOf(id);
    const mask = this.#index.length - 1;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const row = this.#index[place]! - 1;
      if (row < 0) return undefined;
      if (this.#hashes[row] === hash && isIt(this.#names[row]!)) return this.#names[row];
    }
  }

  /** Gives the row at this offset another name. */
  rename(offset: number, name: number): void {
    this.#names[this.#rowOf(offset)] = name;
  }

  remove(offset: number): void {
    const row = this.#rowOf(offset);
    this.#unindex(row);
    this.#names[row] = GONE;
    this.#live -= 1;
    while (this.#head < this.#length && this.#names[this.#head] === GONE) this.#head += 1;
    if (this.#head === this.#length) {
      this.#head = 0;
      this.#length = 0;
    }
  }

  #rowOf(offset: number): number {
    const row = this.#lowerBound(offset);
    if (row >= this.#length || this.#offsets[row] !== offset) throw new RangeError(`no message at ${offset}`);
    return row;
  }

  #lowerBound(offset: number): number {
    let low = this.#head;
    let high = this.#length;
    // Mostly the newest is meant.
    if (high > low && this.#offsets[high - 1]! < offset) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#offsets[middle]! < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Squeezes out what is gone, or doubles the arrays when most is there. */
  #makeRoom(): void {
    const size = this.#live * 2 > this.#offsets.length ? this.#offsets.length * 2 : this.#offsets.length;
    const [offsets, hashes, names] = [new Float64Array(size), new Int32Array(size), new Int32Array(size)];
    let to = 0;
    for (let row = this.#head; row < this.#length; row++) {
      if (this.#names[row] === GONE) continue;
      offsets[to] = this.#offsets[row]!;
      hashes[to] = this.#hashes[row]!;
      names[to] = this.#names[row]!;
      to += 1;
    }
    this.#offsets = offsets;
    this.#hashes = hashes;
    this.#names = names;
    this.#head = 0;
    this.#length = to;
    this.#reindex(this.#index.length);
  }

  #reindex(size: number): void {
    this.#index = new Int32Array(size);
    for (let row = this.#head; row < this.#length; row++) if (this.#names[row] !== GONE) this.#insert(row);
  }

  #insert(row: number): void {
    const mask = this.#index.length - 1;
    let place = this.#hashes[row]! & mask;
    while (this.#index[place] !== 0) place = (place + 1) & mask;
    this.#index[place] = row + 1;
  }

  /** Takes the row out, and moves up those behind it that would not be found past the gap. */
  #unindex(row: number): void {
    const mask = this.#index.length - 1;
    let gap = this.#hashes[row]! & mask;
    while (this.#index[gap] !== row + 1) gap = (gap + 1) & mask;
    for (let place = (gap + 1) & mask; this.#index[place] !== 0; place = (place + 1) & mask) {
      const home = this.#hashes[this.#index[place]! - 1]! & mask;
      if (((place - home) & mask) < ((place - gap) & mask)) continue;
      this.#index[gap] = this.#index[place]!;
      gap = place;
    }
    this.#index[gap] = 0;
  }
}

/** FNV-1a, its bits mixed. */
function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return hash ^ (hash >>> 12);
}
