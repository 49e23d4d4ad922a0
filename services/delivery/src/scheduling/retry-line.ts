/** Openings a second to begin with, and the bounds between which that moves. */
const FIRST_RATE = 100;
const LEAST_RATE = 20;
const MOST_RATE = 1_000;
/** How much of them may gather while nobody asks. */
const GATHERED_MS = 200;
/** How often the rate is looked at, and the share of the event loop's time above which it falls. */
const LOOK_MS = 100;
const BUSY = 0.6;
const FALL = 0.8;
const RISE = 1.1;

/**
 * The line of recipient domains whose mail was tried before and whose hosts are not known to answer. An opening that
 * leads to nothing costs a millisecond or two of the event loop, and a hundred thousand dead domains want one each time
 * they are due; so they take turns, at a rate that falls while the loop is busy with other work and rises while it is
 * not. Openings that succeed do not count. Domains whose mail was made due (R74, R210, I11) are first.
 *
 * Who stands in line is a number: no object for each.
 */
export class RetryLine {
  readonly #released = new NumberQueue();
  readonly #due = new NumberQueue();
  readonly #utilisation: () => number;
  #rate = FIRST_RATE;
  #credit = FIRST_RATE * (GATHERED_MS / 1_000);
  #creditAt = 0;
  #lookedAt = 0;

  /** @param utilisation the share of the time since the last call that the event loop was at work */
  constructor(utilisation: () => number) {
    this.#utilisation = utilisation;
  }

  get size(): number {
    return this.#released.size + this.#due.size;
  }

  enter(domain: number, isReleased: boolean): void {
    (isReleased ? this.#released : this.#due).push(domain);
  }

  /** The domain whose turn it is, which leaves the line; undefined while it is nobody's. */
  next(monotonic: number): number | undefined {
    if (this.size === 0) return undefined;
    this.#look(monotonic);
    if (this.#credit < 1) return undefined;
    this.#credit -= 1;
    return this.#released.shift() ?? this.#due.shift();
  }

  /** The turn of who was next has cost nothing. */
  giveBack(): void {
    this.#credit += 1;
  }

  #look(monotonic: number): void {
    if (monotonic - this.#lookedAt >= LOOK_MS) {
      this.#lookedAt = monotonic;
      this.#rate =
        this.#utilisation() > BUSY ? Math.max(LEAST_RATE, this.#rate * FALL) : Math.min(MOST_RATE, this.#rate * RISE);
    }
    const most = Math.max(1, this.#rate * (GATHERED_MS / 1_000));
    const earned = ((monotonic - this.#creditAt) * this.#rate) / 1_000;
    this.#creditAt = monotonic;
    if (this.#credit < most) this.#credit = Math.min(most, this.#credit + earned);
  }
}

/** First in, first out: four octets each. */
class NumberQueue {
  #numbers = new Uint32Array(64);
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(number: number): void {
    if (this.#size === this.#numbers.length) this.#grow();
    this.#numbers[(this.#head + this.#size) % this.#numbers.length] = number;
    this.#size += 1;
  }

  shift(): number | undefined {
    if (this.#size === 0) return undefined;
    const number = this.#numbers[this.#head]!;
    this.#head = (this.#head + 1) % this.#numbers.length;
    this.#size -= 1;
    return number;
  }

  #grow(): void {
    const larger = new Uint32Array(this.#numbers.length * 2);
    larger.set(this.#numbers.subarray(this.#head));
    larger.set(this.#numbers.subarray(0, this.#head), this.#numbers.length - this.#head);
    this.#numbers = larger;
    this.#head = 0;
  }
}
