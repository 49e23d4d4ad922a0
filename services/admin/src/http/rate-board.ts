/** What the ledger has counted at some instant. */
export interface RateSample {
  readonly at: number;
  readonly accepted: number;
  readonly delivered: number;
  readonly bounced: number;
}

export interface Rates {
  readonly minutes: number;
  readonly accepted: number;
  readonly delivered: number;
  readonly bounced: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const PLOTTED_MINUTES = 60;
const WINDOWS = [1, 5, 15] as const;
const COUNTERS = ['accepted', 'delivered', 'bounced'] as const;

/** Samples of the ledger over the last hour: rates as per-hour averages over 1, 5 and 15 minutes (R214), and a plot. */
export class RateBoard {
  #samples: RateSample[] = [];

  add({ at, accepted, delivered, bounced }: RateSample): void {
    const last = this.#samples.at(-1);
    // A clock that went back, or a read model begun anew: what was before says nothing of what comes.
    if (last !== undefined && (at <= last.at || accepted < last.accepted)) this.#samples = [];
    this.#samples.push({ at, accepted, delivered, bounced });
    const from = at - (PLOTTED_MINUTES + 1) * MINUTE_MS;
    const first = this.#samples.findIndex((sample) => sample.at >= from);
    if (first > 0) this.#samples.splice(0, first);
  }

  rates(): Rates[] {
    const last = this.#samples.at(-1);
    return WINDOWS.map((minutes) => {
      const from = last && this.#at(last.at - minutes * MINUTE_MS);
      if (last === undefined || from === undefined || from.at === last.at)
        return { minutes, accepted: 0, delivered: 0, bounced: 0 };
      const [accepted, delivered, bounced] = COUNTERS.map((name) =>
        Math.max(0, Math.round(((last[name] - from[name]) * HOUR_MS) / (last.at - from.at))),
      );
      return { minutes, accepted: accepted!, delivered: delivered!, bounced: bounced! };
    });
  }

  /** What was counted in each whole minute, oldest first. */
  minutes(): RateSample[] {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined) return [];
    const minutes: RateSample[] = [];
    const until = Math.floor(last.at / MINUTE_MS) * MINUTE_MS;
    const from = Math.max(Math.floor(first.at / MINUTE_MS) * MINUTE_MS, until - PLOTTED_MINUTES * MINUTE_MS);
    for (let at = from; at < until; at += MINUTE_MS) {
      const [begin, end] = [this.#at(at)!, this.#at(at + MINUTE_MS)!];
      const [accepted, delivered, bounced] = COUNTERS.map((name) => Math.max(0, end[name] - begin[name]));
      minutes.push({ at, accepted: accepted!, delivered: delivered!, bounced: bounced! });
    }
    return minutes;
  }

  /** The sample that stood at an instant: the last one up to it, else the first there is. */
  #at(instant: number): RateSample | undefined {
    return this.#samples.findLast(({ at }) => at <= instant) ?? this.#samples[0];
  }
}
