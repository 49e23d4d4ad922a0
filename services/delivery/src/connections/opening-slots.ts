/** Openings at once where nothing is known of the hosts: to begin with, and the bounds between which that moves. */
const FIRST_SLOTS = 50;
const FEWEST_SLOTS = 10;
const MOST_SLOTS = 500;
/** An opening that has taken this long takes no slot, and keeps no other from being tried: its host is silent, which costs nothing. */
export const PATIENT_MS = 1_000;
/** The slot of an opening that failed stays taken for so long. */
const REST_MS = 50;
/** The share of the slots that mail which was tried before may take: new mail always finds one soon. */
const RETRY_SHARE = 0.5;

/** The slot of an opening under way. */
export interface OpeningSlot {
  /** Monotonic; it counts until then. */
  until: number;
  readonly isFresh: boolean;
}

/**
 * How many connections may be in opening at once to destinations that are not known to answer. Thousands of dead domains
 * must leave the loop, the resolver and the sockets to those that answer. For mail that was never tried each failure
 * rests its slot and there are fewer, each success makes more; mail that was tried before has its turn by the
 * {@link RetryLine} and takes half of the slots at most. Destinations without a slot wait, those with new mail first;
 * those that answered last time need none.
 */
export class OpeningSlots<T> {
  readonly #taken = new Set<OpeningSlot>();
  /** Those of them for mail that was tried before. */
  #retries = 0;
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
    if (!mayPass || this.#free(isFresh) <= 0) {
      (isFresh ? this.#fresh : this.#waiting).add(who);
      return undefined;
    }
    this.leave(who);
    const slot = { until: monotonic + PATIENT_MS, isFresh };
    this.#taken.add(slot);
    if (!isFresh) this.#retries += 1;
    return slot;
  }

  ended(slot: OpeningSlot, isOpen: boolean, monotonic: number): void {
    if (slot.isFresh)
      this.#most = isOpen ? Math.min(MOST_SLOTS, this.#most + 1) : Math.max(FEWEST_SLOTS, this.#most * 0.95);
    if (isOpen || !slot.isFresh) this.#give(slot);
    else slot.until = Math.min(slot.until, monotonic + REST_MS);
  }

  /** Takes those whose turn it is out of the line. They ask again, or need none any more. */
  next(monotonic: number): T[] {
    this.#release(monotonic);
    // Who was called before and did not come needs no slot any more.
    this.#called.clear();
    for (const [line, isFresh] of [
      [this.#fresh, true],
      [this.#waiting, false],
    ] as const) {
      let free = isFresh ? this.#free(true) : Math.min(this.#free(true) - this.#called.size, this.#free(false));
      for (const who of line) {
        if (free <= 0) break;
        free -= 1;
        line.delete(who);
        this.#called.add(who);
      }
    }
    return [...this.#called];
  }

  #free(isFresh: boolean): number {
    const all = Math.floor(this.#most) - this.#taken.size;
    return isFresh ? all : Math.min(all, Math.floor(this.#most * RETRY_SHARE) - this.#retries);
  }

  #release(monotonic: number): void {
    for (const slot of this.#taken) if (slot.until <= monotonic) this.#give(slot);
  }

  #give(slot: OpeningSlot): void {
    if (this.#taken.delete(slot) && !slot.isFresh) this.#retries -= 1;
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
