/** Something that is to be ended when it takes too long. */
export interface Deadline {
  /** On the monotonic clock, milliseconds; Infinity = none. */
  readonly deadlineAt: number;
  expire(): void;
}

/** Watches over all connections of a relay with one timer, in place of a timer for each command. */
export class Deadlines {
  readonly #watched = new Set<Deadline>();
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;

  /** @param everyMs how often to look, and so how late a deadline may be noticed */
  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  watch(deadline: Deadline): void {
    this.#watched.add(deadline);
    this.#timer ??= setInterval(() => this.#sweep(), this.#everyMs).unref();
  }

  forget(deadline: Deadline): void {
    this.#watched.delete(deadline);
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #sweep(): void {
    const now = performance.now();
    for (const deadline of this.#watched) if (deadline.deadlineAt <= now) deadline.expire();
  }
}
