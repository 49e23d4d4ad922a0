import type { Timer } from '../clock.ts';
import { steadyNow, type WorkerContext } from '../context.ts';

const LONGEST_SLEEP_MS = 60_000;

/**
 * When the scheduler has its next turn: soon, or at the earliest of the instants at which there is something to do. One
 * timer for all of them; none while the worker stops.
 */
export class WakeUp {
  readonly #context: Pick<WorkerContext, 'clock' | 'steady' | 'isStopping'>;
  readonly #turn: () => void;
  #isSoon = false;
  #next: { readonly at: number; readonly timer: Timer } | undefined;

  constructor(context: Pick<WorkerContext, 'clock' | 'steady' | 'isStopping'>, turn: () => void) {
    this.#context = context;
    this.#turn = turn;
  }

  /** A turn once the event loop has had its own: one for all who ask meanwhile. */
  soon(): void {
    if (this.#isSoon || this.#context.isStopping) return;
    this.#isSoon = true;
    setImmediate(() => {
      this.#isSoon = false;
      if (!this.#context.isStopping) this.#turn();
    });
  }

  /** A turn at this instant of steady wall time, or earlier, and then it asks for the rest. Infinity: not at all. */
  at(at: number): void {
    if (at === Infinity || (this.#next !== undefined && this.#next.at <= at)) return;
    this.#next?.timer.cancel();
    const delay = Math.min(LONGEST_SLEEP_MS, Math.max(0, at - steadyNow(this.#context).wall));
    const timer = this.#context.clock.after(delay, () => {
      this.#next = undefined;
      this.soon();
    });
    this.#next = { at, timer };
  }

  cancel(): void {
    this.#next?.timer.cancel();
    this.#next = undefined;
  }
}
