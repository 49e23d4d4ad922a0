import {
  type DestinationKey,
  formatHost,
  type HostStates,
  type KnownHost,
  type WaitingCensus,
} from '@mailyard/delivery-rules';
import type { AddressLiteral, Domain } from '@mailyard/mail';
import type { Binding } from './binding.ts';
import type { Destination } from './destination.ts';
import type { LedgerCounts } from './ledger.ts';
import { Pace } from './pace.ts';
import type { Partition } from './partition.ts';
import { DOMAINS_SHOWN, QueueSurveyor, type SurveyRow, UNKNOWN } from './queue-survey.ts';
import type { DestinationView, HostView, QueueStatus, QueueView, MailScope, WaitingPage } from './queue-view.ts';
import type { Scheduler } from './scheduler.ts';
import { WaitingPages } from './waiting-pages.ts';

/** What the worker's own structures say, when asked. Whatever goes over much of them lets delivery go on meanwhile. */
export class LiveQueueView implements QueueView {
  readonly #scheduler: Scheduler;
  readonly #partitions: ReadonlyMap<number, Partition>;
  readonly #hosts: HostStates;
  readonly #ledger: LedgerCounts;
  readonly #now: () => number;
  readonly #surveyor: QueueSurveyor;
  readonly #pages: WaitingPages;

