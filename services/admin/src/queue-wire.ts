/** What owners say of their queues, between core and wire. */
import {
  type CensusResponse,
  type Destination,
  HostState,
  type Ledger,
  type WaitingRecipient,
} from '@mailyard/contracts/queue';
import type { Reply as WireReply } from '@mailyard/contracts/records';
import type { QueueDestination, QueueRecipient, WaitingCensus } from '@mailyard/delivery-rules';
import type { Address, Domain, EnhancedStatus, Reply } from '@mailyard/mail';
import type { MessageId } from '@mailyard/queue';
import { wireReply } from './tracking/trace-event.ts';
import type { LedgerSums } from './tracking/tracking-store.ts';

type State = QueueDestination['state'];

const TO_WIRE: Readonly<Record<State, HostState>> = {
  unknown: HostState.HOST_STATE_UNSPECIFIED,
  up: HostState.HOST_STATE_UP,
  down: HostState.HOST_STATE_DOWN,
};

function stateOf(state: HostState): State {
  if (state === HostState.HOST_STATE_UP) return 'up';
  return state === HostState.HOST_STATE_DOWN ? 'down' : 'unknown';
}

export function writeDestination(destination: QueueDestination): Destination {
  const { state, hosts, domains, nextAttemptAt, oldestAt, lastReply, ...figures } = destination;
  return {
    ...figures,
    domains: [...domains],
    state: TO_WIRE[state],
    hosts: hosts.map(({ host, state: of, downUntil }) => ({ host, state: TO_WIRE[of], downUntil })),
    ...(nextAttemptAt === undefined ? {} : { nextAttemptAt }),
    ...(oldestAt === undefined ? {} : { oldestAt }),
    ...(lastReply === undefined ? {} : { lastReply: wireReply(lastReply) }),
  };
}

export function readDestination(wire: Destination): QueueDestination {
  const { destination, domains, domainCount, waiting, underway, connections } = wire;
  const { delivered, softBounced, hardBounced, nextAttemptAt, oldestAt, lastReply, maxConnections } = wire;
  return {
    destination,
    domains,
    domainCount,
    waiting,
    underway,
    connections,
    ...(maxConnections === undefined ? {} : { maxConnections }),
    delivered,
    softBounced,
    hardBounced,
    nextAttemptAt,
    oldestAt,
    state: stateOf(wire.state),
    hosts: wire.hosts.map(({ host, state, downUntil }) => ({ host, state: stateOf(state), downUntil })),
    lastReply: lastReply === undefined ? undefined : readReply(lastReply),
  };
}

function readReply({ code, enhancedStatus, text }: WireReply): Reply {
  return { code, text, ...(enhancedStatus === undefined ? {} : { enhancedStatus: enhancedStatus as EnhancedStatus }) };
}

export function writeRecipient({ reversePath, lastHost, ...recipient }: QueueRecipient): WaitingRecipient {
  return {
    ...recipient,
    ...(reversePath === null ? {} : { reversePath }),
    ...(lastHost === undefined ? {} : { lastHost }),
  };
}

export function readRecipient({ reversePath, message, lastHost, ...wire }: WaitingRecipient): QueueRecipient {
  return {
    ...wire,
    message: message as MessageId,
    reversePath: (reversePath as Address | undefined) ?? null,
    lastHost,
  };
}

export function writeLedger(sums: LedgerSums): Ledger {
  const { accepted, delivered, bounced, expired, dropped, removed, waiting, outcomeUnknown, untracked } = sums;
  return { accepted, delivered, bounced, expired, dropped, removed, waiting, outcomeUnknown, untracked };
}

const CENSUS_PIECE = 10_000;

/** A census in pieces that a message may hold. */
export function* writeCensus({
  version,
  moving,
  silentOwners,
  ...census
}: WaitingCensus & { readonly silentOwners: readonly string[] }): Iterable<CensusResponse> {
  const waiting = census.waiting[Symbol.iterator]();
  const blocked = census.blocked[Symbol.iterator]();
  const hosts = census.hosts[Symbol.iterator]();
  for (let isFirst = true; ; isFirst = false) {
    const piece = { waiting: take(waiting), blocked: take(blocked), hosts: take(hosts) };
    if (!isFirst && piece.waiting.length + piece.blocked.length + piece.hosts.length === 0) return;
    yield {
      version,
      moving,
      waiting: piece.waiting.map(([domain, recipients]) => ({ domain, recipients })),
      blocked: piece.blocked,
      hosts: piece.hosts.map(({ key, state, downUntil }) => ({ host: key, state: TO_WIRE[state], downUntil })),
      silentOwners: [...silentOwners],
    };
  }
}

/** What comes next of a list, as much of it as a piece holds. */
function take<T>(from: Iterator<T>): T[] {
  const taken: T[] = [];
  while (taken.length < CENSUS_PIECE) {
    const { done, value } = from.next();
    if (done === true) break;
    taken.push(value);
  }
  return taken;
}

export function readCensus(pieces: readonly CensusResponse[]): WaitingCensus {
  return {
    version: pieces[0]?.version ?? 0,
    moving: pieces[0]?.moving ?? 0,
    waiting: pieces.flatMap(({ waiting }) =>
      waiting.map(({ domain, recipients }) => [domain as Domain, recipients] as const),
    ),
    blocked: pieces.flatMap(({ blocked }) => blocked),
    hosts: pieces.flatMap(({ hosts }) =>
      hosts.map(({ host, state, downUntil }) => ({
        key: host,
        state: state === HostState.HOST_STATE_DOWN ? ('down' as const) : ('up' as const),
        downUntil,
      })),
    ),
  };
}
