import type { SlotAnswer, SlotStatement } from './limit-board.ts';
import { fairShare, type LimitClaim, slotsToHold } from './limit-sharing.ts';
import type { LimitStanding } from './limit-standing.ts';

/** What was wanted counts for this long. */
const WISH_MS = 1_500;
/** What is too much is kept for this long, if nobody else wants it. */
const SURPLUS_MS = 2_000;
/** How often the board is told even if nothing has changed. */
const RESTATE_MS = 30_000;

/** The connections of a worker under one limit. */
export interface SlotUse {
  /** Those that are open or being opened. */
  readonly inUse: number;
  /** Of these, those with something to do. */
  readonly busy: number;
}

/**
 * What one worker has of a limit of connections that all workers share (R140). It asks ahead and keeps for a while, so
 * that most connections are opened without asking. Instants are monotonic.
 */
export class SlotLease {
  readonly key: string;
  limit: number;
  #held = 0;
  #others: readonly LimitClaim[] = [];
  #wish = { slots: 0, until: 0 };
  #toldWant = 0;
  #toldAt = 0;
  #surplusSince: number | undefined;
  /** What the board knows of it may not be what is so, or others want some. */
  #isStale = false;

  constructor(key: string, limit: number) {
    this.key = key;
    this.limit = limit;
  }

  /** Whether another worker wants more than it has. */
  get isAwaited(): boolean {
    return this.#others.some(({ want, held }) => want > held);
  }

  /** Connections that may be there now. */
  allowed({ busy }: Pick<SlotUse, 'busy'>, standing: LimitStanding, now: number): number {
    const { trust } = standing;
    if (trust === 'away') return standing.share(this.limit);
    const most = this.isAwaited ? this.#fair(this.#want(busy, now), standing) : this.limit;
    const leased = Math.min(this.#held, most);
    return trust === 'good' ? leased : Math.min(leased, standing.share(this.limit));
  }

  /**
   * So many connections are wanted. True when the board should be asked at once.
   *
   * @param most that could be used
   */
  wishFor(slots: number, most: number, now: number): boolean {
    this.#wish = { slots: Math.min(this.limit, Math.max(slots, most)), until: now + WISH_MS };
    return slots > this.#toldWant;
  }

  /** The board has other news of it than were heard, or none. */
  becameStale(): void {
    this.#isStale = true;
  }

  /** What is to be told to the board now; undefined when nothing is. */
  statement({ inUse, busy }: SlotUse, standing: LimitStanding, now: number): SlotStatement | undefined {
    const { key, limit } = this;
    const want = this.#want(busy, now);
    if (this.#held <= Math.max(inUse, want)) this.#surplusSince = undefined;
    else this.#surplusSince ??= now;
    const hold = this.#hold(want, standing, now);
    const isDue = this.#held > 0 && now - this.#toldAt >= RESTATE_MS;
    const isOver = want === 0 && this.#toldWant > 0 && this.#held === 0;
    const isSaid = Math.max(hold, inUse) === this.#held && want <= this.#held;
    return isSaid && !isDue && !isOver && !this.#isStale ? undefined : { key, limit, inUse, want, hold };
  }

  /** Whether it has what others want and should not keep. */
  yields({ inUse, busy }: SlotUse, standing: LimitStanding, now: number): boolean {
    return this.isAwaited && Math.max(inUse, this.#hold(this.#want(busy, now), standing, now)) < this.#held;
  }

  /** The board has forgotten it: others may have what it does not use. */
  lost({ inUse }: Pick<SlotUse, 'inUse'>): void {
    this.#held = inUse;
    this.#isStale = true;
  }

  /** From now on the board may give to others what is no longer claimed. */
  stated({ want, hold, inUse }: SlotStatement, now: number): void {
    this.#held = Math.min(this.#held, Math.max(hold, inUse));
    [this.#toldWant, this.#toldAt, this.#isStale] = [want, now, false];
  }

  answered({ held, others }: SlotAnswer): void {
    this.#held = held;
    this.#others = others;
  }

  /** Whether it has nothing and nothing is wanted: it may be forgotten. */
  isEmpty({ inUse }: SlotUse, now: number): boolean {
    return inUse === 0 && this.#held === 0 && this.#toldWant === 0 && !this.#isStale && this.#wish.until <= now;
  }

  #hold(want: number, standing: LimitStanding, now: number): number {
    return slotsToHold({
      limit: this.limit,
      want,
      held: this.#held,
      fair: this.#fair(want, standing),
      isAwaited: this.isAwaited,
      isSurplus: this.#surplusSince !== undefined && now - this.#surplusSince >= SURPLUS_MS,
      share: standing.isSettled ? undefined : standing.share(this.limit),
    });
  }

  #want(busy: number, now: number): number {
    return Math.min(this.limit, Math.max(busy, this.#wish.until > now ? this.#wish.slots : 0));
  }

  #fair(want: number, { me, turn }: LimitStanding): number {
    return fairShare(this.limit, [{ who: me, want, held: this.#held }, ...this.#others], me, turn);
  }
}
