import type { Clock, Timer } from './clock.ts';

const LONGEST_SLEEP_MS = 60_000;

/** One timer for the earliest of the instants at which there is something to do. */
export class WakeUp {
  readonly #clock: Clock;
  readonly #now: () => number;
  readonly #wake: () => void;
  #next: { readonly at: number; readonly timer: Timer } | undefined;

  /** @param now steady wall time, which the instants are in */
  constructor(clock: Clock, now: () => number, wake: () => void) {
    this.#clock = clock;
    this.#now = now;
    this.#wake = wake;
  }

  /** Wakes at this instant, or earlier and then asks for the rest. Infinity: not at all. */
  at(at: number): void {
    if (at === Infinity || (this.#next !== undefined && this.#next.at <= at)) return;
    this.#next?.timer.cancel();
    const delay = Math.min(LONGEST_SLEEP_MS, Math.max(0, at - this.#now()));
    const timer = this.#clock.after(delay, () => {
      this.#next = undefined;
      this.#wake();
    });
    this.#next = { at, timer };
  }

  cancel(): void {
    this.#next?.timer.cancel();
    this.#next = undefined;
  }
}
