import {
  type DeliveryTerms,
  type DestinationKey,
  LEASE_MS,
  LEASE_TRUSTED_MS,
  type LimitAnswer,
  type LimitBoard,
  type LimitStanding,
  RecipientLease,
  type RecipientStatement,
  SlotLease,
  type SlotStatement,
  staticShare,
} from '@mailyard/delivery-rules';
import { steadyNow, type WorkerContext } from '../context.ts';

/** Limits that go into one exchange. */
const MOST_AT_ONCE = 500;
/** How long workers have a slot in turn where there are fewer than workers. */
const TURN_MS = 5_000;

/** Who goes by a shared limit: a destination. It is told when it may do more. */
export interface LimitUser {
  readonly key: DestinationKey;
  readonly terms: DeliveryTerms;
  /** Connections that are open or being opened; of these, those with something to do. */
  readonly inUse: number;
  readonly busy: number;
  readonly readyCount: number;
  pump(): void;
  /** Closes connections beyond so many once what they send has ended. */
  closeBeyond(most: number): void;
  /** What waits for the next window need not any more. */
  unblock(): void;
}

/** How many partitions a worker owns, of how many. */
export interface PartitionShare {
  readonly owned: number;
  readonly all: number;
}

/**
 * The limits of destination controls that all workers share (R140): one exchange with the board for all that changed,
 * as soon as something is needed and else once a second. What is leased is used without asking.
 */
export class SharedLimits implements LimitStanding {
  readonly #board: LimitBoard;
  readonly #context: WorkerContext;
  readonly #partitions: () => PartitionShare;
  readonly #wake: (user: LimitUser) => void;
  readonly #slots = new Map<DestinationKey, { readonly lease: SlotLease; user: LimitUser }>();
  readonly #windows = new Map<RecipientLease, LimitUser>();
  /** What is to be told. */
  readonly #newSlots = new Set<SlotLease>();
  readonly #newWindows = new Set<RecipientLease>();
  #answeredAt: number;
  #settlesAt = Infinity;
  #isSettled = false;
  #turn = 0;
  #isCalled = false;
  #isExchanging = false;
  #hasLeft = false;

  /**
   * @param partitions which share of them is this worker's
   * @param wake has a user pumped soon
   */
  constructor(
    board: LimitBoard,
    context: WorkerContext,
    partitions: () => PartitionShare,
    wake: (user: LimitUser) => void,
  ) {
    this.#board = board;
    this.#context = context;
    this.#partitions = partitions;
    this.#wake = wake;
    this.#answeredAt = this.#monotonic();
  }

  // ---- how it stands with the board

  get me(): string {
    return this.#context.incarnation;
  }

  get trust(): LimitStanding['trust'] {
    const silentFor = this.#monotonic() - this.#answeredAt;
    return silentFor < LEASE_TRUSTED_MS ? 'good' : silentFor < LEASE_MS ? 'doubtful' : 'away';
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  get turn(): number {
    return this.#turn;
  }

  share(limit: number): number {
    return staticShare(limit, this.#partitions());
  }

  #monotonic(): number {
    return this.#context.clock.now().monotonic;
  }

  // ---- connections

  /** Whether a destination may have so many connections now. Otherwise it is pumped once it may. @param most that it could use */
  mayHave(user: LimitUser, connections: number, most: number): boolean {
    if (user.terms.isShared !== true) return true;
    const lease = this.#leaseOf(user);
    const now = this.#monotonic();
    if (connections <= lease.allowed(user, this, now)) return true;
    if (lease.wishFor(connections, most, now)) this.#tell(this.#newSlots, lease);
    return false;
  }

  #leaseOf(user: LimitUser): SlotLease {
    const { key, terms } = user;
    let known = this.#slots.get(key);
    if (known === undefined) {
      known = { lease: new SlotLease(key, terms.maxConnections), user };
      this.#slots.set(key, known);
    }
    known.user = user;
    known.lease.limit = terms.maxConnections;
    return known.lease;
  }

  /** A connection has closed: another worker may wait for it. */
  closed(user: LimitUser): void {
    const lease = this.#slots.get(user.key)?.lease;
    if (lease?.isAwaited === true) this.#tell(this.#newSlots, lease);
  }

  // ---- recipients

  /** A count of recipients that all workers share. */
  recipients(user: LimitUser, limit: NonNullable<DeliveryTerms['recipients']>): RecipientLease {
    const lease: RecipientLease = new RecipientLease(user.key, limit, this, () => {
      this.#windows.set(lease, user);
      this.#tell(this.#newWindows, lease);
    });
    return lease;
  }

  // ---- the exchange

