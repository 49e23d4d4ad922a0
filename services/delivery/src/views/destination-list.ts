import {
  DESTINATION_STATES,
  type DestinationColumn,
  type DestinationKey,
  type DestinationListing,
  type DestinationQuery,
  formatHost,
  type QueueDestination,
  type QueueHost,
} from '@mailyard/delivery-rules';
import { Pace } from '@mailyard/telemetry';
import type { Binding } from '../destinations/binding.ts';
import type { Destination } from '../destinations/destination.ts';
import type { KeptTally } from './kept-tally.ts';
import type { OldestMail } from './oldest-mail.ts';
import { pageInOrder } from './page-in-order.ts';
import type { Scheduler } from '../scheduling/scheduler.ts';
import type { WaitingTally } from './waiting-tally.ts';

/** Domains that are listed with a destination. */
export const DOMAINS_SHOWN = 20;
/** A page that ends behind so many is cut from all in order, and that order is kept for so long. */
const FIRST_PAGES = 2_000;
const ORDER_KEPT_MS = 3_000;
/** What has no figure stands last, either way round. */
const NO_FIGURE = Number.NaN;

/**
 * The destinations that have waiting recipients or connections. A list goes over all of them for one figure each; only
 * those of the page that is asked for are made into views.
 */
export class DestinationList {
  readonly #scheduler: Scheduler;
  readonly #tally: KeptTally;
  readonly #oldest: OldestMail;
  readonly #now: () => number;
  #order: { readonly at: number; readonly order: Uint32Array } | undefined;

  constructor(scheduler: Scheduler, tally: KeptTally, oldest: OldestMail, now: () => number) {
    this.#scheduler = scheduler;
    this.#tally = tally;
    this.#oldest = oldest;
    this.#now = now;
  }

  /** One page. One that is named as the search says comes first where most waiting mail does. */
  async page({ search, sort, offset, limit }: DestinationQuery): Promise<DestinationListing> {
    const pace = new Pace();
    const rows = await this.#rows(await this.#tally.get(), pace);
    if (search === '' && sort === '-waiting' && rows.size > FIRST_PAGES && offset + limit > FIRST_PAGES)
      return this.#late(rows, offset, limit, pace);
    const places = search === '' ? rows.places() : await rows.search(search, pace);
    const column = sort.replace('-', '') as DestinationColumn;
    const sign = sort.startsWith('-') ? -1 : 1;
    const oldest = await this.#oldest.get();
    const named = sort === '-waiting' && search !== '' ? rows.placeOf(search) : undefined;
    let compare: (one: number, other: number) => number;
    if (column === 'destination') compare = (one, other) => (rows.keyOf(one) < rows.keyOf(other) ? -sign : sign);
    else {
      const figures = await this.#figures(rows, column, oldest, pace);
      if (named !== undefined) figures[named] = Infinity;
      compare = (one, other) => inOrder(figures[one]!, figures[other]!, sign) || one - other;
    }
    const shown = await pageInOrder(places, offset, limit, compare, pace);
    return { destinations: await this.#views(rows, shown, oldest, pace), found: places.length };
  }

  /**
   * A page that is far behind, or all: whoever reads on page by page gets them of one order, which is sorted once. Numbers
   * are sorted, not rows: a hundred thousand in a few milliseconds, which is no slice too long.
   */
  async #late(rows: Rows, offset: number, limit: number, pace: Pace): Promise<DestinationListing> {
    if (this.#order === undefined || performance.now() - this.#order.at > ORDER_KEPT_MS) {
      const places = rows.places();
      const { size } = rows;
      const numbers = Float64Array.from(places, (place) => place - rows.waitingOf(place) * size).sort();
      const order = Uint32Array.from(numbers, (number) => ((number % size) + size) % size);
      this.#order = { at: performance.now(), order };
    }
    const { order } = this.#order;
    const shown = order.subarray(offset, offset + limit);
    const destinations = await this.#views(rows, shown, await this.#oldest.get(), pace);
    return { destinations, found: order.length };
  }

