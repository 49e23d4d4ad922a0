import { ConcurrencyWindow, wantsConnection } from '@mailyard/delivery-rules';
import { DeliveryConnection } from './delivery-connection.ts';
import { type HostFailure, openConnection, type Opened, OURS_AGAIN_MS, tellOnce } from './opening.ts';
import { type OpeningSlot, PATIENT_MS } from './opening-slots.ts';
import type { Parcel } from '../destinations/parcel.ts';
import type { PoolHome, PoolTools } from './pool-home.ts';

/** After an opening that led to nothing, the next one waits at least this long. */
export const REOPEN_MS = 1_000;
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

/**
 * The connections of one destination: those that are open, those in opening, and whether there may and should be more
 * (R104, R105). Never more than its window, its terms and the budget of the worker allow.
 */
export class ConnectionPool {
  readonly connections: DeliveryConnection[] = [];
  /** Something was made ready that was never tried, since an opening ended last. */
  hasFresh = false;
  readonly #home: PoolHome;
  readonly #tools: PoolTools;
  readonly #window: ConcurrencyWindow;
  #openings: readonly Opening[] = [];
  /** Openings begun: hosts that are equal take turns. */
  #turn = 0;
  /** No opening before this instant, in steady wall time. */
  #openAfter = 0;
  #isInLine = false;
  #answers = false;
  /** How long a transaction takes on average; undefined before the first. */
  #transactionMs: number | undefined;

  constructor(home: PoolHome, tools: PoolTools) {
    this.#home = home;
    this.#tools = tools;
    this.#window = new ConcurrencyWindow(home.terms.maxConnections);
  }

  /** Whether no connection is open or in opening. */
  get isEmpty(): boolean {
    return this.size === 0;
  }

  /** Those that are open or in opening. */
  get size(): number {
    return this.connections.length + this.#openings.length;
  }

  /** Of these, those that have something to do. */
  get busy(): number {
    let busy = this.#openings.length;
    for (const { load } of this.connections) if (load > 0) busy += 1;
    return busy;
  }

  /** Whether the last opening led to a connection. */
  get answers(): boolean {
    return this.#answers;
  }

  /** Whether it waits for its turn to open one. */
  get isInLine(): boolean {
    return this.#isInLine;
  }

