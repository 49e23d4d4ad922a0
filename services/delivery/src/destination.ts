import {
  ConcurrencyWindow,
  type DestinationFault,
  type DeliveryTerms,
  type DestinationKey,
  type Host,
  hostKey,
  ReadyQueue,
  RecipientWindow,
  wantsConnection,
} from '@mailyard/delivery-rules';
import type { AddressLiteral, Domain, Reply } from '@mailyard/mail';
import type { RouteTarget } from '@mailyard/smtp-routes';
import type { Binding } from './binding.ts';
import type { WorkerContext } from './context.ts';
import { type ConnectionHome, DeliveryConnection } from './delivery-connection.ts';
import { type HostFailure, openConnection, type Opened, type OpeningTools } from './opening.ts';
import { type OpeningSlot, type OpeningSlots, PATIENT_MS } from './opening-slots.ts';
import { isParticular, type Parcel } from './parcel.ts';
import type { RetryLine } from './retry-line.ts';
import type { Settlement } from './settle.ts';
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

/** How many connections this worker has, of how many it may have. */
export interface ConnectionBudget {
  used: number;
  readonly limit: number;
  /** For destinations of which it is not known that they answer. */
  readonly slots: OpeningSlots<Destination>;
  readonly line: RetryLine;
}

/** After an opening that led to nothing, the next one waits at least this long. */
const REOPEN_MS = 1_000;
/** The weight of the last transaction in the average. */
const WEIGHT = 0.1;

interface Opening {
  /** Monotonic. */
  readonly startedAt: number;
  /** What it is for, if not for just any. */
  readonly parcel: Parcel | undefined;
  readonly slot: OpeningSlot | undefined;
  /** What it authenticates with is no longer what is to be used. */
  isOutdated: boolean;
}

/** Where mail with one key goes: what is ready for it, and its connections (R100 to R107). */
export class Destination implements ConnectionHome {
  readonly key: DestinationKey;
  readonly target: Exclude<RouteTarget, { kind: 'null' }>;
  /** Limits and bounce profile, the same for all domains that lead here (A9). */
  #terms: DeliveryTerms;
  #recipients: RecipientWindow | undefined;
  /** Until when no more recipients are allowed, once that was met. */
  #fullUntil = 0;
  /** The recipient domain, where the DNS leads the way. */
  readonly domain: Domain | AddressLiteral;
  /** Domains that lead here, and those of them that wait for room. */
  readonly bindings = new SmallSet<Binding>();
  readonly held = new SmallSet<Binding>();
  readonly connections: DeliveryConnection[] = [];
  readonly counts = { delivered: 0, softBounced: 0, hardBounced: 0 };
  lastReply: Reply | undefined;
  /** Not before this instant, in steady wall time; 0 when there is nothing to wait for. */
  blockedUntil = 0;
  lastFailure: HostFailure | undefined;
  /** The hosts of the last plan. */
  hosts: readonly Host[] = [];
  /** When it last had something to do, by the monotonic clock. */
  usedAt: number;
  readonly #ready = new ReadyQueue<Parcel>();
  /** Parcels that may not go over just any connection. */
  #particular: Parcel[] = [];
  #transactions = 0;
  #openings: readonly Opening[] = [];
  readonly #window: ConcurrencyWindow;
  readonly #context: WorkerContext;
  readonly #tools: OpeningTools;
  readonly #budget: ConnectionBudget;
  readonly #events: DestinationEvents;
  readonly #random: () => number;
  #turn = 0;
  #openAfter = 0;
  /** Something is ready that was never tried, or was when it asked for a connection last. */
  #hasFresh = false;
  #isInLine = false;
  /** The last opening led to a connection. */
  #answers = false;
  #transactionMs: number | undefined;

  constructor(
    key: DestinationKey,
    target: Exclude<RouteTarget, { kind: 'null' }>,
    domain: Domain | AddressLiteral,
    terms: DeliveryTerms,
    context: WorkerContext,
    tools: OpeningTools,
    budget: ConnectionBudget,
    events: DestinationEvents,
    random: () => number,
  ) {
    this.key = key;
    this.target = target;
    this.domain = domain;
    this.#terms = terms;
    this.#context = context;
    this.#tools = tools;
    this.#budget = budget;
    this.#events = events;
    this.#random = random;
    this.#window = new ConcurrencyWindow(terms.maxConnections);
    this.usedAt = context.clock.now().monotonic;
  }

