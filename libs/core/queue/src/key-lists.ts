/** A list of keys as the path to it, key by key: found without making a text of it. */
interface Path {
  readonly next: Map<string, Path>;
  number: number | undefined;
}

/** The lists of keys that objects have, each with a number. */
export class KeyLists {
  readonly #lists: (readonly string[])[] = [];
  readonly #root: Path = { next: new Map(), number: undefined };
  /** The list asked for last of each length: mostly it is that again. */
  readonly #recent: number[] = [];

  numberOf(keys: readonly string[]): number {
    const recent = this.#recent[keys.length];
    if (recent !== undefined && isSame(this.#lists[recent]!, keys)) return recent;
    const number = this.#find(keys);
    this.#recent[keys.length] = number;
    return number;
  }

  #find(keys: readonly string[]): number {
    let path = this.#root;
    for (const key of keys) {
      let next = path.next.get(key);
      if (next === undefined) {
        next = { next: new Map(), number: undefined };
        path.next.set(key, next);
      }
      path = next;
    }
    path.number ??= this.#lists.push(keys) - 1;
    return path.number;
  }

  at(number: number): readonly string[] {
    return this.#lists[number]!;
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
