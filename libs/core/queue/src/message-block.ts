/** What a hole in the order has for a name. */
const GONE = 0;
/** Rows of a block, which never grows. */
export const BLOCK_ROWS = 1_024;
export const BLOCK_OCTETS = 12 * BLOCK_ROWS;
/** Offsets of one block are this far apart at most. */
const SPAN = 2 ** 32;

/** Some rows of messages in rising order of their offset: that as its distance to the first, the hash of the id, a name. */
export class MessageBlock {
  /** Where the block lies among all. */
  readonly number: number;
  readonly base: number;
  readonly #offsets = new Uint32Array(BLOCK_ROWS);
  readonly #hashes = new Int32Array(BLOCK_ROWS);
  readonly #names = new Int32Array(BLOCK_ROWS);
  /** Rows used, gone ones included; those before `#head` are gone. */
  #used = 0;
  #head = 0;
  #live = 0;

  constructor(number: number, base: number) {
    this.number = number;
    this.base = base;
  }

  get live(): number {
    return this.#live;
  }

  /** Whether a row with this offset, above all others, can be added. */
  takes(offset: number): boolean {
    return this.#used < BLOCK_ROWS && offset - this.base < SPAN;
  }

  /** Gives the place of the row. */
  add(offset: number, hash: number, name: number): number {
    const place = this.#used++;
    this.#offsets[place] = offset - this.base;
    this.#hashes[place] = hash;
    this.#names[place] = name;
    this.#live += 1;
    return place;
  }

  /** The place of the row with this offset; undefined when there is none. */
  at(offset: number): number | undefined {
    const place = this.#lowerBound(offset);
    const isThere = place < this.#used && this.#offsets[place] === offset - this.base && this.#names[place] !== GONE;
    return isThere ? place : undefined;
  }

  /** The place of the first row whose offset is above this one; undefined when there is none. */
  after(offset: number): number | undefined {
    return this.#liveFrom(this.#lowerBound(offset + 1));
  }

  /** The place of the first row behind a place, -1 for the first of all; undefined when there is none. */
  next(place: number): number | undefined {
    return this.#liveFrom(place + 1);
  }

  #liveFrom(from: number): number | undefined {
    let place = from;
    while (place < this.#used && this.#names[place] === GONE) place += 1;
    return place < this.#used ? place : undefined;
  }

  hash(place: number): number {
    return this.#hashes[place]!;
  }

  name(place: number): number {
    return this.#names[place]!;
  }

  rename(place: number, name: number): void {
    this.#names[place] = name;
  }

  remove(place: number): void {
    this.#names[place] = GONE;
    this.#live -= 1;
    if (this.#live === 0) {
      this.#used = 0;
      this.#head = 0;
    }
    while (this.#head < this.#used && this.#names[this.#head] === GONE) this.#head += 1;
  }

  /** Whether the rows of the block behind this one find room here when what is gone is squeezed out. */
  mayTakeIn(next: MessageBlock, most: number): boolean {
    return this.#live + next.#live <= most && next.base + next.#offsets[next.#used - 1]! - this.base < SPAN;
  }

  /** Squeezes out what is gone and takes in the rows of the block behind this one; tells where each row moves. */
  takeIn(next: MessageBlock, moved: (from: MessageBlock, place: number, to: number) => void): void {
    const used = this.#used;
    this.#used = 0;
    this.#live = 0;
    this.#head = 0;
    this.#takeRows(this, used, moved);
    this.#takeRows(next, next.#used, moved);
  }

  #takeRows(from: MessageBlock, used: number, moved: (from: MessageBlock, place: number, to: number) => void): void {
    for (let place = 0; place < used; place++) {
      const name = from.#names[place]!;
      if (name === GONE) continue;
      const to = this.add(from.base + from.#offsets[place]!, from.#hashes[place]!, name);
      if (from !== this || to !== place) moved(from, place, to);
    }
  }

  #lowerBound(offset: number): number {
    const distance = offset - this.base;
    let low = this.#head;
    let high = this.#used;
    // Mostly the newest is meant.
    if (high > low && this.#offsets[high - 1]! < distance) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#offsets[middle]! < distance) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
