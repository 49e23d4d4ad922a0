/** An answer is kept for so many times as long as it took: asking it costs at most a twentieth of one processor. */
const COST_FACTOR = 20;
const LEAST_MS = 1_000;
/** Never for longer: how long it took may be due to something else, such as the fold of a start. */
const MOST_MS = 10_000;
/** Dearer than this, whoever asks gets what there is while it is asked anew. */
const DEAR_MS = 20;
const STALE_MS = 30_000;

/**
 * Asks a dear question for many: those who ask within a second share one answer, and an answer that is dear to make is
 * kept for longer. Lists for the pages come through here, so that looking never slows delivery.
 */
export class KeptAnswer<T> {
  readonly #ask: () => Promise<T>;
  readonly #now: () => number;
  #answer: { readonly value: T; readonly at: number; readonly tookMs: number } | undefined;
  #asking: Promise<T> | undefined;

  constructor(ask: () => Promise<T>, now: () => number = () => performance.now()) {
    this.#ask = ask;
    this.#now = now;
  }

  get(): Promise<T> {
    const answer = this.#answer;
    if (answer !== undefined) {
      const age = this.#now() - answer.at;
      if (age < Math.min(Math.max(LEAST_MS, answer.tookMs * COST_FACTOR), MOST_MS))
        return Promise.resolve(answer.value);
      if (answer.tookMs > DEAR_MS && age < STALE_MS) {
        this.#renew().catch(() => undefined);
        return Promise.resolve(answer.value);
      }
    }
    return this.#renew();
  }

  /** Something was done that changes the answer. */
  forget(): void {
    this.#answer = undefined;
    this.#asking = undefined;
  }

  #renew(): Promise<T> {
    if (this.#asking !== undefined) return this.#asking;
    const began = this.#now();
    const asking = this.#ask()
      .then((value) => {
        const at = this.#now();
        if (this.#asking === asking) this.#answer = { value, at, tookMs: at - began };
        return value;
      })
      .finally(() => {
        if (this.#asking === asking) this.#asking = undefined;
      });
    this.#asking = asking;
    return asking;
  }
}
