/** One moment by two clocks, in milliseconds: wall time may step, monotonic time may stand still while suspended. */
export interface Instant {
  /** Milliseconds of the epoch. */
  readonly wall: number;
  /** Milliseconds since an arbitrary moment of this process. */
  readonly monotonic: number;
}

/** Wall time may be set back by this much before it casts doubt on what it measured. */
const TOLERATED_STEP_MS = 1_000;

/**
 * Tells whether `now` is at most `limitMs` after `then` by both clocks. A wall clock that was set back proves nothing,
 * since it could hide a suspension that the monotonic clock slept through.
 */
export function isWithin(then: Instant, now: Instant, limitMs: number): boolean {
  const wall = now.wall - then.wall;
  return now.monotonic - then.monotonic <= limitMs && wall <= limitMs && wall >= -TOLERATED_STEP_MS;
}