  async #views(
    rows: Rows,
    shown: Iterable<number>,
    oldest: ReadonlyMap<string, number>,
    pace: Pace,
  ): Promise<readonly QueueDestination[]> {
    const destinations: QueueDestination[] = [];
    for (const place of shown) {
      if (pace.isOver) await pace.rest();
      if (rows.keyOf(place) !== '') destinations.push(this.#view(rows, place, oldest));
    }
    return destinations;
  }

  /** One destination, if anything waits there or a connection is open. */
  async find(key: string): Promise<QueueDestination | undefined> {
    const tally = await this.#tally.get();
    const destination = this.#scheduler.destinations.get(key as DestinationKey);
    const row = tally.find(key);
    if (row === undefined && (destination === undefined || destination.connections.length === 0)) return undefined;
    const rows = new Rows(tally, this.#scheduler);
    if (destination !== undefined) rows.add(destination);
    return this.#view(rows, row ?? rows.size - 1, await this.#oldest.get());
  }

  async #rows(tally: WaitingTally, pace: Pace): Promise<Rows> {
    const rows = new Rows(tally, this.#scheduler);
    for (const destination of this.#scheduler.destinations) {
      if (pace.isOver) await pace.rest();
      rows.add(destination);
    }
    return rows;
  }

  /** By place. What must be asked of objects is asked of the few that there are. */
  async #figures(
    rows: Rows,
    column: Exclude<DestinationColumn, 'destination'>,
    oldest: ReadonlyMap<string, number>,
    pace: Pace,
  ): Promise<Float64Array> {
    const figures = new Float64Array(rows.size);
    switch (column) {
      case 'waiting':
        rows.fillWaiting(figures);
        return figures;
      case 'oldestAt':
        figures.fill(NO_FIGURE);
        for (const [key, at] of oldest) {
          const place = rows.placeOf(key);
          if (place !== undefined) figures[place] = at;
        }
        return figures;
      case 'state':
        for (const place of rows.places()) {
          if (pace.isOver) await pace.rest();
          figures[place] = DESTINATION_STATES.indexOf(this.#stateOf(rows, place));
        }
        return figures;
      case 'nextAttemptAt': {
        const now = this.#now();
        for (let place = 0; place < figures.length; place++) {
          if (pace.isOver) await pace.rest();
          const dueAt = rows.dueAtOf(place);
          figures[place] = dueAt === Infinity ? NO_FIGURE : Math.max(dueAt, now);
        }
        for (const [place] of rows.known()) figures[place] = this.#nextAttemptAt(rows, place) ?? NO_FIGURE;
        return figures;
      }
      default:
        for (const [place, destination] of rows.known())
          figures[place] =
            column === 'underway'
              ? underwayOf(destination)
              : column === 'connections'
                ? destination.connections.length
                : destination.counts[column];
        return figures;
    }
  }

  #view(rows: Rows, place: number, oldest: ReadonlyMap<string, number>): QueueDestination {
    const destination = rows.destinationOf(place);
    const key = rows.keyOf(place);
    return {
      destination: key,
      domains: rows.bindingsOf(place).map(({ domain }) => domain),
      domainCount: rows.domainCountOf(place),
      waiting: rows.waitingOf(place),
      underway: destination === undefined ? 0 : underwayOf(destination),
      connections: destination?.connections.length ?? 0,
      ...(destination?.terms.isShared === true ? { maxConnections: destination.terms.maxConnections } : {}),
      ...(destination?.counts ?? { delivered: 0, softBounced: 0, hardBounced: 0 }),
      state: this.#stateOf(rows, place),
      hosts: this.#hostsOf(destination),
      nextAttemptAt: this.#nextAttemptAt(rows, place),
      oldestAt: oldest.get(key),
      lastReply: destination?.lastReply ?? destination?.hosts.lastFailure?.reply,
    };
  }

  #hostsOf(destination: Destination | undefined): readonly QueueHost[] {
    if (destination === undefined) return [];
    return destination.hosts.planned.map((host): QueueHost => {
      const { state, downUntil } = destination.hosts.healthOf(host);
      return { host: formatHost(host), state, downUntil };
    });
  }

  #stateOf(rows: Rows, place: number): QueueDestination['state'] {
    const destination = rows.destinationOf(place);
    if (destination !== undefined && destination.connections.length > 0) return 'up';
    if (this.#isBlocked(rows, place, destination)) return 'down';
    const states = this.#hostsOf(destination).map(({ state }) => state);
    if (states.length > 0 && states.every((state) => state === 'down')) return 'down';
    return states.includes('up') ? 'up' : 'unknown';
  }

  /** Of the many that are down most are not kept in mind: when their domains are due tells. */
  #isBlocked(rows: Rows, place: number, destination: Destination | undefined): boolean {
    const now = this.#now();
    if (destination !== undefined) return destination.hosts.isBlocked(now);
    return rows.bindingsOf(place).some(({ number }) => this.#scheduler.waiting.isPutOff(number, now));
  }

  #nextAttemptAt(rows: Rows, place: number): number | undefined {
    const now = this.#now();
    const destination = rows.destinationOf(place);
    if (rows.waitingOf(place) === 0) return undefined;
    if (destination !== undefined && destination.readyCount > 0) return now;
    const next = rows.dueAtOf(place);
    return next === Infinity ? undefined : Math.max(next, destination?.hosts.blockedUntil ?? 0, now);
  }
}

