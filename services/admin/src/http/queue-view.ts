import type { QueueDestination, QueueScope } from '@mailyard/delivery-rules';
import type { DestinationPage, QueueOwners } from '../queue-owners.ts';
import { KeptAnswer } from './kept-answer.ts';

const FIRST_PAGES = 1_000;
/** More are neither sorted nor searched: making so many rows would hold up delivery. */
const MOST_ROWS = 10_000;

/** What the pages show of the queues: kept answers of the owners, so that many viewers ask them no more than one. */
export class QueueView {
  readonly #owners: QueueOwners;
  readonly summary: KeptAnswer<Awaited<ReturnType<QueueOwners['summary']>>>;
  /** The destinations with most waiting mail. */
  readonly #busiest: KeptAnswer<DestinationPage>;
  readonly #all: KeptAnswer<DestinationPage>;

  constructor(owners: QueueOwners) {
    this.#owners = owners;
    this.summary = new KeptAnswer(() => owners.summary(false));
    this.#busiest = new KeptAnswer(() => owners.destinations(false, FIRST_PAGES));
    this.#all = new KeptAnswer(() => owners.destinations(false, MOST_ROWS));
  }

  /** At least the first thousand by waiting mail, and how many there are. */
  busiest(): Promise<DestinationPage> {
    return this.#busiest.get();
  }

  /** The ten thousand with most waiting mail; where all fit into the first thousand nobody is asked for more. */
  async all(): Promise<DestinationPage> {
    const busiest = await this.#busiest.get();
    return busiest.destinations.length >= busiest.count ? busiest : this.#all.get();
  }

  async find(destination: string): Promise<QueueDestination | undefined> {
    const isIt = (one: QueueDestination): boolean => one.destination === destination;
    return (await this.busiest()).destinations.find(isIt) ?? (await this.all()).destinations.find(isIt);
  }

  recipients(scope: QueueScope, limit: number, cursor: string) {
    return this.#owners.waiting(false, scope, limit, cursor);
  }

  /** How many recipients wait in a scope, without doing anything. */
  async count(scope: QueueScope): Promise<{ readonly recipients: number; readonly silentOwners: readonly string[] }> {
    switch (scope.kind) {
      case 'all': {
        const { waiting, silentOwners } = await this.#owners.summary(false);
        return { recipients: waiting, silentOwners };
      }
      case 'destination': {
        const { silentOwners } = await this.busiest();
        return { recipients: (await this.find(scope.destination))?.waiting ?? 0, silentOwners };
      }
      case 'domain': {
        const { waiting, silentOwners } = await this.#owners.census(false, false);
        return { recipients: waiting.find(([domain]) => domain === scope.domain)?.[1] ?? 0, silentOwners };
      }
    }
  }

  async retry(scope: QueueScope) {
    const report = await this.#owners.retryNow(false, scope);
    for (const kept of [this.summary, this.#busiest, this.#all]) kept.forget();
    return report;
  }
}
