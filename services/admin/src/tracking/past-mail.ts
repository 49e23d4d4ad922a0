/**
 * What a draft of the route table would have done with the mail of the last hours. The recipients come a slice at a time
 * from the thread that keeps the read model, with rests in between, so that all who look take a quarter of a core
 * together, and are resolved here by the lookup that delivery uses.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PastComparison, printAnswer, type TablePair } from '@mailyard/smtp-routes';
import { Pace } from '@mailyard/telemetry';
import type { PastPage, PastPlace } from './past-recipients.ts';
import type { Tracker } from './tracker.ts';

export interface PastMailQuestion {
  readonly seconds: number;
  /** So many recipients at the most, the newest. */
  readonly limit: number;
}

/** Why it does not go back as far as was asked for. */
export type PastCut = 'limit' | 'time' | 'kept';

export interface ToldChange {
  readonly domain: string;
  readonly recipients: number;
  readonly from: string;
  readonly to: string;
  readonly rowBefore: string;
  readonly rowAfter: string;
  readonly examples: readonly string[];
}

export interface PastOutcome {
  readonly recipients: number;
  /** Accepted from and to; milliseconds of the epoch. */
  readonly from: number;
  readonly to: number;
  readonly cut?: PastCut;
  readonly moved: number;
  readonly discarded: number;
  readonly domains: number;
  readonly changes: readonly ToldChange[];
}

/** No more look at a time. */
export class TooManyLook extends Error {}

export const PAST_LIMITS = { seconds: 3_600, recipients: 100_000, mostRecipients: 1_000_000 };

const MOST_LOOK = 8;
const MOST_MS = 60_000;
const MOST_CHANGES = 1_000;
/** After reading for some time it rests so many times as long. */
const REST = 3;
const GIVE_WAY_MS = 100;

/** With what stands for 0. */
export function readPastQuestion({ seconds, limit }: PastMailQuestion): PastMailQuestion {
  return {
    seconds: seconds === 0 ? PAST_LIMITS.seconds : seconds,
    limit: limit === 0 ? PAST_LIMITS.recipients : Math.min(limit, PAST_LIMITS.mostRecipients),
  };
}

export interface PastMailOptions {
  readonly tracker: Pick<Tracker, 'ask' | 'catchUp'>;
  /** While true, others in this process need its time more. */
  readonly givesWay?: () => boolean;
  readonly now?: () => number;
  /** After so long what is older is left out. */
  readonly mostMs?: number;
}

export class PastMail {
  readonly #options: PastMailOptions;
  readonly #now: () => number;
  #lookers = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: PastMailOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Waits a little for the read model to have what the log has now. @throws TooManyLook, MtaError `TRACKER_AWAY`, the reason of the signal */
  async compare(tables: TablePair, question: PastMailQuestion, signal: AbortSignal): Promise<PastOutcome> {
    if (this.#lookers >= MOST_LOOK) throw new TooManyLook(`${MOST_LOOK} look at past mail already`);
    this.#lookers += 1;
    try {
      await this.#options.tracker.catchUp();
      return await this.#compare(tables, question, signal);
    } finally {
      this.#lookers -= 1;
    }
  }

  async #compare(tables: TablePair, question: PastMailQuestion, signal: AbortSignal): Promise<PastOutcome> {
    const comparison = new PastComparison(tables);
    const pace = new Pace();
    const to = this.#now();
    const askedFrom = Math.max(0, to - question.seconds * 1_000);
    const deadline = performance.now() + (this.#options.mostMs ?? MOST_MS);
    let place: PastPlace | undefined;
    let oldest = to;
    for (;;) {
      const page = await this.#next({ from: askedFrom, place, limit: question.limit - comparison.recipients }, signal);
      for (const past of page.domains) {
        if (pace.isOver) await pace.rest();
        comparison.add(past);
      }
      oldest = Math.min(oldest, page.reached ?? oldest);
      place = page.place;
      const isEnd = place === undefined || performance.now() >= deadline;
      if (!isEnd) continue;
      const cut = page.isCut ? 'limit' : place !== undefined ? 'time' : askedFrom < page.keptSince ? 'kept' : undefined;
      const { recipients, moved, discarded, domains } = comparison;
      return {
        ...{ recipients, moved, discarded, domains, to },
        from: cut === undefined ? askedFrom : cut === 'kept' ? Math.min(oldest, page.keptSince) : oldest,
        ...(cut === undefined ? {} : { cut }),
        changes: comparison.changes(MOST_CHANGES).map(({ before, after, ...change }) => ({
          ...change,
          ...{ from: printAnswer(before), to: printAnswer(after) },
          ...{ rowBefore: before.matched, rowAfter: after.matched },
        })),
      };
    }
  }

  /** One slice after another, in the order they were asked for, with rests between. */
  #next(
    question: { readonly from: number; readonly place: PastPlace | undefined; readonly limit: number },
    signal: AbortSignal,
  ): Promise<PastPage> {
    const page = this.#turn.then(() => {
      signal.throwIfAborted();
      return this.#options.tracker.ask({ kind: 'past', ...question });
    });
    this.#turn = page.then(
      ({ tookMs }) => sleep(this.#options.givesWay?.() === true ? GIVE_WAY_MS : REST * tookMs),
      () => undefined,
    );
    return page;
  }
}
