const ABSENT = -1;

/**
 * A binary heap of small numbers, each with a key that may change: who is next. Typed arrays only, no objects; 16 octets
 * a member, and 8 for each number below the highest one.
 */
export class IndexedHeap {
  #members = new Uint32Array(16);
  #keys = new Float64Array(16);
  #places = new Int32Array(16).fill(ABSENT);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The member with the smallest key; undefined when there is none. */
  first(): number | undefined {
    return this.#size === 0 ? undefined : this.#members[0];
  }

  /** The smallest key; Infinity when there is none. */
  firstKey(): number {
    return this.#size === 0 ? Infinity : this.#keys[this.#members[0]!]!;
  }

  /** Adds a member, or changes its key. */
  set(member: number, key: number): void {
    this.#reserve(member);
    let place = this.#places[member]!;
    if (place === ABSENT) {
      place = this.#size;
      this.#size += 1;
      this.#members[place] = member;
      this.#places[member] = place;
    } else if (this.#keys[member] === key) {
      return;
    }
    this.#keys[member] = key;
    this.#down(this.#up(place));
  }

  /** Takes a member out; harmless when it is not in. */
  delete(member: number): void {
    const place = this.#places[member] ?? ABSENT;
    if (place === ABSENT) return;
    this.#places[member] = ABSENT;
    this.#size -= 1;
    if (place === this.#size) return;
    const moved = this.#members[this.#size]!;
    this.#members[place] = moved;
    this.#places[moved] = place;
    this.#down(this.#up(place));
  }

  #up(from: number): number {
    const member = this.#members[from]!;
    const key = this.#keys[member]!;
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = this.#members[parent]!;
      if (this.#keys[above]! <= key) break;
      this.#members[place] = above;
      this.#places[above] = place;
      place = parent;
    }
    this.#members[place] = member;
    this.#places[member] = place;
    return place;
  }

  #down(from: number): void {
    const member = this.#members[from]!;
    const key = this.#keys[member]!;
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#keys[this.#members[child + 1]!]! < this.#keys[this.#members[child]!]!)
        child += 1;
      const below = this.#members[child]!;
      if (this.#keys[below]! >= key) break;
      this.#members[place] = below;
      this.#places[below] = place;
      place = child;
    }
    this.#members[place] = member;
    this.#places[member] = place;
  }

  #reserve(member: number): void {
    if (member >= this.#places.length) {
      const length = Math.max(member + 1, this.#places.length * 2);
      const places = new Int32Array(length).fill(ABSENT);
      places.set(this.#places);
      this.#places = places;
      const keys = new Float64Array(length);
      keys.set(this.#keys);
      this.#keys = keys;
    }
    if (this.#size >= this.#members.length) {
      const members = new Uint32Array(this.#members.length * 2);
      members.set(this.#members);
      this.#members = members;
    }
  }
}
