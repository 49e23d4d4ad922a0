import {
  type DestinationKey,
  formatHost,
  hostKey,
  type HostStates,
  type KnownHost,
  offsetOfEntry,
  type WaitingCensus,
} from '@mailyard/delivery-rules';
import { type AddressLiteral, type Domain, domainOf } from '@mailyard/mail';
import { midOf, type OpenMessage } from '@mailyard/queue';
import type { Binding } from './binding.ts';
import type { Destination } from './destination.ts';
import type { LedgerCounts } from './ledger.ts';
import { pageOf } from './page-of.ts';
import type { Partition } from './partition.ts';
import type {
  DestinationView,
  HostView,
  QueueStatus,
  QueueView,
  MailScope,
  WaitingPage,
  WaitingRecipientView,
} from './queue-view.ts';
import type { Scheduler } from './scheduler.ts';

/** Domains that are listed with a destination, and open messages that are looked at for the oldest of each. */
const DOMAINS_SHOWN = 20;
const MESSAGES_LOOKED_AT = 2_000;
/** Messages that one page of a domain looks at, in pages. */
const PAGE_REACH = 10;
/** What stands for the destination of a domain while routing does not say. */
const UNKNOWN = 'unknown';
/** With more domains than this, destinations are counted anew so often and no more. */
const MANY_DOMAINS = 1_000;
const COUNTED_MS = 2_000;

interface Row {
  readonly key: string;
  waiting: number;
  domainCount: number;
  /** The first of its domains, and some of the others; made late, since there may be very many rows. */
  readonly binding: Binding | undefined;
  others: Binding[] | undefined;
}

/** Where a message stands in the log. */
interface Place {
  readonly partition: number;
  readonly offset: number;
}

