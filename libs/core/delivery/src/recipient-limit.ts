/**
 * How many recipients may still go to a domain in the present window of time (R140). A window begins with the first
 * recipient after the one before has ended.
 */
export class RecipientWindow {
  #endsAt = 0;
  #used = 0;

  /** When some recipients may be sent that would be too many now; 0 when they may be sent now. */
  freeAt(recipients: number, most: number, now: number): number {
    if (now >= this.#endsAt || this.#used === 0 || this.#used + recipients <= most) return 0;
    return this.#endsAt;
  }

  take(recipients: number, windowMs: number, now: number): void {
    if (now >= this.#endsAt) [this.#endsAt, this.#used] = [now + windowMs, 0];
    this.#used += recipients;
  }

  /** Whether nothing of it is to be remembered. */
  isOver(now: number): boolean {
    return now >= this.#endsAt;
  }

  reset(): void {
    this.#endsAt = 0;
  }
}
