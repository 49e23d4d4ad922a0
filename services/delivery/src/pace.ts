import { setImmediate as turn } from 'node:timers/promises';

/** How long work may go on before the event loop gets its turn, in milliseconds, and how often that is looked at. */
const SLICE_MS = 2;
const LOOK_EVERY = 64;

/** Keeps work that goes over very much from holding up delivery: `if (pace.isOver) await pace.rest()` at each step. */
export class Pace {
  #steps = 0;
  #until = performance.now() + SLICE_MS;

  get isOver(): boolean {
    this.#steps += 1;
    return this.#steps % LOOK_EVERY === 0 && performance.now() >= this.#until;
  }

  /** Lets all else that is ready go first. */
  async rest(): Promise<void> {
    await turn();
    this.#until = performance.now() + SLICE_MS;
  }
}
