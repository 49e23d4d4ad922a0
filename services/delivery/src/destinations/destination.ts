import {
  certificateNames,
  type DestinationFault,
  type DeliveryTerms,
  type DestinationKey,
  type Host,
  type RecipientCount,
  RecipientLimit,
  replyOfFault,
} from '@mailyard/delivery-rules';
import { type AddressLiteral, type Domain, type Reply, type ReversePath, tagSender } from '@mailyard/mail';
import type { OpenEnvelope } from '@mailyard/queue';
import type { RouteTarget } from '@mailyard/smtp-routes';
import type { Binding } from './binding.ts';
import { ConnectionPool, REOPEN_MS } from '../connections/connection-pool.ts';
import type { DeliveryConnection } from '../connections/delivery-connection.ts';
import { DestinationHosts } from './destination-hosts.ts';
import { handOut } from '../connections/hand-out.ts';
import type { HostFailure, Opened } from '../connections/opening.ts';
import type { Parcel } from './parcel.ts';
import type { PoolHome, PoolTools } from '../connections/pool-home.ts';
import { ReadyParcels } from './ready-parcels.ts';
import type { Settlement } from '../outcomes/settle.ts';
import type { LimitUser, SharedLimits } from '../connections/shared-limits.ts';
import { SmallSet } from './small-set.ts';

/** What a destination tells the scheduler. */
export interface DestinationEvents {
  /** No host takes a connection before `until`: these wait. */
  putOff(destination: Destination, parcels: readonly Parcel[], until: number, failure: HostFailure): void;
  /** There is no such destination (R63). */
  bounce(destination: Destination, parcels: readonly Parcel[], faults: readonly DestinationFault[]): void;
  /** No other host is left for a parcel that failed at some: its last failure stands. */
  exhausted(parcel: Parcel): void;
  /** It takes connections again, or there is room in its ready queue. */
  hasRoom(destination: Destination): void;
  cameBack(destination: Destination): void;
  /** From now on it waits for its hosts, or no longer does. */
  blocked(destination: Destination): void;
  unblocked(destination: Destination): void;
}

/** What all destinations share. */
export interface DestinationTools extends PoolTools {
  readonly events: DestinationEvents;
  /** Absent where there is one worker. */
  readonly limits: SharedLimits | undefined;
}

/**
 * Where mail with one key goes (R100 to R107): it hands what is ready to its connections, within the limits of its
 * terms, and tells the scheduler what becomes of mail that finds no host.
 */
export class Destination implements PoolHome, LimitUser {
  readonly key: DestinationKey;
  readonly target: Exclude<RouteTarget, { kind: 'null' }>;
  /** The recipient domain, where the DNS leads the way. */
  readonly domain: Domain | AddressLiteral;
  readonly gateway: string | undefined;
  readonly hosts: DestinationHosts;
  /** Domains that lead here, and those of them that wait for room. */
  readonly bindings = new SmallSet<Binding>();
  readonly held = new SmallSet<Binding>();
  readonly counts = { delivered: 0, softBounced: 0, hardBounced: 0 };
  lastReply: Reply | undefined;
  /** When it last had something to do, by the monotonic clock. */
  usedAt: number;
  readonly #tools: DestinationTools;
  readonly #ready = new ReadyParcels();
  readonly #pool: ConnectionPool;
  /** Limits and bounce profile, the same for all domains that lead here (A9). */
  #terms: DeliveryTerms;
  #recipients: RecipientCount | undefined;

  constructor(
    key: DestinationKey,
    target: Exclude<RouteTarget, { kind: 'null' }>,
    domain: Domain | AddressLiteral,
    gateway: string | undefined,
    terms: DeliveryTerms,
    tools: DestinationTools,
  ) {
    this.key = key;
    this.target = target;
    this.domain = domain;
    this.gateway = gateway;
    this.#terms = terms;
    this.#tools = tools;
    this.#recipients = this.#countOf(terms);
    this.hosts = new DestinationHosts(key, gateway, tools.tools.hosts);
    this.hosts.demandTls(terms);
    this.#pool = new ConnectionPool(this, tools);
    this.usedAt = tools.context.clock.now().monotonic;
  }

  // ---- its terms

  get authProfile(): string | undefined {
    return this.target.kind === 'hosts' ? this.target.authProfile : undefined;
  }

  get profile(): PoolHome['profile'] {
    return this.#terms.bounce;
  }

  get countsPossibleDelivery(): boolean {
    return this.#tools.context.settings.possibleDelivery;
  }

  get messagesPerConnection(): number {
    return this.#terms.messagesPerConnection;
  }

  get terms(): DeliveryTerms {
    return this.#terms;
  }

