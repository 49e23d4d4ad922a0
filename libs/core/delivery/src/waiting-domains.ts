import { IndexedHeap } from './indexed-heap.ts';
import { WaitingArena } from './waiting-arena.ts';

/** A recipient whose time has come, as it was put in. Whether that still holds is for the taker to find out. */
export interface DueRecipient {
  readonly domain: number;
  readonly partition: number;
  /** The offset of its message's last full state, less whole multiples of 2^32. */
  readonly message: number;
  readonly recipient: number;
  readonly dueAt: number;
  /** It comes up before that time: its domain was released (R74, I11). */
  readonly early: boolean;
}

const LOW = 2 ** 32;

/** The offset that an entry means: the last one before `nextOffset` with these lower 32 bits. */
export function offsetOfEntry(message: number, nextOffset: number): number {
  const offset = nextOffset - (nextOffset % LOW) + message;
  return offset < nextOffset ? offset : offset - LOW;
}

/**
 * The recipients that wait, by recipient domain, and which domain is next.
 *
 * A domain is a small number, from {@link open} to {@link close}; a held domain is passed over until it is let go, one
 * that is put off until its time has come: one step for all that waits there. A message is named by the offset of its last full state, so that what is restated is to be added again.
 */
export class WaitingDomains {
  readonly #arena = new WaitingArena();
  readonly #next = new IndexedHeap();
  readonly #vacant: number[] = [];
  #domains = 0;
  /** Root of the heap of each domain, and of those of its entries that are due whatever they say. */
  #waiting = new Uint32Array(16);
  #released = new Uint32Array(16);
  #entries = new Uint32Array(16);
  #held = new Uint8Array(16);
  /** Nothing but what was released is due before. */
  #notBefore = new Float64Array(16);

  /** Entries, out-of-date ones included. */
  get size(): number {
    return this.#arena.size;
  }

  get octets(): number {
    return this.#arena.octets;
  }

  /** A number for a domain. */
  open(): number {
    const number = this.#vacant.pop() ?? this.#domains++;
    if (number >= this.#waiting.length) this.#grow();
    this.#waiting[number] = 0;
    this.#released[number] = 0;
    this.#entries[number] = 0;
    this.#held[number] = 0;
    this.#notBefore[number] = 0;
    return number;
  }

  entriesOf(domain: number): number {
    return this.#entries[domain]!;
  }

  /** When the next recipient of one domain is due; -Infinity when it was released, Infinity when none waits. */
  dueAtOf(domain: number): number {
    if (this.#released[domain] !== 0) return -Infinity;
    const waiting = this.#waiting[domain]!;
    return waiting === 0 ? Infinity : Math.max(this.#arena.due(waiting), this.#notBefore[domain]!);
  }

  /** Gives a number back when nothing waits there. True when it did. */
  close(domain: number): boolean {
    if (this.#entries[domain] !== 0) return false;
    this.#next.delete(domain);
    this.#vacant.push(domain);
    return true;
  }

  /** A recipient waits until `dueAt`; with `released` it is due now all the same. */
  add(domain: number, dueAt: number, partition: number, offset: number, recipient: number, released = false): void {
    const heaps = released ? this.#released : this.#waiting;
    heaps[domain] = this.#arena.push(heaps[domain]!, dueAt, partition, offset % LOW, recipient);
    this.#entries[domain]! += 1;
    this.#place(domain);
  }

  /** Calls back with every entry of a domain, out-of-date ones included, in no particular order. */
  visit(domain: number, visitor: (partition: number, message: number, recipient: number) => void): void {
    const tell = (entry: number): void =>
      visitor(this.#arena.partition(entry), this.#arena.message(entry), this.#arena.recipient(entry));
    this.#arena.visit(this.#waiting[domain]!, tell);
    this.#arena.visit(this.#released[domain]!, tell);
  }

  /** All that waits for the domain is due now; what is added later waits for its own time. */
  release(domain: number): void {
    this.#notBefore[domain] = 0;
    const waiting = this.#waiting[domain]!;
    if (waiting === 0) return;
    this.#waiting[domain] = 0;
    this.#released[domain] = this.#arena.join(this.#released[domain]!, waiting);
    this.#place(domain);
  }

  /** Nothing of the domain is due before this instant, until {@link release}. */
  putOff(domain: number, until: number): void {
    this.#notBefore[domain] = until;
    this.#place(domain);
  }

  /** Whether it was put off to an instant that has not come. */
  isPutOff(domain: number, now: number): boolean {
    return this.#notBefore[domain]! > now;
  }

  /** Passes the domain over until {@link letGo}. */
  hold(domain: number): void {
    this.#held[domain] = 1;
    this.#next.delete(domain);
  }

  letGo(domain: number): void {
    this.#held[domain] = 0;
    this.#place(domain);
  }

  /** When the next recipient of a domain that is not held is due; -Infinity when it was released, Infinity for none. */
  nextDueAt(): number {
    return this.#next.firstKey();
  }

  /** Takes out the next recipient that is due; undefined when there is none. */
  take(now: number): DueRecipient | undefined {
    const domain = this.#next.first();
    return domain === undefined ? undefined : this.takeOf(domain, now);
  }

  /** Takes out the next recipient of one domain that is due, held or not. */
  takeOf(domain: number, now: number): DueRecipient | undefined {
    const released = this.#released[domain]!;
    const entry = released === 0 ? this.#waiting[domain]! : released;
    if (entry === 0) return undefined;
    const dueAt = this.#arena.due(entry);
    if (released === 0 && Math.max(dueAt, this.#notBefore[domain]!) > now) return undefined;
    const taken: DueRecipient = {
      domain,
      partition: this.#arena.partition(entry),
      message: this.#arena.message(entry),
      recipient: this.#arena.recipient(entry),
      dueAt,
      early: dueAt > now,
    };
    if (released === 0) this.#waiting[domain] = this.#arena.pop(entry);
    else this.#released[domain] = this.#arena.pop(entry);
    this.#entries[domain]! -= 1;
    this.#place(domain);
    return taken;
  }

  #place(domain: number): void {
    if (this.#held[domain] !== 0) return;
    const waiting = this.#waiting[domain]!;
    if (this.#released[domain] !== 0) this.#next.set(domain, -Infinity);
    else if (waiting !== 0) this.#next.set(domain, Math.max(this.#arena.due(waiting), this.#notBefore[domain]!));
    else this.#next.delete(domain);
  }

  #grow(): void {
    const capacity = this.#waiting.length * 2;
    this.#waiting = grown(this.#waiting, capacity);
    this.#released = grown(this.#released, capacity);
    this.#entries = grown(this.#entries, capacity);
    const held = new Uint8Array(capacity);
    held.set(this.#held);
    this.#held = held;
    const notBefore = new Float64Array(capacity);
    notBefore.set(this.#notBefore);
    this.#notBefore = notBefore;
  }
}

function grown(from: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> {
  const to = new Uint32Array(capacity);
  to.set(from);
  return to;
}
