import type {
  ContentPart,
  DestinationListing,
  DestinationQuery,
  EndedRecipients,
  HostStates,
  MailScope,
  OperatorEnding,
  QueueDestination,
  QueueMessage,
  QueueMessageDetail,
  QueueRecipientPage,
  QueueScope,
  WaitingCensus,
} from '@mailyard/delivery-rules';
import { MtaError } from '@mailyard/mail';
import { type MessageId, midOf } from '@mailyard/queue';
import { Pace } from '@mailyard/telemetry';
import type { Binding } from '../destinations/binding.ts';
import { DestinationList } from './destination-list.ts';
import { KeptTally, UNKNOWN } from './kept-tally.ts';
import type { LedgerCounts } from '../outcomes/ledger.ts';
import { type MailSelection, selectMail } from './mail-selection.ts';
import { messageDetail } from './message-detail.ts';
import { OldestMail } from './oldest-mail.ts';
import { oldestMessages } from './oldest-messages.ts';
import { OperatorEndings } from '../outcomes/operator-endings.ts';
import type { Bodies } from '../partitions/bodies.ts';
import type { Partition } from '../partitions/partition.ts';
import type { QueueStatus, QueueView } from './queue-view.ts';
import { readContent } from './read-content.ts';
import type { Scheduler } from '../scheduling/scheduler.ts';
import { WaitingPages } from './waiting-pages.ts';

/** What the worker's own structures say, when asked. Whatever goes over much of them lets delivery go on meanwhile. */
export class LiveQueueView implements QueueView {
  readonly #scheduler: Scheduler;
  readonly #partitions: ReadonlyMap<number, Partition>;
  readonly #hosts: HostStates;
  readonly #ledger: LedgerCounts;
  readonly #bodies: Bodies;
  readonly #now: () => number;
  readonly #tally: KeptTally;
  readonly #list: DestinationList;
  readonly #pages: WaitingPages;
  readonly #endings: OperatorEndings;