  get certificateNames(): readonly string[] {
    return certificateNames(this.target, this.domain, this.#tools.context.settings.batchBy, this.#terms);
  }

  /** Bounces of mail that our own clients send are to come back to a tagged sender (R140). */
  senderOf({ reversePath, injection }: OpenEnvelope, now: number): ReversePath {
    const { bounceKeys } = this.#tools.context;
    const isTagged = this.#terms.bounceVerification === true && injection.relayed === true;
    if (!isTagged || reversePath === null || bounceKeys === undefined) return reversePath;
    return tagSender(reversePath, now, bounceKeys);
  }

  tlsState(host: Host): string {
    return this.hosts.tlsState(host);
  }

  /** Goes by other terms from now on. What is being sent ends under the ones of before. */
  follow(terms: DeliveryTerms): void {
    const old = this.#terms;
    if (terms === old) return;
    this.#terms = terms;
    this.#pool.limitTo(terms.maxConnections);
    const isOtherTls = terms.tls !== old.tls || terms.dane !== old.dane || terms.mtaSts !== old.mtaSts;
    if (isOtherTls) this.hosts.demandTls(terms);
    const isOtherWay = isOtherTls || terms.ipPreference !== old.ipPreference;
    if (isOtherWay) this.#pool.outdate();
    else this.#pool.closeBeyond(terms.maxConnections);
    // What had no address of one family may have one of the other; a host that was refused may do now.
    if (isOtherWay) this.unblock();
    if (terms.recipients?.most === old.recipients?.most && terms.recipients?.windowMs === old.recipients?.windowMs)
      return;
    const wasBegun = this.#recipients?.isBegun === true;
    this.#recipients = this.#countOf(terms);
    if (wasBegun) this.unblock();
  }

  #countOf({ recipients }: DeliveryTerms): RecipientCount | undefined {
    if (recipients === undefined) return undefined;
    return this.#tools.limits?.recipients(this, recipients) ?? new RecipientLimit(recipients);
  }

  /** Recipients of one parcel at most; undefined where they are not counted. */
  get recipientsAtOnce(): number | undefined {
    return this.#recipients?.atOnce;
  }

