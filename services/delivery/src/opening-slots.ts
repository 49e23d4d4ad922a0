/** Openings at once where nothing is known of the hosts: to begin with, and the bounds between which that moves. */
const FIRST_SLOTS = 50;
const FEWEST_SLOTS = 10;
const MOST_SLOTS = 500;
/** An opening that has taken this long takes no slot any more: its host is silent, which costs nothing. */
const PATIENT_MS = 1_000;
/** The slot of an opening that failed stays taken for so long. */
const REST_MS = 50;

/** The slot of an opening under way. */
export interface OpeningSlot {
  /** Monotonic; it counts until then. */
  until: number;
}

/**
 * How many connections may be in opening at once to destinations that have none. Thousands of dead domains that come up
 * together must leave the loop, the resolver and the sockets to those that answer: each failure rests its slot and
 * there are fewer, each success makes more. Destinations without a slot wait in line; those that answered last time
 * need none.
 */
export class OpeningSlots<T> {
  readonly #taken = new Set<OpeningSlot>();
  readonly #waiting = new Set<T>();
  #most = FIRST_SLOTS;

  /** A slot, or undefined: then it waits in line for its turn. */
  take(who: T, monotonic: number): OpeningSlot | undefined {
    this.#release(monotonic);
    if (this.#taken.size >= Math.floor(this.#most)) {
      this.#waiting.add(who);
      return undefined;
    }
    this.#waiting.delete(who);
    const slot = { until: monotonic + PATIENT_MS };
    this.#taken.add(slot);
    return slot;
  }

  ended(slot: OpeningSlot, isOpen: boolean, monotonic: number): void {
    this.#most = isOpen ? Math.min(MOST_SLOTS, this.#most + 1) : Math.max(FEWEST_SLOTS, this.#most * 0.95);
    if (isOpen) this.#taken.delete(slot);
    else slot.until = Math.min(slot.until, monotonic + REST_MS);
  }

  /** Takes those whose turn it is out of the line. They ask again, or need none any more. */
  next(monotonic: number): T[] {
    this.#release(monotonic);
    const turn: T[] = [];
    for (const who of this.#waiting) {
      if (turn.length >= Math.floor(this.#most) - this.#taken.size) break;
      this.#waiting.delete(who);
      turn.push(who);
    }
    return turn;
  }

  #release(monotonic: number): void {
    for (const slot of this.#taken) if (slot.until <= monotonic) this.#taken.delete(slot);
  }

  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  leave(who: T): void {
    this.#waiting.delete(who);
  }
}
