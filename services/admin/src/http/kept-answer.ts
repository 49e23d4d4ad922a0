/** An answer is kept for so many times as long as it cost: three that are asked for all the time take a hundredth of one processor. */
const COST_FACTOR = 300;
const LEAST_MS = 1_000;
/** Never for longer: what it cost may be due to something else, such as mail that came meanwhile. */
const MOST_MS = 10_000;
/** Dearer than this, whoever asks gets what there is while it is asked anew. */
const DEAR_MS = 20;
const STALE_MS = 60_000;

export interface KeptAnswerOptions {
  /** Longer where whoever sees it is told how old it is. */
  readonly mostMs?: number;
  /** Milliseconds, of any origin. */
  readonly now?: () => number;
  /** Milliseconds of the processor that this thread has used: what waits for others costs nothing. */
  readonly used?: () => number;
}

/**
 * Asks a dear question for many: those who ask within a second share one answer, and an answer that is dear to make is
 * kept for longer. Lists for the pages come through here, so that looking never slows delivery.
 *
 * What counts is the cheaper one of the last two times: the first time, and whatever else went on at one of them, tell
 * nothing of the next.
 */
export class KeptAnswer<T> {
  readonly #ask: () => Promise<T>;
  readonly #mostMs: number;
  readonly #now: () => number;
  readonly #used: () => number;
  #answer: { readonly value: T; readonly at: number; readonly costMs: number } | undefined;
  #lastCostMs = 0;
  #asking: Promise<T> | undefined;

  constructor(
    ask: () => Promise<T>,
    { mostMs = MOST_MS, now = () => performance.now(), used = threadMilliseconds }: KeptAnswerOptions = {},
  ) {
    this.#ask = ask;
    this.#mostMs = mostMs;
    this.#now = now;
    this.#used = used;
  }

  get(): Promise<T> {
    const answer = this.#answer;
    if (answer !== undefined) {
      const age = this.#now() - answer.at;
      if (age < this.keptMs) return Promise.resolve(answer.value);
      if (answer.costMs > DEAR_MS && age < STALE_MS) {
        this.#renew().catch(() => undefined);
        return Promise.resolve(answer.value);
      }
    }
    return this.#renew();
  }

  /** For how long the answer that there is stands. */
  get keptMs(): number {
    return Math.min(Math.max(LEAST_MS, (this.#answer?.costMs ?? 0) * COST_FACTOR), this.#mostMs);
  }

  /** Something was done that changes the answer. */
  forget(): void {
    this.#answer = undefined;
    this.#asking = undefined;
  }

  #renew(): Promise<T> {
    if (this.#asking !== undefined) return this.#asking;
    const before = this.#used();
    const asking = this.#ask()
      .then((value) => {
        const spent = this.#used() - before;
        const costMs = Math.min(spent, this.#lastCostMs);
        this.#lastCostMs = spent;
        if (this.#asking === asking) this.#answer = { value, at: this.#now(), costMs };
        return value;
      })
      .finally(() => {
        if (this.#asking === asking) this.#asking = undefined;
      });
    this.#asking = asking;
    return asking;
  }
}

/** Kept answers to one kind of question: those that were asked first go when there are too many. */
export class KeptAnswers<T> {
  readonly #kept = new Map<string, KeptAnswer<T>>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** @param question what tells it from others */
  of(question: string, ask: () => Promise<T>): KeptAnswer<T> {
    let kept = this.#kept.get(question);
    if (kept === undefined) {
      const [first] = this.#kept.keys();
      if (first !== undefined && this.#kept.size >= this.#most) this.#kept.delete(first);
      this.#kept.set(question, (kept = new KeptAnswer(ask)));
    }
    return kept;
  }

  forget(): void {
    for (const kept of this.#kept.values()) kept.forget();
  }
}

function threadMilliseconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
