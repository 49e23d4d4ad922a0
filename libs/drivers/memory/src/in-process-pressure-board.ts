import type { PressureBoard } from '@mailyard/queue';

/** Figures older than this say nothing. */
const FRESH_MS = 10_000;
/** What a partition without a fresh figure counts as. */
const UNKNOWN_SHARE = 0.7;

/** The pressure board of owners and ingress in one process: the embedded one. */
export class InProcessPressureBoard implements PressureBoard {
  readonly #figures = new Map<number, { readonly share: number; readonly at: number }>();
  readonly #now: () => number;

  /** @param now a clock that never jumps, in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  publish(partition: number, share: number): void {
    this.#figures.set(partition, { share, at: this.#now() });
  }

  read(partition: number): number {
    const figure = this.#figures.get(partition);
    return figure === undefined || this.#now() - figure.at > FRESH_MS ? UNKNOWN_SHARE : figure.share;
  }
}
