/**
 * Gives events to those who watch. Each asks for the next piece when it has sent the one before, so that what is slow, or
 * was away, holds nothing but a place; and all of them together read for a quarter of a core at the most, so that who
 * catches up does not take the time of mail.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { QueueLog } from '@mailyard/queue';
import type { EventFilter } from './event-filter.ts';
import type { EventForm, EventPage, EventStart } from './event-reader.ts';
import type { JournalPlace } from './event-journal.ts';
import type { Tracker } from './tracker.ts';

/** Some events and the cursor behind them, encoded; `count` 0: the cursor alone. */
export interface EventBatch {
  readonly octets: Uint8Array<ArrayBuffer>;
  readonly count: number;
  /** Everything that was committed has been told. */
  readonly isHead: boolean;
}

/** What a watch ends with when it cannot go on where it should: the cursor of what is kept. */
export class EventsLost extends Error {
  readonly earliest: string;

  constructor(earliest: string) {
    super('what came behind the cursor is not all kept any more');
    this.name = 'EventsLost';
    this.earliest = earliest;
  }
}

/** No more watchers than that. */
export class TooManyWatchers extends Error {}

export interface EventFeedOptions {
  readonly tracker: Pick<Tracker, 'ask' | 'commits' | 'nextCommit'>;
  readonly queueLog: Pick<QueueLog, 'partitionCount' | 'bounds'>;
  /** While true, others in this process need its time more. */
  readonly givesWay?: () => boolean;
  readonly heartbeatMs?: number;
}

const HEARTBEAT_MS = 5_000;
const MOST_WATCHERS = 64;
/** After reading for some time it rests so many times as long. */
const REST = 3;
const GIVE_WAY_MS = 100;

export class EventFeed {
  readonly #options: EventFeedOptions;
  readonly #heartbeatMs: number;
  #watchers = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: EventFeedOptions) {
    this.#options = options;
    this.#heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS;
  }

  /**
   * Events from a place on, until the signal. A batch without any comes when the first time everything is told, and when
   * nothing else came for five seconds.
   *
   * @throws EventsLost, TooManyWatchers, MtaError `TRACKER_AWAY`; the log's, when it cannot say where it begins
   */
  async *watch(
    start: EventStart,
    filter: EventFilter,
    form: EventForm,
    signal: AbortSignal,
  ): AsyncGenerator<EventBatch> {
    if (this.#watchers >= MOST_WATCHERS) throw new TooManyWatchers(`${MOST_WATCHERS} watch already`);
    this.#watchers += 1;
    try {
      yield* this.#watch(await this.#open(start), filter, form, signal);
    } finally {
      this.#watchers -= 1;
    }
  }

  async *#watch(
    from: JournalPlace,
    filter: EventFilter,
    form: EventForm,
    signal: AbortSignal,
  ): AsyncGenerator<EventBatch> {
    const { tracker } = this.#options;
    let place = from;
    let toldAt = performance.now();
    let hasCaughtUp = false;
    while (!signal.aborted) {
      const { commits } = tracker;
      const page = await this.#next(place, filter, form);
      if (page.kind === 'lost') throw new EventsLost(page.earliest);
      place = page.place;
      const isDue = performance.now() - toldAt >= this.#heartbeatMs;
      if (page.count > 0 || isDue || (page.isHead && !hasCaughtUp)) {
        yield page;
        toldAt = performance.now();
      }
      hasCaughtUp ||= page.isHead;
      if (page.isHead) {
        const left = toldAt + this.#heartbeatMs - performance.now();
        await tracker.nextCommit(commits, Math.max(1, left), signal);
      }
    }
  }

  async #open(start: EventStart): Promise<JournalPlace> {
    const opened = await this.#options.tracker.ask({
      kind: 'openEvents',
      start,
      logStarts: typeof start === 'string' ? [] : await this.#logStarts(),
    });
    if (opened.kind === 'lost') throw new EventsLost(opened.earliest);
    return opened.place;
  }

  /** A log that is away cannot tell where it begins, and then has nothing new either. */
  async #logStarts(): Promise<number[]> {
    const { queueLog } = this.#options;
    const partitions = Array.from({ length: queueLog.partitionCount }, (_, partition) => partition);
    const bounds = await Promise.all(partitions.map((partition) => queueLog.bounds(partition)));
    return bounds.map(({ start }) => start);
  }

  /** One after another, in the order they came, with rests between. */
  #next(place: JournalPlace, filter: EventFilter, form: EventForm): Promise<EventPage> {
    const page = this.#turn.then(() => this.#options.tracker.ask({ kind: 'events', place, filter, form }));
    this.#turn = page.then(
      (read) => this.#rest(read),
      () => undefined,
    );
    return page;
  }

  #rest(page: EventPage): Promise<void> | undefined {
    if (page.kind === 'lost' || page.isHead) return undefined;
    const restMs = this.#options.givesWay?.() === true ? GIVE_WAY_MS : REST * page.tookMs;
    return restMs < 1 ? undefined : sleep(restMs);
  }
}