  constructor(
    scheduler: Scheduler,
    partitions: ReadonlyMap<number, Partition>,
    hosts: HostStates,
    ledger: LedgerCounts,
    bodies: Bodies,
    now: () => number,
  ) {
    this.#scheduler = scheduler;
    this.#partitions = partitions;
    this.#hosts = hosts;
    this.#ledger = ledger;
    this.#bodies = bodies;
    this.#now = now;
    this.#tally = new KeptTally(scheduler.bindings);
    const oldest = new OldestMail(scheduler.bindings, () => this.#owned());
    this.#list = new DestinationList(scheduler, this.#tally, oldest, now);
    this.#pages = new WaitingPages(scheduler, partitions);
    this.#endings = new OperatorEndings(this.#pages, partitions, now);
  }

  *#owned(): Iterable<Partition> {
    for (const partition of this.#partitions.values()) if (partition.owner.mayDecide) yield partition;
  }

  status(): QueueStatus {
    let waiting = 0;
    let outcomeUnknown = 0;
    const partitions: number[] = [];
    for (const partition of this.#owned()) {
      partitions.push(partition.number);
      waiting += partition.owner.state.messages.recipientCount;
      outcomeUnknown += partition.unknownOutcomes.size;
    }
    return {
      waiting,
      outcomeUnknown,
      ledger: { ...this.#ledger },
      destinationCount: this.#tally.destinationCount,
      connections: this.#scheduler.connectionCount,
      partitions,
    };
  }

  async destinations(limit = Infinity, offset = 0, search = ''): Promise<readonly QueueDestination[]> {
    return (await this.list({ search, sort: '-waiting', offset, limit })).destinations;
  }

  list(query: DestinationQuery): Promise<DestinationListing> {
    return this.#list.page(query);
  }

  find(destination: string): Promise<QueueDestination | undefined> {
    return this.#list.find(destination);
  }

  async waiting(scope: MailScope, limit: number, after: string | undefined): Promise<QueueRecipientPage> {
    return this.#pages.page(await this.#select(scope), limit, after);
  }

  async message(message: MessageId, copy?: number): Promise<QueueMessageDetail | undefined> {
    const place = this.#pages.find(message);
    return place === undefined ? undefined : messageDetail(place, copy, this.#scheduler.bindings);
  }

  async *content(message: MessageId, copy: number, part: ContentPart): AsyncGenerator<Uint8Array> {
    const place = this.#pages.find(message);
    // The body of a copy may be gone with the last of its recipients (I10).
    if (place === undefined || messageDetail(place, copy, this.#scheduler.bindings) === undefined)
      throw new MtaError('MESSAGE_NOT_WAITING', `${midOf(message, copy)} does not wait here`);
    yield* readContent(this.#bodies, place, copy, part);
  }

  async oldest(scope: QueueScope, limit: number): Promise<readonly QueueMessage[]> {
    const { bindings } = this.#scheduler;
    const domains = scope.kind === 'all' ? undefined : await this.#inScope(scope);
    return oldestMessages(this.#owned(), domains, bindings, limit);
  }

  async end(scope: MailScope, ending: OperatorEnding | undefined, after: string | undefined): Promise<EndedRecipients> {
    return this.#endings.end(await this.#select(scope), ending, after);
  }

  #select(scope: MailScope): Promise<MailSelection> {
    const { bindings } = this.#scheduler;
    return selectMail(scope, bindings, async (destination) => {
      const domains = await this.#inScope({ kind: 'destination', destination });
      // The tally is of a moment ago: a route may have changed since.
      return domains.filter((binding) => (bindings.keyOf(binding) ?? UNKNOWN) === destination);
    });
  }

  async count(scope: QueueScope): Promise<number> {
    return scope.kind === 'all' ? this.status().waiting : recipientsOf(await this.#inScope(scope));
  }

  async retryNow(scope: QueueScope): Promise<number> {
    const bindings = await this.#inScope(scope);
    this.#scheduler.retryNow(bindings, scope.kind === 'all');
    return recipientsOf(bindings);
  }

  async #inScope(scope: QueueScope): Promise<readonly Binding[]> {
    const { bindings } = this.#scheduler;
    if (scope.kind === 'all') return [...bindings];
    if (scope.kind === 'domain') return bindings.ofDomain(scope.domain);
    const tally = await this.#tally.get();
    const row = tally.find(scope.destination);
    if (row === undefined) return [];
    return tally.domainsOf(row).flatMap((number) => bindings.numbered(number) ?? []);
  }

  async census(figuresOnly: boolean): Promise<WaitingCensus> {
    const { bindings, destinations, tableVersion: version } = this.#scheduler;
    const pace = new Pace();
    let moving = 0;
    for (const { recipients, isMoving } of bindings) {
      if (pace.isOver) await pace.rest();
      if (isMoving) moving += recipients;
    }
    if (figuresOnly) return { version, moving, waiting: [], blocked: [], hosts: [] };
    const now = this.#now();
    const hosts = this.#hosts;
    return {
      version,
      moving,
      waiting: whenRead(function* waiting() {
        for (const { domain, recipients } of bindings) if (recipients > 0) yield [domain, recipients] as const;
      }),
      blocked: whenRead(function* blocked() {
        for (const one of destinations.values()) if (one.hosts.isBlocked(now)) yield one.key;
      }),
      hosts: whenRead(function* known() {
        for (const [key, { state, downUntil }] of hosts.known())
          if (state !== 'unknown') yield { key, state, downUntil };
      }),
    };
  }
}

/** What is found anew by each who reads it: of very much no list is made. */
function whenRead<T>(read: () => Iterator<T>): Iterable<T> {
  return { [Symbol.iterator]: read };
}

function recipientsOf(bindings: readonly Binding[]): number {
  return bindings.reduce((sum, { recipients }) => sum + recipients, 0);
}