/** What the worker's own structures say, when asked. */
export class LiveQueueView implements QueueView {
  readonly #scheduler: Scheduler;
  readonly #partitions: ReadonlyMap<number, Partition>;
  readonly #hosts: HostStates;
  readonly #ledger: LedgerCounts;
  readonly #now: () => number;
  #counted = { at: -Infinity, destinations: 0 };

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
      destinationCount: this.#destinationCount(),
      connections: this.#scheduler.connectionCount,
      partitions,
    };
  }

  #destinationCount(): number {
    const { bindings } = this.#scheduler;
    const now = this.#now();
    if (bindings.size > MANY_DOMAINS && now - this.#counted.at < COUNTED_MS) return this.#counted.destinations;
    const keys = new Set<string>();
    for (const binding of bindings) if (binding.recipients > 0) keys.add(bindings.keyOf(binding) ?? UNKNOWN);
    this.#counted = { at: now, destinations: keys.size };
    return keys.size;
  }

  destinations(limit = Infinity, offset = 0): readonly DestinationView[] {
    const { destinations, bindings } = this.#scheduler;
    const rows = new Map<string, Row>();
    for (const binding of bindings) {
      if (binding.recipients === 0) continue;
      const key = bindings.keyOf(binding) ?? UNKNOWN;
      const row = rows.get(key);
      if (row === undefined) {
        rows.set(key, { key, waiting: binding.recipients, domainCount: 1, binding, others: undefined });
      } else {
        row.waiting += binding.recipients;
        row.domainCount += 1;
        row.others ??= [];
        if (row.others.length < DOMAINS_SHOWN - 1) row.others.push(binding);
      }
    }
    for (const { key, connections } of destinations.values())
      if (connections.length > 0 && !rows.has(key))
        rows.set(key, { key, waiting: 0, domainCount: 0, binding: undefined, others: undefined });
    const shown = pageOf([...rows.values()], mostWaiting, offset, limit);
    const oldest = this.#oldest();
    return shown.map((row) => this.#view(row, destinations.get(row.key as DestinationKey), oldest.get(row.key)));
  }

  #view(
    { key, waiting, domainCount, binding, others }: Row,
    destination: Destination | undefined,
    oldestAt: number | undefined,
  ): DestinationView {
    const bindings = binding === undefined ? [] : [binding, ...(others ?? [])];
    const hosts = (destination?.hosts ?? []).map((host): HostView => {
      const { state, downUntil } = this.#hosts.of(hostKey(host));
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
      state: stateOf(hosts, connections.length > 0, destination?.isBlocked(this.#now()) ?? false),
      hosts,
      nextAttemptAt: waiting === 0 ? undefined : this.#nextAttemptAt(destination, bindings),
      oldestAt,
      lastReply: destination?.lastReply ?? destination?.lastFailure?.reply,
    };
  }

  #nextAttemptAt(destination: Destination | undefined, some: readonly Binding[]): number | undefined {
    const now = this.#now();
    if (destination !== undefined && destination.readyCount > 0) return now;
    let next = Infinity;
    for (const { number } of destination?.bindings ?? some)
      next = Math.min(next, this.#scheduler.waiting.dueAtOf(number));
    return next === Infinity ? undefined : Math.max(next, destination?.blockedUntil ?? 0, now);
  }

  /** Open messages come oldest first; one look at the first of them finds the oldest of most destinations. */
  #oldest(): Map<string, number> {
    const oldest = new Map<string, number>();
    const { bindings } = this.#scheduler;
    let left = MESSAGES_LOOKED_AT;
    for (const { owner } of this.#owned()) {
      for (const { recipients, envelope } of owner.state.messages) {
        if (left-- <= 0) return oldest;
        for (const { forwardPath } of recipients.values()) {
          const binding = bindings.find(domainOf(forwardPath));
          const key = binding === undefined ? undefined : bindings.keyOf(binding);
          if (key !== undefined && envelope.at < (oldest.get(key) ?? Infinity)) oldest.set(key, envelope.at);
        }
      }
    }
    return oldest;
  }

  waiting(scope: MailScope, limit: number, after: string | undefined): WaitingPage {
    const start = readToken(after);
    const bindings = scope.kind === 'all' ? undefined : this.#inScope(scope);
    const domains = bindings && new Set<string>(bindings.map(({ domain }) => domain));
    const places = bindings === undefined ? this.#placesOfAll(start, limit) : this.#placesOf(bindings, start, limit);
    const recipients: WaitingRecipientView[] = [];
    for (const { partition, offset } of places) {
      if (recipients.length >= limit) return { recipients, next: `${partition}.${offset}` };
      const message = this.#partitions.get(partition)?.owner.state.messages.at(offset);
      if (message === undefined) continue;
      for (const view of viewsOf(partition, message))
        if (domains === undefined || domains.has(domainOf(view.forwardPath))) recipients.push(view);
    }
    return { recipients, next: undefined };
  }

  /** Where open messages stand in the log, from `start` on: one more than fit on a page. */
  #placesOfAll(start: Place, limit: number): Place[] {
    const places: Place[] = [];
    for (const { number: partition, owner } of [...this.#owned()].sort((a, b) => a.number - b.number)) {
      if (partition < start.partition) continue;
      const from = partition === start.partition ? start.offset : 0;
      for (const { fullStateOffset: offset } of owner.state.messages.from(from)) {
        places.push({ partition, offset });
        if (places.length > limit) return places;
      }
    }
    return places;
  }

  /** The same for the messages of some domains: those that wait, and those being tried. */
  #placesOf(bindings: readonly Binding[], start: Place, limit: number): Place[] {
    if (bindings.length === 0) return [];
    const found = new Map<number, Set<number>>();
    const note = (partition: number, offset: number): void => {
      if (partition < start.partition || (partition === start.partition && offset < start.offset)) return;
      const offsets = found.get(partition);
      if (offsets === undefined) found.set(partition, new Set([offset]));
      else offsets.add(offset);
    };
    for (const binding of bindings)
      this.#scheduler.waiting.visit(binding.number, (number, low) => {
        const partition = this.#partitions.get(number);
        if (partition?.owner.mayDecide === true) note(number, offsetOfEntry(low, partition.owner.state.nextOffset));
      });
    for (const { number, owner, underway } of this.#owned())
      for (const id of underway.messages()) {
        const message = owner.state.messages.get(id);
        if (message !== undefined) note(number, message.fullStateOffset);
      }
    const places: Place[] = [];
    for (const partition of [...found.keys()].sort((a, b) => a - b)) {
      const offsets = Float64Array.from(found.get(partition)!).sort();
      for (const offset of offsets) {
        places.push({ partition, offset });
        // Some may turn out to be out of date or of another domain.
        if (places.length > PAGE_REACH * limit) return places;
      }
    }
    return places;
  }

  retryNow(scope: MailScope): number {
    const bindings = this.#inScope(scope);
    this.#scheduler.retryNow(bindings);
    return bindings.reduce((sum, { recipients }) => sum + recipients, 0);
  }

  #inScope(scope: MailScope): Binding[] {
    const { bindings, destinations } = this.#scheduler;
    if (scope.kind === 'all') return [...bindings];
    if (scope.kind === 'destination') {
      const known = destinations.get(scope.destination as DestinationKey);
      if (known !== undefined) return [...known.bindings];
      // Nothing behind it is due yet, so nothing was gathered there.
      return [...bindings].filter((one) => (bindings.keyOf(one) ?? UNKNOWN) === scope.destination);
    }
    const binding = bindings.find(scope.domain);
    return binding === undefined ? [] : [binding];
  }

  census(figuresOnly: boolean): WaitingCensus {
    const { bindings, destinations, tableVersion } = this.#scheduler;
    const waiting: (readonly [Domain | AddressLiteral, number])[] = [];
    let moving = 0;
    for (const { domain, recipients, isMoving } of bindings) {
      if (recipients === 0) continue;
      if (isMoving) moving += recipients;
      if (!figuresOnly) waiting.push([domain, recipients]);
    }
    const census = { version: tableVersion, moving, waiting, blocked: [], hosts: [] };
    if (figuresOnly) return census;
    const now = this.#now();
    const blocked = [...destinations.values()].filter((one) => one.isBlocked(now)).map(({ key }) => key);
    const hosts: KnownHost[] = [];
    for (const [key, { state, downUntil }] of this.#hosts.known())
      if (state !== 'unknown') hosts.push({ key, state, downUntil });
    return { ...census, blocked, hosts };
  }
}

function mostWaiting(a: Row, b: Row): number {
  return b.waiting - a.waiting || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}

function stateOf(hosts: readonly HostView[], isConnected: boolean, isBlocked: boolean): DestinationView['state'] {
  if (isConnected) return 'up';
  if (isBlocked || (hosts.length > 0 && hosts.every(({ state }) => state === 'down'))) return 'down';
  return hosts.some(({ state }) => state === 'up') ? 'up' : 'unknown';
}

function* viewsOf(partition: number, { id, envelope, recipients }: OpenMessage): Iterable<WaitingRecipientView> {
  for (const { recipient, copy, forwardPath, dueAt, retries, outcomeUnknown, lastHost } of recipients.values())
    yield {
      partition,
      message: id,
      recipient,
      mid: midOf(id, copy),
      reversePath: envelope.reversePath,
      forwardPath,
      acceptedAt: envelope.at,
      dueAt,
      expiresAt: envelope.copies[copy]!.expiresAt,
      retries,
      outcomeUnknown,
      lastHost,
    };
}

function readToken(token: string | undefined): Place {
  const [partition = '0', offset = '0'] = token?.split('.') ?? [];
  return { partition: Number(partition) || 0, offset: Number(offset) || 0 };
}
