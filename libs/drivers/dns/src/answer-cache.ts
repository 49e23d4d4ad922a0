/** An answer and how long it may be given again, in milliseconds; 0 = not at all. */
export interface Kept<Answer> {
  readonly answer: Answer;
  readonly keepMs: number;
}

/**
 * Answers of the DNS by name, for as long as they may be kept; the oldest go when there are too many. Equal questions
 * that are asked while one is under way share its answer.
 */
export class AnswerCache<Answer> {
  readonly #limit: number;
  readonly #now: () => number;
  readonly #kept = new Map<string, { readonly answer: Answer; readonly until: number }>();
  readonly #asked = new Map<string, Promise<Answer>>();

  /** @param now a clock that only goes forward, milliseconds */
  constructor(limit: number, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** @param ask must not reject */
  get(name: string, ask: () => Promise<Kept<Answer>>): Promise<Answer> {
    const kept = this.#kept.get(name);
    if (kept !== undefined && kept.until > this.#now()) return Promise.resolve(kept.answer);
    const asked = this.#asked.get(name);
    if (asked !== undefined) return asked;
    const asking = ask().then(({ answer, keepMs }) => {
      this.#asked.delete(name);
      // Deleted first, so that it moves to the young end.
      this.#kept.delete(name);
      if (keepMs > 0) this.#keep(name, answer, keepMs);
      return answer;
    });
    this.#asked.set(name, asking);
    return asking;
  }

  clear(): void {
    this.#kept.clear();
  }

  #keep(name: string, answer: Answer, keepMs: number): void {
    this.#kept.set(name, { answer, until: this.#now() + keepMs });
    if (this.#kept.size <= this.#limit) return;
    const [oldest] = this.#kept.keys();
    this.#kept.delete(oldest!);
  }
}
