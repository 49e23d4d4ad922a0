import type { Instant } from '@mailyard/queue';

export interface Timer {
  cancel(): void;
}

/** Where the worker's time comes from, so that tests can let days pass in milliseconds. */
export interface Clock {
  now(): Instant;
  /** Calls back once, after this many milliseconds of monotonic time. */
  after(delayMs: number, run: () => void): Timer;
}

export const systemClock: Clock = {
  now: () => ({ wall: Date.now(), monotonic: performance.now() }),
  after(delayMs, run) {
    const timeout = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timeout) };
  },
};
