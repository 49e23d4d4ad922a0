/** What happened lately: keys with the append time of each, forgotten in the order in which they came. */
export class Recollection {
  readonly #times = new Map<string, number>();

  has(key: string): boolean {
    return this.#times.has(key);
  }

  /** Remembers a key. One that is known already keeps its first time. */
  add(key: string, appendTime: number): void {
    if (!this.#times.has(key)) this.#times.set(key, appendTime);
  }

  /** Forgets what is older than this append time. */
  forgetBefore(appendTime: number): void {
    for (const [key, at] of this.#times) {
      if (at >= appendTime) return;
      this.#times.delete(key);
    }
  }
}