  mayHave(connections: number, window: number): boolean {
    const { limits } = this.#tools;
    if (limits === undefined) return true;
    const waiting = this.held.size > 0 ? Infinity : this.#ready.transactions;
    return limits.mayHave(this, connections, Math.min(window, this.#pool.busy + waiting));
  }

  /** No connection is used on that authenticated as before, nor one that is about to. */
  credentialsChanged(): void {
    this.#pool.outdate();
  }

  // ---- how much it has

  get connections(): readonly DeliveryConnection[] {
    return this.#pool.connections;
  }

  get inUse(): number {
    return this.#pool.size;
  }

  get busy(): number {
    return this.#pool.busy;
  }

  /** Transactions that are ready. */
  get readyCount(): number {
    return this.#ready.transactions;
  }

  /**
   * Whether nothing more is to be made ready. While it is not known to answer, one transaction that was tried before is
   * enough to open a connection for: there may be very many such destinations.
   */
  isFull(isFresh: boolean): boolean {
    const isPromising = this.#pool.answers || (isFresh && !this.#pool.isInLine);
    return this.#ready.transactions >= (isPromising ? this.#tools.context.settings.readyLimit : 1);
  }

  /** Whether it is not known to answer, and nothing has begun to find that out. */
  isQuiet(now: number): boolean {
    return !this.#pool.answers && !this.isLive && !this.hosts.isBlocked(now);
  }

  /** Whether something is ready or under way. */
  get isLive(): boolean {
    return this.#ready.transactions > 0 || !this.#pool.isEmpty;
  }

  /** Whether nothing is ready, under way, held or counted: it may be forgotten, but for what it waits for. */
  isIdle(now: number): boolean {
    return !this.isLive && this.held.size === 0 && this.#recipients?.isOver(now) !== false;
  }

  hasOtherHost(tried: readonly string[]): boolean {
    return this.hosts.hasOther(tried, this.#tools.tools.now());
  }

  /** What is ready, waits for an opening or is on a connection: for views, in no particular order. */
  *parcels(): Iterable<Pick<Parcel, 'partition' | 'message'>> {
    yield* this.#ready;
    yield* this.#pool.parcels();
  }

  // ---- sending

  push(parcel: Parcel): void {
    this.#pool.hasFresh ||= parcel.isFresh;
    this.#ready.push(parcel);
  }

  /** Takes out what is ready and the test names. */
  extract(test: (parcel: Parcel) => boolean): readonly Parcel[] {
    return this.#ready.extract(test);
  }

  /** Hands what is ready to connections, and opens more if need be. */
  pump(): void {
    const { context, tools, events } = this.#tools;
    if (context.isStopping || this.#ready.transactions === 0) return;
    const now = context.clock.now();
    this.usedAt = now.monotonic;
    const fullUntil = handOut(this.#ready, this.#pool, this.#recipients, now, tools.now);
    // Everything waits for the next window (R140).
    if (fullUntil > 0 && this.#recipients !== undefined) this.#block(fullUntil, limitReached(this.#recipients));
    // Where domains are held back there is more than can be ready at once.
    const waiting = this.held.size > 0 ? Infinity : this.#ready.transactions;
    while (this.#ready.size > 0 && this.#pool.wantsMore(waiting, now.monotonic) && this.#pool.open(undefined));
    if (this.held.size > 0 && this.#ready.transactions * 2 <= context.settings.readyLimit) events.hasRoom(this);
  }

  // ---- what becomes of an opening

  planned(hosts: readonly Host[]): void {
    if (this.hosts.blockedUntil !== 0) this.#tools.events.unblocked(this);
    this.hosts.planned = hosts;
  }

  connected(connection: DeliveryConnection, parcel: Parcel | undefined, isOutdated: boolean): void {
    this.hosts.connected();
    if (this.#tools.context.isStopping || isOutdated) {
      if (parcel !== undefined) parcel.partition.putBack(parcel, parcel.sends);
      void connection.close();
      return;
    }
    if (parcel !== undefined) connection.assign(parcel);
    this.unblock();
  }

  notConnected(opened: Exclude<Opened, { kind: 'connected' }> | undefined, parcel: Parcel | undefined): void {
    if (opened === undefined) {
      // What failed with the credentials of before says nothing about those of now.
      this.hosts.forget();
      if (parcel !== undefined) this.push(parcel);
      return;
    }
    if (parcel !== undefined) {
      if (parcel.walk !== undefined && opened.kind !== 'nowhere') this.#tools.events.exhausted(parcel);
      else this.push({ ...parcel, walk: undefined, preferredHost: undefined });
    }
    if (opened.kind === 'exhausted' || !this.#pool.isEmpty) return;
    const now = this.#tools.tools.now();
    if (opened.kind === 'unreachable') this.#block(Math.max(opened.until, now + REOPEN_MS), opened.failure);
    else if (opened.permanent) {
      this.#pool.openAtOnce();
      this.#tools.events.bounce(this, this.#takeAll(), opened.faults);
    } else {
      const fault = opened.faults.find(({ kind }) => kind === 'temporary');
      const reply = replyOfFault(fault?.enhancedStatus ?? '4.4.3', fault?.reason ?? 'the DNS does not answer');
      const failure: HostFailure = { reply, stage: 'resolve', host: this.key };
      this.#block(this.hosts.dnsFailed(failure, now), failure);
    }
  }

  #takeAll(): readonly Parcel[] {
    return this.extract(() => true);
  }

  #block(until: number, failure: HostFailure | undefined): void {
    const { events } = this.#tools;
    const known = this.hosts.block(until, failure);
    this.#pool.openAtOnce();
    events.blocked(this);
    events.putOff(this, this.#takeAll(), until, known);
    events.hasRoom(this);
  }

  /** A host is there again: what was put off is due. */
  unblock(): void {
    if (!this.hosts.unblock()) return;
    this.#tools.events.unblocked(this);
    this.#tools.events.cameBack(this);
  }

  // ---- what connections tell

  settled(connection: DeliveryConnection, settlement: Settlement, tookMs: number): void {
    const { delivered, softBounced, hardBounced, host, lastReply } = settlement;
    this.counts.delivered += delivered;
    this.counts.softBounced += softBounced;
    this.counts.hardBounced += hardBounced;
    this.lastReply = lastReply ?? this.lastReply;
    this.#pool.transactionEnded(tookMs, host === 'up');
    if (host !== 'failed' || lastReply === undefined || this.#pool.hasOtherLike(connection)) return;
    const { hosts, now } = this.#tools.tools;
    hosts.failed(connection.hostKey, lastReply, now());
  }

  available(_connection: DeliveryConnection): void {
    this.pump();
  }

  closed(connection: DeliveryConnection): void {
    if (!this.#pool.remove(connection)) return;
    this.#tools.limits?.closed(this);
    this.pump();
  }

  // ---- by the second, and at the end

  tick(monotonic: number): void {
    this.#pool.tick(monotonic);
    this.pump();
  }

  closeBeyond(most: number): void {
    this.#pool.closeBeyond(most);
  }

  /** An operator wants it tried now, with a fresh start (R210). @param ofAll what was counted counts no more */
  retryNow(ofAll: boolean): void {
    if (ofAll) this.#recipients?.reset();
    this.hosts.forget();
    this.#pool.startAfresh();
    this.unblock();
  }

  /** Starts nothing more; connections close once what they send has ended. */
  drain(): void {
    this.#takeAll();
    this.#pool.closeBeyond(0);
  }

  /** Cuts off what is still being sent. */
  async cut(): Promise<void> {
    await this.#pool.cut();
  }
}

function limitReached({ most, windowMs }: RecipientCount): HostFailure {
  const text = `the destination controls allow ${most} recipients in ${windowMs / 60_000} minutes`;
  return { reply: { code: 451, enhancedStatus: '4.7.1', text }, stage: 'connect', host: '' };
}
