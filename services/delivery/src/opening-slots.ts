/** Openings at once where nothing is known of the hosts: to begin with, and the bounds between which that moves. */
const FIRST_SLOTS = 50;
const FEWEST_SLOTS = 10;
const MOST_SLOTS = 500;
/** An opening that has taken this long takes no slot, and keeps no other from being tried: its host is silent, which costs nothing. */
export const PATIENT_MS = 1_000;
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
 * there are fewer, each success makes more. Destinations without a slot wait in line, those with mail that was never
 * tried in one of their own, which is served first; those that answered last time need none.
 */
export class OpeningSlots<T> {
  readonly #taken = new Set<OpeningSlot>();
  readonly #fresh = new Set<T>();
  readonly #waiting = new Set<T>();
  /** Those whose turn has come. */
  readonly #called = new Set<T>();
  #most = FIRST_SLOTS;

  /**
   * A slot, or undefined: then it waits in line for its turn.
   *
   * @param isFresh it has mail that was never tried
   */
  take(who: T, isFresh: boolean, monotonic: number): OpeningSlot | undefined {
    this.#release(monotonic);
    const mayPass = isFresh || this.#called.has(who) || this.#waiting.size === 0;
    if (!mayPass || this.#taken.size >= Math.floor(this.#most)) {
      (isFresh ? this.#fresh : this.#waiting).add(who);
      return undefined;
    }
    this.leave(who);
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
    const free = Math.floor(this.#most) - this.#taken.size;
    for (const line of [this.#fresh, this.#waiting])
      for (const who of line) {
        if (turn.length >= free) break;
        line.delete(who);
        turn.push(who);
      }
    // Who was called before and did not come needs no slot any more.
    this.#called.clear();
    for (const who of turn) this.#called.add(who);
    return turn;
  }

  #release(monotonic: number): void {
    for (const slot of this.#taken) if (slot.until <= monotonic) this.#taken.delete(slot);
  }

  get isAwaited(): boolean {
    return this.#waiting.size > 0 || this.#fresh.size > 0;
  }

  leave(who: T): void {
    this.#fresh.delete(who);
    this.#waiting.delete(who);
    this.#called.delete(who);
  }
}