  constructor(
    scheduler: Scheduler,
    partitions: ReadonlyMap<number, Partition>,
    hosts: HostStates,
    ledger: LedgerCounts,
    now: () => number,
  ) {
    this.#scheduler = scheduler;
    this.#partitions = partitions;
    this.#hosts = hosts;
    this.#ledger = ledger;
    this.#now = now;
    this.#surveyor = new QueueSurveyor(scheduler, () => this.#owned());
    this.#pages = new WaitingPages(scheduler, partitions);
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
      destinationCount: this.#surveyor.destinationCount,
      connections: this.#scheduler.connectionCount,
      partitions,
    };
  }

  async destinations(limit = Infinity, offset = 0, search = ''): Promise<readonly DestinationView[]> {
    const { rows, oldest } = await this.#surveyor.survey();
    const { destinations } = this.#scheduler;
    const pace = new Pace();
    const views: DestinationView[] = [];
    const shown = search === '' ? rows.slice(offset, offset + limit) : await this.#found(rows, search, offset, limit);
    for (const row of shown) {
      if (pace.isOver) await pace.rest();
      views.push(this.#view(row, destinations.get(row.key as DestinationKey), oldest.get(row.key)));
    }
    return views;
  }

  /** The rows with a text in their name or that of a domain; one that is named so comes first. */
  async #found(rows: readonly SurveyRow[], search: string, offset: number, limit: number): Promise<SurveyRow[]> {
    const pace = new Pace();
    const wanted = search.toLowerCase();
    const found: SurveyRow[] = [];
    for (const row of rows) {
      if (pace.isOver) await pace.rest();
      const { key, binding, others } = row;
      if (key === search) found.unshift(row);
      else if (
        key.toLowerCase().includes(wanted) ||
        binding?.domain.includes(wanted) === true ||
        others?.some(({ domain }) => domain.includes(wanted)) === true
      )
        found.push(row);
    }
    return found.slice(offset, offset + limit);
  }

  /** Of the many that are down most are not kept in mind: when their domains are due tells. */
  #isBlocked(destination: Destination | undefined, some: readonly Binding[]): boolean {
    const now = this.#now();
    return (
      destination?.hosts.isBlocked(now) ?? some.some(({ number }) => this.#scheduler.waiting.isPutOff(number, now))
    );
  }

  #view(
    { key, waiting, domainCount, binding, others }: SurveyRow,
    destination: Destination | undefined,
    oldestAt: number | undefined,
  ): DestinationView {
    const bindings = binding === undefined ? [] : [binding, ...(others ?? [])];
    const hosts = (destination?.hosts.planned ?? []).map((host): HostView => {
      const { state, downUntil } = destination!.hosts.healthOf(host);
      return { host: formatHost(host), state, downUntil };
    });
    const connections = destination?.connections ?? [];
    let underway = destination?.readyCount ?? 0;
    for (const { load } of connections) underway += load;
    return {
      destination: key,
      domains: bindings.map(({ domain }) => domain),
      domainCount,
      waiting,
      underway,
      connections: connections.length,
      ...(destination?.counts ?? { delivered: 0, softBounced: 0, hardBounced: 0 }),
      state: stateOf(hosts, connections.length > 0, this.#isBlocked(destination, bindings)),
      hosts,
      nextAttemptAt: waiting === 0 ? undefined : this.#nextAttemptAt(destination, bindings),
      oldestAt,
      lastReply: destination?.lastReply ?? destination?.hosts.lastFailure?.reply,
    };
  }

  #nextAttemptAt(destination: Destination | undefined, some: readonly Binding[]): number | undefined {
    const now = this.#now();
    if (destination !== undefined && destination.readyCount > 0) return now;
    let next = Infinity;
    for (const { number } of destination?.bindings ?? some)
      next = Math.min(next, this.#scheduler.waiting.dueAtOf(number));
    return next === Infinity ? undefined : Math.max(next, destination?.hosts.blockedUntil ?? 0, now);
  }

  async waiting(scope: MailScope, limit: number, after: string | undefined): Promise<WaitingPage> {
    return this.#pages.page(scope.kind === 'all' ? undefined : await this.#inScope(scope), limit, after);
  }

  async count(scope: MailScope): Promise<number> {
    return scope.kind === 'all' ? this.status().waiting : recipientsOf(await this.#inScope(scope));
  }

  async retryNow(scope: MailScope): Promise<number> {
    const bindings = await this.#inScope(scope);
    this.#scheduler.retryNow(bindings, scope.kind === 'all');
    return recipientsOf(bindings);
  }

  async #inScope(scope: MailScope): Promise<readonly Binding[]> {
    const { bindings } = this.#scheduler;
    if (scope.kind === 'all') return [...bindings];
    if (scope.kind === 'domain') {
      const binding = bindings.find(scope.domain);
      return binding === undefined ? [] : [binding];
    }
    const leadsThere = (binding: Binding): boolean => (bindings.keyOf(binding) ?? UNKNOWN) === scope.destination;
    const row = (await this.#surveyor.survey()).byKey.get(scope.destination);
    if (row?.binding !== undefined && row.domainCount <= DOMAINS_SHOWN)
      return [row.binding, ...(row.others ?? [])].filter(leadsThere);
    const pace = new Pace();
    const found: Binding[] = [];
    for (const binding of bindings) {
      if (pace.isOver) await pace.rest();
      if (leadsThere(binding)) found.push(binding);
    }
    return found;
  }

  async census(figuresOnly: boolean): Promise<WaitingCensus> {
    const { bindings, destinations, tableVersion } = this.#scheduler;
    const pace = new Pace();
    const waiting: (readonly [Domain | AddressLiteral, number])[] = [];
    let moving = 0;
    for (const { domain, recipients, isMoving } of bindings) {
      if (pace.isOver) await pace.rest();
      if (recipients === 0) continue;
      if (isMoving) moving += recipients;
      if (!figuresOnly) waiting.push([domain, recipients]);
    }
    const census = { version: tableVersion, moving, waiting, blocked: [], hosts: [] };
    if (figuresOnly) return census;
    const now = this.#now();
    const blocked: DestinationKey[] = [];
    for (const one of destinations.values()) {
      if (pace.isOver) await pace.rest();
      if (one.hosts.isBlocked(now)) blocked.push(one.key);
    }
    const hosts: KnownHost[] = [];
    for (const [key, { state, downUntil }] of this.#hosts.known()) {
      if (pace.isOver) await pace.rest();
      if (state !== 'unknown') hosts.push({ key, state, downUntil });
    }
    return { ...census, blocked, hosts };
  }
}

function recipientsOf(bindings: readonly Binding[]): number {
  return bindings.reduce((sum, { recipients }) => sum + recipients, 0);
}

function stateOf(hosts: readonly HostView[], isConnected: boolean, isBlocked: boolean): DestinationView['state'] {
  if (isConnected) return 'up';
  if (isBlocked || (hosts.length > 0 && hosts.every(({ state }) => state === 'down'))) return 'down';
  return hosts.some(({ state }) => state === 'up') ? 'up' : 'unknown';
}
