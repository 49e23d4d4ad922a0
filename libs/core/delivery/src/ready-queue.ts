/** What a ready queue must know of an item. */
export interface ReadyItem {
  /** The policy group that it is charged to. */
  readonly policy: string;
  /** A higher one goes first. */
  readonly priority: number;
  /** What it costs: octets to send. */
  readonly cost: number;
  /** Since when it has been ready. */
  readonly readyAt: number;
}

/** An item that has waited this long counts as one priority higher, and so on. */
export const AGING_MS = 30_000;
/** What a policy group may send in its turn. */
const QUANTUM = 65_536;

class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  unshift(item: T): void {
    if (this.#head > 0) {
      this.#head -= 1;
      this.#items[this.#head] = item;
    } else {
      this.#items.unshift(item);
    }
  }

  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let at = this.#head; at < this.#items.length; at++) yield this.#items[at]!;
  }

  /** Takes out what the test names, the rest stays in order. */
  extract(test: (item: T) => boolean): T[] {
    const items = this.#items.slice(this.#head) as T[];
    const taken = items.filter(test);
    if (taken.length > 0) {
      this.#items = items.filter((item) => !test(item));
      this.#head = 0;
    }
    return taken;
  }
}

interface Group<T> {
  readonly policy: string;
  readonly items: Fifo<T>;
  deficit: number;
}

/** The policy groups of one priority, in turn. */
interface Level<T> {
  readonly priority: number;
  readonly groups: Map<string, Group<T>>;
  readonly ring: Group<T>[];
}

/**
 * What is ready for one destination, in the order to be sent: higher priorities first, but what waits gains on them;
 * within a priority the policy groups take turns by what they cost (deficit round robin), each in order of arrival.
 */
export class ReadyQueue<T extends ReadyItem> implements Iterable<T> {
  readonly #levels: Level<T>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** All items, in no particular order. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (const { ring } of this.#levels) for (const { items } of ring) yield* items;
  }

  push(item: T): void {
    this.#groupOf(item).items.push(item);
    this.#size += 1;
  }

  /** Puts an item that was taken back to the front of its group. */
  unshift(item: T): void {
    this.#groupOf(item).items.unshift(item);
    this.#size += 1;
  }

  /** Takes the next item. */
  shift(now: number): T | undefined {
    const level = this.#levels.length === 1 ? this.#levels[0] : this.#mostUrgent(now);
    if (level === undefined) return undefined;
    const { ring } = level;
    for (;;) {
      const group = ring[0]!;
      const { first } = group.items;
      if (first !== undefined && (ring.length === 1 || first.cost <= group.deficit)) {
        group.items.shift();
        group.deficit = ring.length === 1 ? 0 : group.deficit - first.cost;
        this.#size -= 1;
        if (group.items.size === 0) this.#leave(level, group);
        return first;
      }
      group.deficit += QUANTUM;
      if (ring.length > 1) ring.push(ring.shift()!);
    }
  }

  /** Takes out all items that the test names. */
  extract(test: (item: T) => boolean): T[] {
    const taken: T[] = [];
    for (const level of this.#levels.slice()) {
      for (const group of level.ring.slice()) {
        taken.push(...group.items.extract(test));
        if (group.items.size === 0) this.#leave(level, group);
      }
    }
    this.#size -= taken.length;
    return taken;
  }

  #mostUrgent(now: number): Level<T> | undefined {
    let best: Level<T> | undefined;
    let bestUrgency = -Infinity;
    for (const level of this.#levels) {
      let oldest = Infinity;
      for (const { items } of level.ring) oldest = Math.min(oldest, items.first!.readyAt);
      const urgency = level.priority + Math.floor(Math.max(0, now - oldest) / AGING_MS);
      // Levels are in falling priority: of equals the higher one.
      if (urgency > bestUrgency) {
        best = level;
        bestUrgency = urgency;
      }
    }
    return best;
  }

  #groupOf({ policy, priority }: ReadyItem): Group<T> {
    let level = this.#levels.find((known) => known.priority === priority);
    if (level === undefined) {
      level = { priority, groups: new Map(), ring: [] };
      this.#levels.push(level);
      this.#levels.sort((a, b) => b.priority - a.priority);
    }
    let group = level.groups.get(policy);
    if (group === undefined) {
      group = { policy, items: new Fifo(), deficit: 0 };
      level.groups.set(policy, group);
      level.ring.push(group);
    }
    return group;
  }

  #leave(level: Level<T>, group: Group<T>): void {
    level.groups.delete(group.policy);
    level.ring.splice(level.ring.indexOf(group), 1);
    if (level.ring.length === 0) this.#levels.splice(this.#levels.indexOf(level), 1);
  }
}