  /** The outgoing authentication profile of its entry. */
  get authProfile(): string | undefined {
    return this.target.kind === 'hosts' ? this.target.authProfile : undefined;
  }

  get profile(): ConnectionHome['profile'] {
    return this.#terms.bounce;
  }

  get messagesPerConnection(): number {
    return this.#terms.messagesPerConnection;
  }

  get terms(): DeliveryTerms {
    return this.#terms;
  }

  /** Goes by other terms from now on. What is being sent ends under the ones of before. */
  follow(terms: DeliveryTerms): void {
    const old = this.#terms;
    if (terms === old) return;
    this.#terms = terms;
    this.#window.limit = terms.maxConnections;
    if (terms.tls !== old.tls) this.credentialsChanged();
    else for (const surplus of this.connections.slice(terms.maxConnections)) void surplus.close();
    if (terms.recipients?.most === old.recipients?.most && terms.recipients?.windowMs === old.recipients?.windowMs)
      return;
    if (this.#recipients === undefined) return;
    this.#recipients = undefined;
    this.unblock();
  }

  /** Transactions that are ready. */
  get readyCount(): number {
    return this.#transactions;
  }

  /**
   * Whether nothing more is to be made ready. While it is not known to answer, one transaction that was tried before is
   * enough to open a connection for: there may be very many such destinations.
   */
  isFull(isFresh: boolean): boolean {
    const isPromising = this.#answers || (isFresh && !this.#isInLine);
    return this.#transactions >= (isPromising ? this.#context.settings.readyLimit : 1);
  }

  /** Whether it is not known to answer, and nothing has begun to find that out. */
  isQuiet(now: number): boolean {
    return !this.#answers && !this.isLive && !this.isBlocked(now);
  }

  /** Whether something is ready or under way. */
  get isLive(): boolean {
    return this.#transactions > 0 || this.connections.length > 0 || this.#openings.length > 0;
  }

  isBlocked(now: number): boolean {
    return this.blockedUntil > now;
  }

  /** Whether nothing is ready, under way, held or counted: it may be forgotten, but for what it waits for. */
  isIdle(now: number): boolean {
    return !this.isLive && this.held.size === 0 && this.#recipients?.isOver(now) !== false;
  }

  hasOtherHost(tried: readonly string[]): boolean {
    const now = this.#tools.now();
    return this.hosts.some((host) => {
      const key = hostKey(host);
      return !tried.includes(key) && !(this.#tools.hosts.of(key).downUntil > now);
    });
  }

  push(parcel: Parcel): void {
    this.#transactions += parcel.sends.length;
    this.#hasFresh ||= parcel.isFresh;
    if (isParticular(parcel)) this.#particular.push(parcel);
    else this.#ready.push(parcel);
  }

  /** What is ready, waits for an opening or is on a connection: for views, in no particular order. */
  *parcels(): Iterable<Pick<Parcel, 'partition' | 'message'>> {
    yield* this.#ready;
    yield* this.#particular;
    for (const { parcel } of this.#openings) if (parcel !== undefined) yield parcel;
    for (const connection of this.connections) yield* connection.parcels();
  }

  /** Takes out what is ready and the test names. */
  extract(test: (parcel: Parcel) => boolean): readonly Parcel[] {
    const taken = [...this.#particular.filter(test), ...this.#ready.extract(test)];
    this.#particular = this.#particular.filter((parcel) => !test(parcel));
    for (const { sends } of taken) this.#transactions -= sends.length;
    return taken;
  }

  /** Hands what is ready to connections, and opens more if need be. */
  pump(): void {
    if (this.#context.isStopping || this.#transactions === 0) return;
    const now = this.#context.clock.now();
    this.usedAt = now.monotonic;
    if (this.#particular.length > 0) this.#sendParticular(now.monotonic);
    while (this.#ready.size > 0 && this.#free(1, now.monotonic) !== undefined) {
      const parcel = this.#ready.shift(now.wall)!;
      if (!this.#mayCount(parcel)) {
        this.#ready.unshift(parcel);
        break;
      }
      const connection = this.#free(parcel.sends.length, now.monotonic);
      if (connection === undefined) {
        this.#ready.unshift(parcel);
        this.#retireIdle();
        break;
      }
      this.#count(parcel);
      this.#transactions -= parcel.sends.length;
      connection.assign(parcel);
    }
    if (this.#fullUntil !== 0) this.#waitForWindow();
    while (this.#wantsConnection(now.monotonic) && this.#open(undefined));
    if (this.held.size > 0 && this.#transactions * 2 <= this.#context.settings.readyLimit) this.#events.hasRoom(this);
  }

  /** Whether the limit of recipients leaves room for a parcel; if not, everything waits for the next window (R140). */
  #mayCount(parcel: Parcel): boolean {
    const { recipients } = this.#terms;
    if (recipients === undefined || this.#recipients === undefined) return true;
    const until = this.#recipients.freeAt(recipientsOf(parcel), recipients.most, this.#tools.now());
    if (until === 0) return true;
    this.#fullUntil = until;
    return false;
  }

  #waitForWindow(): void {
    const { recipients } = this.#terms;
    const until = this.#fullUntil;
    this.#fullUntil = 0;
    if (recipients !== undefined) this.#block(until, limitReached(recipients.most, recipients.windowMs));
  }

  #count(parcel: Parcel): void {
    const { recipients } = this.#terms;
    if (recipients === undefined) return;
    this.#recipients ??= new RecipientWindow();
    this.#recipients.take(recipientsOf(parcel), recipients.windowMs, this.#tools.now());
  }

  /** A connection with room for so many transactions: one without work, else one that has one under way. */
  #free(
    transactions: number,
    now: number,
    allows: (connection: DeliveryConnection) => boolean = () => true,
  ): DeliveryConnection | undefined {
    let found: DeliveryConnection | undefined;
    for (const connection of this.connections) {
      if (!connection.takes(transactions, now) || !allows(connection)) continue;
      if (connection.load === 0) return connection;
      found ??= connection;
    }
    return found;
  }

  /** The splinters of a message go down one connection (R105): those with too little left make room for a new one. */
  #retireIdle(): void {
    for (const connection of this.connections.slice()) if (connection.load === 0) void connection.close();
  }

  #sendParticular(now: number): void {
    const left: Parcel[] = [];
    let opened = false;
    for (const parcel of this.#particular) {
      const isCounted = this.#mayCount(parcel);
      const connection = isCounted
        ? this.#free(parcel.sends.length, now, (candidate) => suits(parcel, candidate))
        : undefined;
      if (connection !== undefined) {
        this.#count(parcel);
        this.#transactions -= parcel.sends.length;
        connection.assign(parcel);
      } else if (
        isCounted &&
        !opened &&
        this.#mayOpen() &&
        !this.connections.some((candidate) => suits(parcel, candidate))
      ) {
        opened = true;
        if (this.#open(parcel)) {
          this.#count(parcel);
          this.#transactions -= parcel.sends.length;
        } else left.push(parcel);
      } else {
        left.push(parcel);
      }
    }
    this.#particular = left;
  }

  #mayOpen(): boolean {
    return (
      this.#budget.used < this.#budget.limit &&
      this.connections.length + this.#openings.length < this.#window.size &&
      this.#tools.now() >= this.#openAfter
    );
  }

  #wantsConnection(monotonic: number): boolean {
    if (this.#ready.size === 0 || !this.#mayOpen()) return false;
    let busy = 0;
    let idle = 0;
    for (const connection of this.connections) {
      // What waits does not wait for one whose transaction takes long: it will not come back for its share.
      if (connection.isRetired || connection.isSlow(monotonic)) continue;
      if (connection.load === 0 && connection.takes(1, monotonic)) idle += 1;
      else busy += 1;
    }
    for (const { startedAt } of this.#openings) if (monotonic - startedAt < PATIENT_MS) busy += 1;
    // One shows whether there is anybody.
    if (!this.#answers && busy > 0) return false;
    return wantsConnection({
      busy,
      idle,
      // Where domains are held back there is more than can be ready at once.
      waiting: this.held.size > 0 ? Infinity : this.#transactions,
      messagesPerConnection: this.messagesPerConnection,
      transactionMs: this.#transactionMs,
      window: this.#window.size,
    });
  }

  /** False when it must wait in line for that: it is told to pump again. */
  #open(parcel: Parcel | undefined): boolean {
    const { monotonic } = this.#context.clock.now();
    const slot = this.#answers ? undefined : this.#budget.slots.take(this, this.#hasFresh, monotonic);
    this.#isInLine = !this.#answers && slot === undefined;
    if (this.#isInLine) return false;
    const opening: Opening = { startedAt: monotonic, parcel, slot, isOutdated: false };
    this.#openings = [...this.#openings, opening];
    this.#budget.used += 1;
    const { settings } = this.#context;
    const profile = this.authProfile;
    const credentials = profile === undefined ? undefined : this.#context.credentials?.of(profile);
    if (profile !== undefined && credentials === undefined) {
      // Never sent unauthenticated (R152).
      const reply = { code: 454, enhancedStatus: '4.7.0', text: `profile ${profile} cannot be read` } as const;
      const failure: HostFailure = { reply, stage: 'auth', host: this.key };
      const until = this.#tools.now() + 60_000;
      queueMicrotask(() => this.#opened(opening, { kind: 'unreachable', until, failure, overloaded: false }, parcel));
      return true;
    }
    this.#turn += 1;
    void openConnection(this.#tools, {
      target: this.target,
      domain: this.domain,
      plan: {
        turn: this.#turn - 1,
        random: Array.from({ length: 8 }, this.#random),
        ipPreference: settings.ipPreference,
      },
      relayOptions: {
        heloName: settings.hostname,
        tls: this.#terms.tls,
        ...(credentials === undefined ? {} : { credentials }),
      },
      authProfile: profile,
      tried: parcel?.walk?.tried ?? [],
      preferredHost: parcel?.preferredHost,
      openConnections: (host) => this.connections.filter((connection) => connection.hostKey === host).length,
      planned: (hosts) => {
        if (this.blockedUntil !== 0) this.#events.unblocked(this);
        this.hosts = hosts;
      },
    }).then((opened) => this.#opened(opening, opened, parcel));
    return true;
  }

  #opened(opening: Opening, opened: Opened, parcel: Parcel | undefined): void {
    this.#openings = this.#openings.filter((other) => other !== opening);
    this.#answers = opened.kind === 'connected';
    if (opening.slot !== undefined) {
      this.#budget.slots.ended(opening.slot, this.#answers, this.#context.clock.now().monotonic);
      if (this.#answers && !this.#hasFresh) this.#budget.line.giveBack();
    }
    this.#hasFresh = false;
    if (opened.kind === 'connected') this.#connected(opened.connection, parcel, opening.isOutdated);
    else {
      this.#budget.used -= 1;
      if (opening.isOutdated) this.#failedBefore(parcel);
      else this.#notConnected(opened, parcel);
    }
    this.pump();
  }

  #connected(relay: DeliveryConnection['relay'], parcel: Parcel | undefined, isOutdated: boolean): void {
    const connection = new DeliveryConnection(relay, this, this.#context.clock.now().monotonic);
    this.connections.push(connection);
    this.#openAfter = 0;
    this.lastFailure = undefined;
    if (this.#context.isStopping || isOutdated) {
      if (parcel !== undefined) this.#giveBack(parcel);
      void connection.close();
      return;
    }
    if (parcel !== undefined) connection.assign(parcel);
    this.unblock();
  }

  /** What failed with the credentials of before says nothing about those of now. */
  #failedBefore(parcel: Parcel | undefined): void {
    this.#forgetHosts();
    if (parcel !== undefined) this.push(parcel);
  }

  #notConnected(opened: Exclude<Opened, { kind: 'connected' }>, parcel: Parcel | undefined): void {
    const now = this.#tools.now();
    if (parcel !== undefined) {
      if (parcel.walk !== undefined && opened.kind !== 'nowhere') this.#events.exhausted(parcel);
      else this.push({ ...parcel, walk: undefined, preferredHost: undefined });
    }
    if (opened.kind === 'exhausted') return;
    const isAlone = this.connections.length === 0 && this.#openings.length === 0;
    this.#openAfter = now + REOPEN_MS;
    if (opened.kind === 'unreachable') {
      if (opened.overloaded) this.#window.troubled();
      if (isAlone) this.#block(Math.max(opened.until, now + REOPEN_MS), opened.failure);
      return;
    }
    if (!isAlone) return;
    if (opened.permanent) {
      this.#openAfter = 0;
      this.#events.bounce(
        this,
        this.extract(() => true),
        opened.faults,
      );
      return;
    }
    // The DNS does not say: waited for like for a host (R63, R76).
    const reason = opened.faults[0]?.reason ?? 'the DNS does not answer';
    const failure: HostFailure = {
      reply: { code: 451, enhancedStatus: '4.4.3', text: reason },
      stage: 'resolve',
      host: this.key,
    };
    const state = `dns ${this.key}`;
    this.#tools.hosts.failed(state, failure.reply, now);
    this.#block(this.#tools.hosts.of(state).downUntil, failure);
  }

  #block(until: number, failure: HostFailure | undefined): void {
    this.blockedUntil = until;
    this.#openAfter = 0;
    const known = failure ?? this.lastFailure ?? NO_HOST;
    this.lastFailure = known;
    this.#events.blocked(this);
    this.#events.putOff(
      this,
      this.extract(() => true),
      until,
      known,
    );
    this.#events.hasRoom(this);
  }

  /** A host is there again: what was put off is due. */
  unblock(): void {
    if (this.blockedUntil === 0) return;
    this.blockedUntil = 0;
    this.#events.unblocked(this);
    this.#tools.hosts.forget(`dns ${this.key}`);
    this.#events.cameBack(this);
  }

  #giveBack(parcel: Parcel): void {
    parcel.partition.putBack(parcel, parcel.sends);
  }

  // ---- what connections tell

  settled(connection: DeliveryConnection, settlement: Settlement, tookMs: number): void {
    const { delivered, softBounced, hardBounced, host } = settlement;
    this.counts.delivered += delivered;
    this.counts.softBounced += softBounced;
    this.counts.hardBounced += hardBounced;
    this.lastReply = settlement.lastReply ?? this.lastReply;
    this.#transactionMs =
      this.#transactionMs === undefined ? tookMs : this.#transactionMs * (1 - WEIGHT) + tookMs * WEIGHT;
    if (host === 'up') {
      this.#window.succeeded();
      return;
    }
    this.#window.troubled();
    const others = this.connections.some((other) => other !== connection && other.hostKey === connection.hostKey);
    if (host === 'failed' && !others && settlement.lastReply !== undefined)
      this.#tools.hosts.failed(connection.hostKey, settlement.lastReply, this.#tools.now());
  }

  available(_connection: DeliveryConnection): void {
    this.pump();
  }

  closed(connection: DeliveryConnection): void {
    const index = this.connections.indexOf(connection);
    if (index < 0) return;
    this.connections.splice(index, 1);
    this.#budget.used -= 1;
    this.pump();
  }

  // ---- by the second, and at the end

  tick(monotonic: number): void {
    const { idleConnectionMs } = this.#context.settings;
    for (const connection of this.connections.slice()) {
      if (connection.load > 1 && connection.isSlow(monotonic)) connection.yieldQueue();
      if (connection.load > 0) continue;
      if (connection.isRetired || monotonic - connection.idleSince >= idleConnectionMs) void connection.close();
    }
    this.pump();
  }

  /** An operator wants it tried now, with a fresh start (R210). */
  retryNow(): void {
    this.#forgetHosts();
    this.#openAfter = 0;
    this.#window.reset();
    this.unblock();
  }

  #forgetHosts(): void {
    for (const host of this.hosts) this.#tools.hosts.forget(hostKey(host));
  }

