/** A set that mostly has none or one member, in as little memory: most destinations lead from one domain. */
export class SmallSet<T> implements Iterable<T> {
  #one: T | undefined;
  #many: Set<T> | undefined;

  get size(): number {
    return this.#many?.size ?? (this.#one === undefined ? 0 : 1);
  }

  add(member: T): void {
    if (this.#many !== undefined) {
      this.#many.add(member);
    } else if (this.#one === undefined || this.#one === member) {
      this.#one = member;
    } else {
      this.#many = new Set([this.#one, member]);
      this.#one = undefined;
    }
  }

  delete(member: T): void {
    if (this.#one === member) this.#one = undefined;
    else this.#many?.delete(member);
  }

  clear(): void {
    this.#one = undefined;
    this.#many = undefined;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    if (this.#many !== undefined) yield* this.#many;
    else if (this.#one !== undefined) yield this.#one;
  }
}