/** Below zero when the first comes first; a figure that is none stands last. */
function inOrder(one: number, other: number, sign: number): number {
  if (one === other) return 0;
  if (Number.isNaN(one) || Number.isNaN(other)) return Number(Number.isNaN(one)) - Number(Number.isNaN(other));
  return one < other ? -sign : sign;
}

function underwayOf({ readyCount, connections }: Destination): number {
  let underway = readyCount;
  for (const { load } of connections) underway += load;
  return underway;
}

/**
 * What is listed, by place: the rows of the tally, and behind them destinations that have connections and no mail. Few
 * of very many have an object, so that these are found by it and not the other way round.
 */
class Rows {
  readonly #tally: WaitingTally;
  readonly #scheduler: Scheduler;
  readonly #limit: number;
  readonly #destinations = new Map<number, Destination>();
  readonly #idle: Destination[] = [];

  constructor(tally: WaitingTally, scheduler: Scheduler) {
    this.#tally = tally;
    this.#scheduler = scheduler;
    this.#limit = tally.rowLimit;
  }

  add(destination: Destination): void {
    const row = this.#tally.find(destination.key);
    if (row === undefined) {
      if (destination.connections.length > 0) this.#idle.push(destination);
    } else if (row < this.#limit) this.#destinations.set(row, destination);
  }

  /** All of them. */
  places(): Uint32Array {
    const places = new Uint32Array(this.size);
    let length = 0;
    for (let place = 0; place < this.size; place++) if (this.keyOf(place) !== '') places[length++] = place;
    return places.subarray(0, length);
  }

  /** Those that have an object. */
  *known(): Iterable<readonly [place: number, destination: Destination]> {
    yield* this.#destinations;
    for (const [number, destination] of this.#idle.entries()) yield [this.#limit + number, destination];
  }

  fillWaiting(figures: Float64Array): void {
    for (let row = 0; row < this.#limit; row++) figures[row] = this.#tally.waitingOf(row);
  }

  get size(): number {
    return this.#limit + this.#idle.length;
  }

  placeOf(key: string): number | undefined {
    const row = this.#tally.find(key);
    if (row !== undefined && row < this.#limit) return row;
    const idle = this.#idle.findIndex((destination) => destination.key === key);
    return idle < 0 ? undefined : this.#limit + idle;
  }

  async search(text: string, pace: Pace): Promise<ArrayLike<number> & Iterable<number>> {
    const wanted = text.toLowerCase();
    const found: number[] = [];
    for (const place of this.places()) {
      if (pace.isOver) await pace.rest();
      const isFound =
        this.keyOf(place).toLowerCase().includes(wanted) ||
        this.bindingsOf(place).some(({ domain }) => domain.includes(wanted));
      if (isFound) found.push(place);
    }
    return found;
  }

  keyOf(place: number): string {
    return place < this.#limit ? this.#tally.keyOf(place) : (this.#idle[place - this.#limit]?.key ?? '');
  }

  destinationOf(place: number): Destination | undefined {
    return place < this.#limit ? this.#destinations.get(place) : this.#idle[place - this.#limit];
  }

  waitingOf(place: number): number {
    return place < this.#limit ? this.#tally.waitingOf(place) : 0;
  }

  domainCountOf(place: number): number {
    return place < this.#limit ? this.#tally.domainCountOf(place) : 0;
  }

  /** Of some of its domains. */
  bindingsOf(place: number): readonly Binding[] {
    if (place >= this.#limit) return [];
    const { bindings } = this.#scheduler;
    return this.#tally.domainsOf(place, DOMAINS_SHOWN).flatMap((number) => bindings.numbered(number) ?? []);
  }

  /** When the first of what waits is due, by its domains; Infinity where nothing does. */
  dueAtOf(place: number): number {
    let next = Infinity;
    if (place >= this.#limit) return next;
    for (let domain = this.#tally.firstOf(place); domain >= 0; domain = this.#tally.after(domain))
      next = Math.min(next, this.#scheduler.waiting.dueAtOf(domain));
    return next;
  }
}