  /** No connection is used on that authenticated as before, nor one that is about to. */
  credentialsChanged(): void {
    for (const opening of this.#openings) opening.isOutdated = true;
    for (const connection of this.connections.slice()) void connection.close();
  }

  /** Starts nothing more; connections close once what they send has ended. */
  drain(): void {
    this.extract(() => true);
    for (const connection of this.connections.slice()) void connection.close();
  }

  /** Cuts off what is still being sent. */
  async cut(): Promise<void> {
    await Promise.all(this.connections.slice().map((connection) => connection.close(true)));
  }
}

const NO_HOST: HostFailure = {
  reply: { code: 451, enhancedStatus: '4.4.1', text: 'no host takes a connection' },
  stage: 'connect',
  host: '',
};

function recipientsOf({ sends }: Parcel): number {
  return sends.reduce((sum, { recipients }) => sum + recipients.length, 0);
}

function limitReached(most: number, windowMs: number): HostFailure {
  const text = `the destination controls allow ${most} recipients in ${windowMs / 60_000} minutes`;
  return { reply: { code: 451, enhancedStatus: '4.7.1', text }, stage: 'connect', host: '' };
}

function suits({ walk, preferredHost }: Parcel, { hostKey, hostText }: DeliveryConnection): boolean {
  return walk === undefined ? hostText === preferredHost : !walk.tried.includes(hostKey);
}
