const HOUR_MS = 3_600_000;

/** What one client has sent: in an hour of the clock and in the one before it. */
interface Tally {
  hour: number;
  /** Counted here in this hour, and not told to others yet. */
  untold: number;
  /** What all processes have told of this hour, this one included. */
  told: number;
  before: number;
}

/** Recipients of one client that others are to be told of. */
export interface RecipientNews {
  readonly client: string;
  /** Hours of the epoch. */
  readonly hour: number;
  readonly recipients: number;
}

/** What all processes together have counted of a client. */
export interface RecipientTotal extends RecipientNews {
  /** Of the hour before. */
  readonly before: number;
}

/**
 * Counts the recipients of each client address in the last hour (R128), over all listeners and, by what others tell, over
 * all processes. The last hour is the present hour of the clock and as much of the one before as is still within sixty
 * minutes, taken as spread evenly.
 *
 * Bounded: of more clients than `limit` those are forgotten that were heard of longest ago.
 */
export class HourlyRecipients {
  readonly #tallies = new Map<string, Tally>();
  readonly #untold = new Set<string>();
  readonly #limit: number;

  constructor(limit = 100_000) {
    this.#limit = limit;
  }

  /** Recipients of the client in the hour up to `now`, UTC milliseconds. */
  inLastHour(client: string, now: number): number {
    const tally = this.#tallies.get(client);
    if (tally === undefined) return 0;
    const hour = Math.floor(now / HOUR_MS);
    const current = tally.hour === hour ? tally.told + tally.untold : 0;
    const before = tally.hour === hour ? tally.before : tally.hour === hour - 1 ? tally.told + tally.untold : 0;
    return current + before * (1 - (now % HOUR_MS) / HOUR_MS);
  }

  add(client: string, recipients: number, now: number): void {
    this.#at(client, Math.floor(now / HOUR_MS)).untold += recipients;
    this.#untold.add(client);
  }

  /** What was counted here since the last time; it counts as told from now on. */
  takeNews(): RecipientNews[] {
    const news: RecipientNews[] = [];
    for (const client of this.#untold) {
      const tally = this.#tallies.get(client);
      if (tally === undefined) continue;
      if (tally.untold > 0) news.push({ client, hour: tally.hour, recipients: tally.untold });
      tally.told += tally.untold;
      tally.untold = 0;
    }
    this.#untold.clear();
    return news;
  }

  /**
   * Takes what all processes together have counted. Never less than is known here: what was told and got lost on the way
   * was sent all the same.
   *
   * @param before of the hour before
   */
  learn(client: string, hour: number, recipients: number, before: number): void {
    const tally = this.#tallies.get(client);
    if (tally?.hour !== hour) return;
    tally.told = Math.max(tally.told, recipients);
    tally.before = Math.max(tally.before, before);
  }

  #at(client: string, hour: number): Tally {
    const known = this.#tallies.get(client);
    // Whoever was heard of last stands last.
    if (known !== undefined) this.#tallies.delete(client);
    const tally = known ?? { hour, untold: 0, told: 0, before: 0 };
    this.#tallies.set(client, tally);
    if (tally.hour !== hour) {
      tally.before = tally.hour === hour - 1 ? tally.told + tally.untold : 0;
      tally.hour = hour;
      tally.told = 0;
      tally.untold = 0;
    }
    if (this.#tallies.size > this.#limit) {
      for (const oldest of this.#tallies.keys()) {
        this.#tallies.delete(oldest);
        this.#untold.delete(oldest);
        break;
      }
    }
    return tally;
  }
}
