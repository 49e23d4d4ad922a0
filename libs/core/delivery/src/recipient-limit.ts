/** Counts recipients against a limit in a window of time (R140). */
export interface RecipientCount {
  /** Recipients in one window, and how long that is. */
  readonly most: number;
  readonly windowMs: number;
  /** Recipients that are to go in one transaction at most. */
  readonly atOnce: number;
  /** When some recipients may be sent that would be too many now; 0 when they may be sent now, below 0: told later. */
  freeAt(recipients: number, now: number): number;
  take(recipients: number, now: number): void;
  /** Whether it has counted anybody yet. */
  readonly isBegun: boolean;
  /** Whether nothing of it is to be remembered. */
  isOver(now: number): boolean;
  /** Begins anew (R210). */
  reset(): void;
}

/**
 * How many recipients may go to one destination in a window of time, as its destination controls say (R140). A window
 * begins with the first recipient after the one before has ended. Instants are steady wall time.
 */
export class RecipientLimit implements RecipientCount {
  readonly most: number;
  readonly windowMs: number;
  #endsAt = 0;
  #used = 0;

  constructor({ most, windowMs }: { readonly most: number; readonly windowMs: number }) {
    this.most = most;
    this.windowMs = windowMs;
  }

  get atOnce(): number {
    return this.most;
  }

  freeAt(recipients: number, now: number): number {
    if (now >= this.#endsAt || this.#used === 0 || this.#used + recipients <= this.most) return 0;
    return this.#endsAt;
  }

  take(recipients: number, now: number): void {
    if (now >= this.#endsAt) [this.#endsAt, this.#used] = [now + this.windowMs, 0];
    this.#used += recipients;
  }

  get isBegun(): boolean {
    return this.#endsAt > 0;
  }

  isOver(now: number): boolean {
    return now >= this.#endsAt;
  }

  reset(): void {
    [this.#endsAt, this.#used] = [0, 0];
  }
}
