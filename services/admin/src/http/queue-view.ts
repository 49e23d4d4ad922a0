import type {
  DestinationListing,
  DestinationSort,
  QueueDestination,
  MailScope,
  OperatorEnding,
  QueueScope,
} from '@mailyard/delivery-rules';
import type { CountedRecipients, EndedPart, DestinationPage, QueueOwners } from '../queue-owners.ts';
import { sortDestinations } from './destination-sort.ts';
import { KeptAnswer, KeptAnswers } from './kept-answer.ts';

const FIRST_PAGES = 1_000;
/** Where all must be read to be sorted, no more are: making so many rows would cost more than anybody reads. */
const MOST_ROWS = 10_000;
/** Pages and searches whose answers are kept. */
const MOST_KEPT = 50;

/** A list of destinations as a page asks for it. */
export interface DestinationList {
  readonly destinations: readonly QueueDestination[];
  /** What the search found, and all that there are; of several owners ten thousand at the most can be listed. */
  readonly found: number;
  readonly total: number;
  readonly silentOwners: readonly string[];
}

/** What the pages show of the queues: kept answers of the owners, so that many viewers ask them no more than one. */
export class QueueView {
  readonly #owners: QueueOwners;
  readonly summary: KeptAnswer<Awaited<ReturnType<QueueOwners['summary']>>>;
  /** Of an owner that can tell one page, or one destination, by itself. */
  readonly #pages = new KeptAnswers<DestinationListing | undefined>(MOST_KEPT);
  readonly #found = new KeptAnswers<QueueDestination | 'none' | undefined>(MOST_KEPT);
  /** Of several owners: the destinations with most waiting mail. */
  readonly #busiest: KeptAnswer<DestinationPage>;
  readonly #all: KeptAnswer<DestinationPage>;
  readonly #searched = new KeptAnswers<DestinationPage>(MOST_KEPT);
  readonly #sorted = new WeakMap<DestinationPage, Map<DestinationSort, readonly QueueDestination[]>>();

  constructor(owners: QueueOwners) {
    this.#owners = owners;
    this.summary = new KeptAnswer(() => owners.summary(false));
    this.#busiest = new KeptAnswer(() => owners.destinations(false, FIRST_PAGES));
    this.#all = new KeptAnswer(() => owners.destinations(false, MOST_ROWS));
  }

  /** Of the destinations that there are, or that a search finds, those from `offset` on. */
  async list(search: string, sort: DestinationSort, offset: number, limit: number): Promise<DestinationList> {
    const query = { search, sort, offset, limit };
    const page = await this.#pages.of(JSON.stringify(query), () => this.#owners.list(query)).get();
    if (page === undefined) return this.#ofSeveral(search, sort, offset, limit);
    const { destinationCount } = await this.summary.get();
    const total = search === '' ? page.found : Math.max(page.found, destinationCount);
    return { ...page, total, silentOwners: [] };
  }

  /** Of the ten thousand with most waiting mail, or that a search finds. */
  async #ofSeveral(search: string, sort: DestinationSort, offset: number, limit: number): Promise<DestinationList> {
    const busiest = await this.#busiest.get();
    const isWhole = busiest.destinations.length >= busiest.count;
    const isPlain = search === '' && sort === '-waiting';
    const isEnough = isPlain && offset + limit <= busiest.destinations.length;
    // Where all fit into the first thousand nobody is asked for more.
    const page =
      search !== '' ? await this.#search(search).get() : isWhole || isEnough ? busiest : await this.#all.get();
    const rows = isPlain ? page.destinations : this.#inOrder(page, sort);
    return {
      destinations: rows.slice(offset, offset + limit),
      found: search === '' ? page.count : page.destinations.length,
      total: busiest.count,
      silentOwners: page.silentOwners,
    };
  }

  #search(text: string): KeptAnswer<DestinationPage> {
    return this.#searched.of(text, () => this.#owners.destinations(false, MOST_ROWS, 0, text));
  }

  #inOrder(page: DestinationPage, sort: DestinationSort): readonly QueueDestination[] {
    let orders = this.#sorted.get(page);
    if (orders === undefined) this.#sorted.set(page, (orders = new Map()));
    let rows = orders.get(sort);
    if (rows === undefined) orders.set(sort, (rows = sortDestinations(page.destinations, sort)));
    return rows;
  }

  async find(destination: string): Promise<QueueDestination | undefined> {
    const found = await this.#found.of(destination, () => this.#owners.find(destination)).get();
    if (found !== undefined) return found === 'none' ? undefined : found;
    const isIt = (one: QueueDestination): boolean => one.destination === destination;
    return (
      (await this.#busiest.get()).destinations.find(isIt) ??
      (await this.#search(destination).get()).destinations.find(isIt)
    );
  }

  recipients(scope: QueueScope, limit: number, cursor: string) {
    return this.#owners.waiting(false, scope, limit, cursor);
  }

  /** How many recipients wait in a scope, without doing anything. */
  count(scope: QueueScope): Promise<CountedRecipients> {
    return this.#owners.count(false, scope);
  }

  async retry(scope: QueueScope): Promise<CountedRecipients> {
    const report = await this.#owners.retryNow(false, scope);
    this.#forget();
    return report;
  }

  /** One part of ending recipients, or of counting them. */
  async end(scope: MailScope, ending: OperatorEnding | undefined, cursor: string): Promise<EndedPart> {
    const part = await this.#owners.end(false, scope, ending, cursor);
    if (ending !== undefined) this.#forget();
    return part;
  }

  #forget(): void {
    for (const kept of [this.summary, this.#pages, this.#found, this.#busiest, this.#all, this.#searched])
      kept.forget();
  }
}