  /** What is on its connections, or waits for one that is opened for it. */
  *parcels(): Iterable<Parcel> {
    for (const { parcel } of this.#openings) if (parcel !== undefined) yield parcel;
    for (const connection of this.connections) yield* connection.parcels();
  }

  /**
   * A connection with room for so many transactions: one without work, else one that has one under way.
   *
   * @param suits which connections come into question, if not all do
   */
  free(
    transactions: number,
    now: number,
    suits?: (connection: DeliveryConnection) => boolean,
  ): DeliveryConnection | undefined {
    let found: DeliveryConnection | undefined;
    for (const connection of this.connections) {
      if (!connection.takes(transactions, now) || (suits !== undefined && !suits(connection))) continue;
      if (connection.load === 0) return connection;
      found ??= connection;
    }
    return found;
  }

  /** Closes those without work: what they may still carry is too little, and they make room for a new one. */
  retireIdle(): void {
    for (const connection of this.connections.slice()) if (connection.load === 0) void connection.close();
  }

  // ---- opening

  get mayOpen(): boolean {
    const { budget, tools } = this.#tools;
    return budget.used < budget.limit && this.size < this.#window.size && tools.now() >= this.#openAfter;
  }

  /** Whether one more should be opened (R105) for so many transactions that wait. */
  wantsMore(waiting: number, monotonic: number): boolean {
    if (!this.mayOpen) return false;
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
      waiting,
      messagesPerConnection: this.#home.messagesPerConnection,
      transactionMs: this.#transactionMs,
      window: this.#window.size,
    });
  }

  /**
   * Begins to open one. False when it must wait for that: the destination is told to pump again.
   *
   * @param parcel what it is for, if it may not go over just any
   */
  open(parcel: Parcel | undefined): boolean {
    const { context, tools, budget, random } = this.#tools;
    const { settings } = context;
    const { target, domain, terms, authProfile } = this.#home;
    const { monotonic } = context.clock.now();
    if (!this.#home.mayHave(this.size + 1, this.#window.size)) return false;
    const slot = this.#answers ? undefined : budget.slots.take(this.#home, this.hasFresh, monotonic);
    this.#isInLine = !this.#answers && slot === undefined;
    if (this.#isInLine) return false;
    const opening: Opening = { startedAt: monotonic, parcel, slot, isOutdated: false };
    this.#openings = [...this.#openings, opening];
    budget.used += 1;
    const credentials = authProfile === undefined ? undefined : context.credentials?.of(authProfile);
    const gateway = this.#home.gateway === undefined ? undefined : context.gateways.of(this.#home.gateway);
    const failure = this.#missing(credentials !== undefined, gateway !== undefined);
    if (failure !== undefined) {
      const until = tools.now() + OURS_AGAIN_MS;
      queueMicrotask(() => this.#opened(opening, { kind: 'unreachable', until, failure, overloaded: false }));
      return true;
    }
    this.#turn += 1;
    void openConnection(tools, {
      target,
      domain,
      plan: {
        turn: this.#turn - 1,
        random: Array.from({ length: 8 }, random),
        ipPreference: terms.ipPreference,
        ...(gateway === undefined ? {} : { gateway }),
      },
      relayOptions: {
        heloName: gateway?.heloName ?? settings.hostname,
        tls: terms.tls,
        certificateNames: this.#home.certificateNames,
        ...(credentials === undefined ? {} : { credentials }),
      },
      dane: terms.dane,
      mtaSts: terms.mtaSts,
      tlsState: (host) => this.#home.tlsState(host),
      tlsAlarm: settings.tlsAlarm,
      authProfile,
      tried: parcel?.walk?.tried ?? [],
      preferredHost: parcel?.preferredHost,
      openConnections: (host) => this.connections.filter((connection) => connection.hostKey === host).length,
      planned: (hosts) => this.#home.planned(hosts),
    }).then((opened) => this.#opened(opening, opened));
    return true;
  }

  /** What this machine lacks to open one as it must be: never unauthenticated (R152), never from another address (R147). */
  #missing(hasCredentials: boolean, hasGateway: boolean): HostFailure | undefined {
    const { key: host, authProfile, gateway } = this.#home;
    if (authProfile !== undefined && !hasCredentials) {
      const reply = { code: 454, enhancedStatus: '4.7.0', text: `profile ${authProfile} cannot be read` } as const;
      return { reply, stage: 'auth', host };
    }
    if (gateway === undefined || hasGateway) return undefined;
    const text = `virtual gateway ${gateway} is not in the settings of ${this.#tools.context.worker}`;
    tellOnce(this.#tools.tools.told, gateway, { kind: 'alarm', name: 'gateway-unknown', detail: text });
    return { reply: { code: 451, enhancedStatus: '4.3.5', text }, stage: 'connect', host };
  }

  #opened(opening: Opening, opened: Opened): void {
    const { context, tools, budget } = this.#tools;
    const { parcel, slot, isOutdated } = opening;
    this.#openings = this.#openings.filter((other) => other !== opening);
    this.#answers = opened.kind === 'connected';
    const { monotonic } = context.clock.now();
    if (slot !== undefined) {
      budget.slots.ended(slot, this.#answers, monotonic);
      if (this.#answers && !this.hasFresh) budget.line.giveBack();
    }
    this.hasFresh = false;
    if (opened.kind === 'connected') {
      this.#openAfter = 0;
      const connection = new DeliveryConnection(opened.connection, this.#home, monotonic);
      this.connections.push(connection);
      this.#home.connected(connection, parcel, isOutdated);
    } else {
      budget.used -= 1;
      if (!isOutdated) {
        if (opened.kind !== 'exhausted') this.#openAfter = tools.now() + REOPEN_MS;
        if (opened.kind === 'unreachable' && opened.overloaded) this.#window.troubled();
      }
      this.#home.notConnected(isOutdated ? undefined : opened, parcel);
    }
    this.#home.pump();
  }

  /** The next opening need not wait for the last one that led to nothing. */
  openAtOnce(): void {
    this.#openAfter = 0;
  }

  /** Has as many as to begin with, and the next at once (R210). */
  startAfresh(): void {
    this.#openAfter = 0;
    this.#window.reset();
  }

  // ---- what its connections have come to

  /** A transaction has ended; `isWell`: the host has shown no trouble. */
  transactionEnded(tookMs: number, isWell: boolean): void {
    this.#transactionMs =
      this.#transactionMs === undefined ? tookMs : this.#transactionMs * (1 - WEIGHT) + tookMs * WEIGHT;
    if (isWell) this.#window.succeeded();
    else this.#window.troubled();
  }

  /** Whether another one leads to the same host. */
  hasOtherLike(connection: DeliveryConnection): boolean {
    return this.connections.some((other) => other !== connection && other.hostKey === connection.hostKey);
  }

  /** It has closed. False when it was not there any more. */
  remove(connection: DeliveryConnection): boolean {
    const index = this.connections.indexOf(connection);
    if (index < 0) return false;
    this.connections.splice(index, 1);
    this.#tools.budget.used -= 1;
    return true;
  }

  // ---- having fewer

  /** By the second: nothing waits behind a transaction that takes long, and none stays idle for too long. */
  tick(monotonic: number): void {
    const { idleConnectionMs } = this.#tools.context.settings;
    for (const connection of this.connections.slice()) {
      if (connection.load > 1 && connection.isSlow(monotonic)) connection.yieldQueue();
      if (connection.load > 0) continue;
      if (connection.isRetired || monotonic - connection.idleSince >= idleConnectionMs) void connection.close();
    }
  }

  /** So many are allowed from now on. */
  limitTo(most: number): void {
    this.#window.limit = most;
  }

  /** Closes those beyond so many once what they send has ended: first those that end anyway, then those without work. */
  closeBeyond(most: number): void {
    const order = ({ isRetired, load }: DeliveryConnection): number => (isRetired ? -1 : load);
    const surplus = Math.max(0, this.connections.length - most);
    for (const one of this.connections.toSorted((a, b) => order(a) - order(b)).slice(0, surplus)) void one.close();
  }

  /** No connection that is there is used any more, nor one that is about to be. */
  outdate(): void {
    for (const opening of this.#openings) opening.isOutdated = true;
    this.closeBeyond(0);
  }

  /** Cuts off what is still being sent. */
  async cut(): Promise<void> {
    await Promise.all(this.connections.slice().map((connection) => connection.close(true)));
  }
}
