import {
  type BatchBy,
  destinationKey,
  type DestinationKey,
  formatHost,
  hostKey,
  type HostStates,
} from '@mailyard/delivery-rules';
import { type AddressLiteral, type Domain, domainOf } from '@mailyard/mail';
import { midOf, type OpenMessage } from '@mailyard/queue';
import type { RouteTarget } from '@mailyard/smtp-routes';
import type { Binding } from './binding.ts';
import type { Destination } from './destination.ts';
import type { LedgerCounts } from './ledger.ts';
import type { Partition } from './partition.ts';
import type {
  DestinationView,
  HostView,
  QueueStatus,
  QueueView,
  RetryScope,
  RouteMove,
  WaitingPage,
  WaitingRecipientView,
} from './queue-view.ts';
import type { Scheduler } from './scheduler.ts';

/** Domains that are listed with a destination, and open messages that are looked at for the oldest of each. */
const DOMAINS_SHOWN = 20;
const MESSAGES_LOOKED_AT = 20_000;
/** Messages that one page looks at, whether they match or not. */
const PAGE_REACH = 50_000;

/** What the worker's own structures say, when asked. */
export class LiveQueueView implements QueueView {
  readonly #scheduler: Scheduler;
  readonly #partitions: ReadonlyMap<number, Partition>;
  readonly #hosts: HostStates;
  readonly #ledger: LedgerCounts;
  readonly #batchBy: BatchBy;
  readonly #now: () => number;

  constructor(
    scheduler: Scheduler,
    partitions: ReadonlyMap<number, Partition>,
    hosts: HostStates,
    ledger: LedgerCounts,
    batchBy: BatchBy,
    now: () => number,
  ) {
    this.#scheduler = scheduler;
    this.#partitions = partitions;
    this.#hosts = hosts;
    this.#ledger = ledger;
    this.#batchBy = batchBy;
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
      destinationCount: this.#scheduler.destinations.size,
      connections: this.#scheduler.connectionCount,
      partitions,
    };
  }

  destinations(): readonly DestinationView[] {
    const oldest = this.#oldest();
    const rows: DestinationView[] = [];
    for (const destination of this.#scheduler.destinations.values()) {
      let waiting = 0;
      for (const { recipients } of destination.bindings) waiting += recipients;
      if (waiting > 0 || destination.connections.length > 0)
        rows.push(this.#view(destination, waiting, oldest.get(destination)));
    }
    return rows.sort((a, b) => b.waiting - a.waiting);
  }

  #view(destination: Destination, waiting: number, oldestAt: number | undefined): DestinationView {
    const { key, bindings, counts, connections, blockedUntil, lastFailure, lastReply } = destination;
    const hosts = destination.hosts.map((host): HostView => {
      const { state, downUntil } = this.#hosts.of(hostKey(host));
      return { host: formatHost(host), state, downUntil };
    });
    let sending = 0;
    for (const { load } of connections) sending += load;
    return {
      destination: key,
      domains: someDomains(bindings),
      domainCount: bindings.size,
      waiting,
      underway: destination.readyCount + sending,
      connections: connections.length,
      ...counts,
      state: stateOf(hosts, connections.length > 0, blockedUntil !== 0),
      hosts,
      nextAttemptAt: waiting === 0 ? undefined : this.#nextAttemptAt(destination),
      oldestAt,
      lastReply: lastReply ?? lastFailure?.reply,
    };
  }

  #nextAttemptAt({ bindings, blockedUntil, readyCount }: Destination): number | undefined {
    const now = this.#now();
    if (readyCount > 0) return now;
    let next = Infinity;
    for (const { number } of bindings) next = Math.min(next, this.#scheduler.waiting.dueAtOf(number));
    return next === Infinity ? undefined : Math.max(next, blockedUntil, now);
  }

  /** Open messages come oldest first; one look at the first of them finds the oldest of most destinations. */
  #oldest(): Map<Destination, number> {
    const oldest = new Map<Destination, number>();
    let left = MESSAGES_LOOKED_AT;
    for (const { owner } of this.#owned()) {
      for (const { recipients, envelope } of owner.state.messages) {
        if (left-- <= 0) return oldest;
        for (const { forwardPath } of recipients.values()) {
          const destination = this.#scheduler.bindings.find(domainOf(forwardPath))?.destination;
          if (destination === undefined) continue;
          const known = oldest.get(destination);
          if (known === undefined || envelope.at < known) oldest.set(destination, envelope.at);
        }
      }
    }
    return oldest;
  }

  waiting({ domain }: { readonly domain?: string }, limit: number, after: string | undefined): WaitingPage {
    const recipients: WaitingRecipientView[] = [];
    const partitions = [...this.#owned()].sort((a, b) => a.number - b.number);
    const start = readToken(after);
    let left = PAGE_REACH;
    for (const { number, owner } of partitions) {
      if (number < start.partition) continue;
      for (const message of owner.state.messages) {
        if (number === start.partition && message.fullStateOffset < start.offset) continue;
        if (recipients.length >= limit || left-- <= 0)
          return { recipients, next: `${number}.${message.fullStateOffset}` };
        for (const view of viewsOf(number, message))
          if (domain === undefined || domainOfView(view) === domain) recipients.push(view);
      }
    }
    return { recipients, next: undefined };
  }

  retryNow(scope: RetryScope): number {
    const bindings = this.#inScope(scope);
    this.#scheduler.retryNow(bindings);
    return bindings.reduce((sum, { recipients }) => sum + recipients, 0);
  }

  #inScope(scope: RetryScope): Binding[] {
    const { bindings, destinations } = this.#scheduler;
    if (scope.kind === 'all') return [...bindings];
    if (scope.kind === 'destination')
      return [...(destinations.get(scope.destination as DestinationKey)?.bindings ?? [])];
    const binding = bindings.find(scope.domain);
    return binding === undefined ? [] : [binding];
  }

  census(draft: (domain: Domain | AddressLiteral) => RouteTarget): readonly RouteMove[] {
    const moves: RouteMove[] = [];
    const now = this.#now();
    for (const { domain, recipients, decision, destination, state } of this.#scheduler.bindings) {
      if (recipients === 0) continue;
      const target = draft(domain);
      const to = destinationKey(target, domain, this.#batchBy) ?? '/dev/null';
      const from = state === 'bound' ? (destination?.key ?? '/dev/null') : undefined;
      if (from === to && decision !== undefined) continue;
      moves.push({
        domain,
        recipients,
        from,
        to,
        isBlocked: destination?.isBlocked(now) ?? false,
        willBeBlocked: this.#scheduler.destinations.get(to as DestinationKey)?.isBlocked(now) ?? false,
      });
    }
    return moves;
  }
}

function someDomains(bindings: Iterable<Binding>): readonly string[] {
  const domains: string[] = [];
  for (const { domain } of bindings) {
    if (domains.length >= DOMAINS_SHOWN) break;
    domains.push(domain);
  }
  return domains;
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

function domainOfView({ forwardPath }: WaitingRecipientView): string {
  return domainOf(forwardPath as Parameters<typeof domainOf>[0]);
}

function readToken(token: string | undefined): { readonly partition: number; readonly offset: number } {
  const [partition = '0', offset = '0'] = token?.split('.') ?? [];
  return { partition: Number(partition) || 0, offset: Number(offset) || 0 };
}
