import { domainOf } from '@mailyard/mail';
import type { Binding } from './binding.ts';
import { Pace } from './pace.ts';
import type { Partition } from './partition.ts';
import type { Scheduler } from './scheduler.ts';

/** Domains that are listed with a destination, and open messages that are looked at for the oldest of each. */
export const DOMAINS_SHOWN = 20;
const MESSAGES_LOOKED_AT = 2_000;
/** What stands for the destination of a domain while routing does not say. */
export const UNKNOWN = 'unknown';
/** With so many domains a survey takes a millisecond or less: it is taken for each who asks. */
const FEW_DOMAINS = 1_000;
/** Of more domains it is shared by those who ask meanwhile and for so long after it. */
const SHARED_MS = 1_000;
/** Where a figure is all that is wanted it may be as old as this; what nobody asked for in that time is let go. */
const OLD_MS = 10_000;

/** What waits behind one destination, as a survey found it. */
export interface SurveyRow {
  readonly key: string;
  waiting: number;
  domainCount: number;
  /** The first of its domains, and some of the others; made late, since there may be very many rows. */
  readonly binding: Binding | undefined;
  others: Binding[] | undefined;
}

export interface Survey {
  /** All destinations with waiting recipients or connections, most waiting recipients first. */
  readonly rows: readonly SurveyRow[];
  readonly byKey: ReadonlyMap<string, SurveyRow>;
  /** When the oldest message of a destination was accepted, where it is among those looked at. */
  readonly oldest: ReadonlyMap<string, number>;
  /** Rows with waiting recipients. */
  readonly destinationCount: number;
}

/**
 * The destinations of a worker, counted by going over all domains that have mail: in slices between which delivery goes
 * on, and once for all who ask at about the same time. A survey of very many domains is not of one instant.
 */
export class QueueSurveyor {
  readonly #scheduler: Scheduler;
  readonly #owned: () => Iterable<Partition>;
  #newest: { readonly survey: Survey; readonly at: number } | undefined;
  #taking: Promise<Survey> | undefined;
  #letGo: NodeJS.Timeout | undefined;

  constructor(scheduler: Scheduler, owned: () => Iterable<Partition>) {
    this.#scheduler = scheduler;
    this.#owned = owned;
  }

  /** The destinations as they are now, or were a second ago when there are very many. */
  survey(): Promise<Survey> {
    if (this.#scheduler.bindings.size <= FEW_DOMAINS) return this.#take();
    const newest = this.#newest;
    if (newest !== undefined && performance.now() - newest.at < SHARED_MS) return Promise.resolve(newest.survey);
    return this.#renew();
  }

  /** Destinations with waiting recipients; of very many, as counted lately, and no more than domains at first. */
  get destinationCount(): number {
    const { bindings } = this.#scheduler;
    if (bindings.size > FEW_DOMAINS) {
      if (this.#newest === undefined || performance.now() - this.#newest.at > OLD_MS)
        this.#renew().catch(() => undefined);
      return this.#newest?.survey.destinationCount ?? bindings.size;
    }
    const keys = new Set<string>();
    for (const binding of bindings) if (binding.recipients > 0) keys.add(bindings.keyOf(binding) ?? UNKNOWN);
    return keys.size;
  }

  #renew(): Promise<Survey> {
    this.#taking ??= this.#take()
      .then((survey) => {
        this.#newest = { survey, at: performance.now() };
        clearTimeout(this.#letGo);
        this.#letGo = setTimeout(() => (this.#newest = undefined), 3 * OLD_MS).unref();
        return survey;
      })
      .finally(() => {
        this.#taking = undefined;
      });
    return this.#taking;
  }

  async #take(): Promise<Survey> {
    const { destinations, bindings } = this.#scheduler;
    const pace = new Pace();
    const byKey = new Map<string, SurveyRow>();
    for (const binding of bindings) {
      if (pace.isOver) await pace.rest();
      if (binding.recipients === 0) continue;
      const key = bindings.keyOf(binding) ?? UNKNOWN;
      const row = byKey.get(key);
      if (row === undefined) {
        byKey.set(key, { key, waiting: binding.recipients, domainCount: 1, binding, others: undefined });
      } else {
        row.waiting += binding.recipients;
        row.domainCount += 1;
        row.others ??= [];
        if (row.others.length < DOMAINS_SHOWN - 1) row.others.push(binding);
      }
    }
    const destinationCount = byKey.size;
    for (const { key, connections } of destinations.values()) {
      if (pace.isOver) await pace.rest();
      if (connections.length > 0 && !byKey.has(key))
        byKey.set(key, { key, waiting: 0, domainCount: 0, binding: undefined, others: undefined });
    }
    const rows = mostWaitingFirst([...byKey.values()]);
    return { rows, byKey, oldest: await this.#oldest(pace), destinationCount };
  }

  /** Open messages come oldest first; one look at the first of them finds the oldest of most destinations. */
  async #oldest(pace: Pace): Promise<Map<string, number>> {
    const oldest = new Map<string, number>();
    const { bindings } = this.#scheduler;
    let left = MESSAGES_LOOKED_AT;
    for (const { owner } of this.#owned()) {
      for (const { recipients, envelope } of owner.state.messages) {
        if (left-- <= 0) return oldest;
        if (pace.isOver) await pace.rest();
        for (const { forwardPath } of recipients.values()) {
          const binding = bindings.find(domainOf(forwardPath));
          const key = binding === undefined ? undefined : bindings.keyOf(binding);
          if (key !== undefined && envelope.at < (oldest.get(key) ?? Infinity)) oldest.set(key, envelope.at);
        }
      }
    }
    return oldest;
  }
}

/**
 * Of those with as many, the one first that was found first. Numbers are sorted, not rows: a hundred thousand in a few
 * milliseconds, which is no slice too long.
 */
function mostWaitingFirst(rows: readonly SurveyRow[]): SurveyRow[] {
  const { length } = rows;
  const order = Float64Array.from(rows, ({ waiting }, place) => place - waiting * length).sort();
  return Array.from(order, (value) => rows[((value % length) + length) % length]!);
}
