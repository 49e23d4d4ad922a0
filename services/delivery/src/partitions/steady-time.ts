import type { Instant } from '@mailyard/queue';

/** A difference that clocks have by themselves: followed at once. */
const FOLLOWED_MS = 1_000;
/** The most of the elapsed time by which a larger difference is made up. */
const SLEW = 0.1;

/**
 * Wall time that never jumps: due times and expiry go by it, so that a clock that is set a day ahead expires no mail
 * and one that is set an hour back holds none. It goes with the monotonic clock and approaches the wall clock by a
 * tenth of the time that passes.
 */
export class SteadyTime {
  #offset: number;
  #last: Instant;

  constructor(now: Instant) {
    this.#offset = now.wall - now.monotonic;
    this.#last = now;
  }

  /** Milliseconds of the epoch. */
  at(now: Instant): number {
    const gap = now.wall - now.monotonic - this.#offset;
    const most = SLEW * Math.max(0, now.monotonic - this.#last.monotonic);
    this.#offset += Math.abs(gap) <= FOLLOWED_MS ? gap : Math.sign(gap) * Math.min(Math.abs(gap), most);
    this.#last = now;
    return now.monotonic + this.#offset;
  }
}
