/** Attempts that fail without a wait, and how the wait grows after them. */
export interface AttemptRule {
  readonly free: number;
  readonly longestMs: number;
}

interface Failures {
  count: number;
  /** No attempt before. */
  until: number;
  touchedAt: number;
}

const FIRST_WAIT_MS = 2_000;
const FORGET_MS = 3_600_000;
const MOST_KEPT = 10_000;

/**
 * Slows down who guesses: after some failures under a key, each further one doubles the wait before the next attempt is
 * looked at. A success, or an hour without attempts, forgets them.
 */
export class AttemptLimit {
  readonly #rule: AttemptRule;
  readonly #failures = new Map<string, Failures>();

  constructor(rule: AttemptRule) {
    this.#rule = rule;
  }

  /** How long the next attempt must wait, in milliseconds; 0 = not at all. */
  waitMs(key: string, now: number): number {
    const failures = this.#failures.get(key);
    return failures === undefined ? 0 : Math.max(0, failures.until - now);
  }

  failed(key: string, now: number): void {
    const failures = this.#failures.get(key) ?? { count: 0, until: 0, touchedAt: now };
    if (now - failures.touchedAt > FORGET_MS) failures.count = 0;
    failures.count += 1;
    failures.touchedAt = now;
    // Whoever was heard of last stands last.
    this.#failures.delete(key);
    this.#forget(now);
    this.#failures.set(key, failures);
    this.hold(key, now);
  }

  /** The wait begins now: looking at the attempt took time of its own. */
  hold(key: string, now: number): void {
    const failures = this.#failures.get(key);
    const over = (failures?.count ?? 0) - this.#rule.free;
    if (failures === undefined || over < 0) return;
    failures.until = now + Math.min(FIRST_WAIT_MS * 2 ** Math.min(over, 20), this.#rule.longestMs);
  }

  succeeded(key: string): void {
    this.#failures.delete(key);
  }

  /** Keys that somebody makes up by the thousand must not push out the memory: the oldest go. */
  #forget(now: number): void {
    for (const [key, { touchedAt }] of this.#failures) {
      if (this.#failures.size < MOST_KEPT && now - touchedAt <= FORGET_MS) return;
      this.#failures.delete(key);
    }
  }
}
