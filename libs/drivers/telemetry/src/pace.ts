import { setImmediate as turn } from 'node:timers/promises';

/** How long work may go on before the event loop gets its turn, in milliseconds. */
const SLICE_MS = 2;
/** After so many steps the time is looked at. */
const LOOK_EVERY = 64;

/**
 * Keeps work that goes over very much from holding up all else in the process:
 * `if (pace.isOver) await pace.rest()` at each step.
 */
export class Pace {
  readonly #lookEvery: number;
  #steps = 0;
  #began = performance.now();
  #worked = 0;

  /** @param lookEvery fewer where a step takes more than some microseconds */
  constructor(lookEvery = LOOK_EVERY) {
    this.#lookEvery = lookEvery;
  }

  get isOver(): boolean {
    this.#steps += 1;
    return this.#steps % this.#lookEvery === 0 && performance.now() - this.#began >= SLICE_MS;
  }

  /** How long it was at work, rests left out, in milliseconds. */
  get workedMs(): number {
    return this.#worked + performance.now() - this.#began;
  }

  /** Lets all else that is ready go first. */
  async rest(): Promise<void> {
    this.#worked += performance.now() - this.#began;
    await turn();
    this.#began = performance.now();
  }
}