  #tell<T>(news: Set<T>, one: T): void {
    news.add(one);
    this.#soon();
  }

  #soon(): void {
    if (this.#isCalled || this.#isExchanging) return;
    this.#isCalled = true;
    setImmediate(() => {
      this.#isCalled = false;
      void this.#exchange();
    });
  }

  /** Once a second: renews all leases, gives back what is not used, ends what is too much. */
  tick(): void {
    const now = this.#monotonic();
    const steady = steadyNow(this.#context).wall;
    const wasSettled = this.#isSettled;
    this.#isSettled = now >= this.#settlesAt && this.trust !== 'away';
    for (const [key, { lease, user }] of this.#slots) {
      const use = this.#useOf(user);
      lease.limit = user.terms.maxConnections;
      this.#trim(lease, user, now);
      if (lease.isEmpty(use, now)) this.#slots.delete(key);
      else if (lease.statement(use, this, now) !== undefined) this.#newSlots.add(lease);
    }
    for (const [lease, user] of this.#windows) {
      if (user.readyCount === 0) lease.tick(steady);
      if (this.#isSettled && !wasSettled && lease.takeHeldBack()) user.unblock();
      if (lease.isOver(steady)) this.#windows.delete(lease);
      else if (lease.hasNews(steady)) this.#newWindows.add(lease);
    }
    void this.#exchange();
  }

  /** Ends what is too much. */
  #trim(lease: SlotLease, user: LimitUser, now: number): void {
    const use = this.#useOf(user);
    const allowed = lease.allowed(use, this, now);
    if (use.inUse > allowed) user.closeBeyond(allowed);
    if (lease.yields(use, this, now)) this.#newSlots.add(lease);
  }

  #useOf(user: LimitUser): Pick<LimitUser, 'inUse' | 'busy'> {
    // Under a row without a limit nothing of it counts any more.
    return user.terms.isShared === true ? user : { inUse: 0, busy: 0 };
  }

  async #exchange(): Promise<void> {
    if (this.#hasLeft || this.#isExchanging) return;
    const sentAt = this.#context.clock.now();
    const steady = steadyNow(this.#context).wall;
    const slots = this.#takeSlots(sentAt.monotonic);
    const windows = this.#takeWindows(steady);
    this.#isExchanging = true;
    try {
      const answer = await this.#board.exchange(
        slots.map(([, statement]) => statement),
        windows.map(([, statement]) => statement),
      );
      this.#heard(answer, slots, windows, sentAt.monotonic, steady);
    } catch {
      // It may have heard: what was said is said again by the next tick. What was taken back by then is lost to all.
      for (const [lease] of slots) lease.becameStale();
    } finally {
      this.#isExchanging = false;
      if (this.#hasLeft) void this.#board.leave();
    }
    if (this.trust === 'good' && this.#newSlots.size + this.#newWindows.size > 0) this.#soon();
  }

  #takeSlots(now: number): [SlotLease, SlotStatement][] {
    const taken: [SlotLease, SlotStatement][] = [];
    for (const lease of this.#newSlots) {
      if (taken.length >= MOST_AT_ONCE) break;
      this.#newSlots.delete(lease);
      const known = this.#slots.get(lease.key as DestinationKey);
      if (known?.lease !== lease) continue;
      const statement = lease.statement(this.#useOf(known.user), this, now);
      if (statement === undefined) continue;
      lease.stated(statement, now);
      taken.push([lease, statement]);
    }
    return taken;
  }

  #takeWindows(steady: number): [RecipientLease, RecipientStatement][] {
    const taken: [RecipientLease, RecipientStatement][] = [];
    for (const lease of this.#newWindows) {
      if (taken.length >= MOST_AT_ONCE) break;
      this.#newWindows.delete(lease);
      const statement = lease.statement(steady);
      if (statement !== undefined) taken.push([lease, statement]);
    }
    return taken;
  }

  #heard(
    { isNew, now, awaited, slots: held, recipients }: LimitAnswer,
    slots: readonly [SlotLease, SlotStatement][],
    windows: readonly [RecipientLease, RecipientStatement][],
    sentAt: number,
    steady: number,
  ): void {
    this.#answeredAt = sentAt;
    this.#turn = Math.floor(now / TURN_MS);
    if (isNew) this.#lost(sentAt);
    // What was asked for in the belief to be known is asked for again.
    else for (const [index, [lease]] of slots.entries()) lease.answered(held[index]!);
    const heard = new Set(slots.map(([{ key }]) => key));
    for (const key of awaited) {
      const lease = this.#slots.get(key as DestinationKey)?.lease;
      if (lease === undefined || heard.has(key)) continue;
      lease.becameStale();
      this.#newSlots.add(lease);
    }
    for (const [index, [lease, statement]] of windows.entries()) lease.answered(recipients[index]!, statement, steady);
    for (const [{ key }] of slots) {
      const known = this.#slots.get(key as DestinationKey);
      if (known === undefined) continue;
      this.#trim(known.lease, known.user, this.#monotonic());
      this.#wake(known.user);
    }
    for (const [lease] of windows) {
      const user = this.#windows.get(lease);
      if (user !== undefined) this.#wake(user);
    }
  }

  /** The board has forgotten this worker, or never knew it: others may not have told all yet either. */
  #lost(since: number): void {
    this.#settlesAt = since + LEASE_MS;
    this.#isSettled = false;
    for (const { lease, user } of this.#slots.values()) {
      lease.lost(this.#useOf(user));
      this.#newSlots.add(lease);
    }
  }

  /** In order: others have what it had at once. */
  leave(): Promise<void> {
    this.#hasLeft = true;
    return this.#board.leave();
  }
}
