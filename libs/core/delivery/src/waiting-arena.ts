/**
 * Many small heaps of waiting recipients in one set of typed arrays: 24 octets an entry, no object each.
 *
 * Each heap is a pairing heap, named by its root (0 = empty), so that adding and joining two heaps take constant time:
 * that a whole domain becomes due at once (R74) moves no entry. Entries are never searched for: what an entry says is
 * compared with the truth when it comes up, and dropped when it is out of date.
 */
export class WaitingArena {
  #due: Float64Array<ArrayBuffer>;
  #message: Uint32Array<ArrayBuffer>;
  #partition: Uint16Array<ArrayBuffer>;
  #recipient: Uint16Array<ArrayBuffer>;
  #child: Uint32Array<ArrayBuffer>;
  #sibling: Uint32Array<ArrayBuffer>;
  /** Slots that were given back, linked by sibling. */
  #free = 0;
  #used = 1;
  #size = 0;

  constructor(capacity = 1_024) {
    this.#due = new Float64Array(capacity);
    this.#message = new Uint32Array(capacity);
    this.#partition = new Uint16Array(capacity);
    this.#recipient = new Uint16Array(capacity);
    this.#child = new Uint32Array(capacity);
    this.#sibling = new Uint32Array(capacity);
  }

  /** Entries in all heaps. */
  get size(): number {
    return this.#size;
  }

  /** Octets that the arrays take. */
  get octets(): number {
    return 24 * this.#due.length;
  }

  due(entry: number): number {
    return this.#due[entry]!;
  }

  message(entry: number): number {
    return this.#message[entry]!;
  }

  partition(entry: number): number {
    return this.#partition[entry]!;
  }

  recipient(entry: number): number {
    return this.#recipient[entry]!;
  }

  /** Adds an entry to the heap at `root` and returns its new root. */
  push(root: number, due: number, partition: number, message: number, recipient: number): number {
    const entry = this.#take();
    this.#due[entry] = due;
    this.#partition[entry] = partition;
    this.#message[entry] = message;
    this.#recipient[entry] = recipient;
    this.#child[entry] = 0;
    this.#sibling[entry] = 0;
    this.#size += 1;
    return this.join(root, entry);
  }

  /** Takes the root out of its heap and returns the new root. The slot is used again by the next push. */
  pop(root: number): number {
    const next = this.#joinSiblings(this.#child[root]!);
    this.#sibling[root] = this.#free;
    this.#free = root;
    this.#size -= 1;
    return next;
  }

  /** Calls back with every entry of a heap, in no particular order. */
  visit(root: number, visitor: (entry: number) => void): void {
    const open = root === 0 ? [] : [root];
    for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
      visitor(entry);
      const child = this.#child[entry]!;
      const sibling = this.#sibling[entry]!;
      if (sibling !== 0) open.push(sibling);
      if (child !== 0) open.push(child);
    }
  }

  /** Makes one heap of two. */
  join(a: number, b: number): number {
    if (a === 0) return b;
    if (b === 0) return a;
    const [parent, child] = this.#due[b]! < this.#due[a]! ? [b, a] : [a, b];
    this.#sibling[child] = this.#child[parent]!;
    this.#child[parent] = child;
    this.#sibling[parent] = 0;
    return parent;
  }

  /** Joins the children of a root: in pairs from the left, then the pairs from the right. */
  #joinSiblings(first: number): number {
    let pairs = 0;
    let left = first;
    while (left !== 0) {
      const right = this.#sibling[left]!;
      const rest = right === 0 ? 0 : this.#sibling[right]!;
      this.#sibling[left] = 0;
      if (right !== 0) this.#sibling[right] = 0;
      const pair = this.join(left, right);
      this.#sibling[pair] = pairs;
      pairs = pair;
      left = rest;
    }
    let root = 0;
    while (pairs !== 0) {
      const rest = this.#sibling[pairs]!;
      this.#sibling[pairs] = 0;
      root = this.join(root, pairs);
      pairs = rest;
    }
    return root;
  }

  #take(): number {
    const free = this.#free;
    if (free !== 0) {
      this.#free = this.#sibling[free]!;
      return free;
    }
    if (this.#used === this.#due.length) this.#grow();
    this.#used += 1;
    return this.#used - 1;
  }

  #grow(): void {
    // Large arrays grow by an eighth, so that they are never more than a ninth empty.
    const { length } = this.#due;
    const capacity = Math.ceil(length < 65_536 ? length * 2 : length * 1.125);
    const due = new Float64Array(capacity);
    due.set(this.#due);
    this.#due = due;
    const message = new Uint32Array(capacity);
    message.set(this.#message);
    this.#message = message;
    const partition = new Uint16Array(capacity);
    partition.set(this.#partition);
    this.#partition = partition;
    const recipient = new Uint16Array(capacity);
    recipient.set(this.#recipient);
    this.#recipient = recipient;
    const child = new Uint32Array(capacity);
    child.set(this.#child);
    this.#child = child;
    const sibling = new Uint32Array(capacity);
    sibling.set(this.#sibling);
    this.#sibling = sibling;
  }
}
