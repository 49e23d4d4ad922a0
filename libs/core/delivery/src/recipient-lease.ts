import type { RecipientAnswer, RecipientStatement } from './limit-board.ts';
import { recipientBlock } from './limit-sharing.ts';
import type { LimitStanding } from './limit-standing.ts';
import type { RecipientCount } from './recipient-limit.ts';

/** Not known yet: whoever asked is told when it is. */
export const LATER = -1;
/** What was leased and is not used goes back after this, */
const UNUSED_MS = 2_000;
/** so that whoever was refused asks again by the second for this long. */
const ASKED_AGAIN_MS = 3_500;
/** Where less is leased at a time, nothing is leased ahead. */
const AHEAD_BLOCK = 8;

/**
 * What one worker has of the recipients of a window that all workers share (R140): it leases them in blocks, the next
 * one before the last is used up. Instants are steady wall time.
 */
export class RecipientLease implements RecipientCount {
  readonly key: string;
  readonly most: number;
  readonly windowMs: number;
  readonly #standing: LimitStanding;
  readonly #wake: () => void;
  /** The window that is open, and what is leased of it. */
  #window = '';
  #endsAt = 0;
  #left = 0;
  #block = 0;
  /** So many at once were refused in this window. */
  #refused = Infinity;
  #refusedAt = 0;
  /** What this worker used of a window; it may be older than the one that is open. */
  #own = { used: 0, endsAt: 0 };
  #usedAt = 0;
  #isHeldBack = false;
  // What is to be told to the board.
  #needed = 0;
  #back: RecipientStatement['back'];
  #spent = 0;
  #isReset = false;

  /** @param wake there is something to tell to the board */
  constructor(
    key: string,
    { most, windowMs }: { readonly most: number; readonly windowMs: number },
    standing: LimitStanding,
    wake: () => void,
  ) {
    this.key = key;
    this.most = most;
    this.windowMs = windowMs;
    this.#standing = standing;
    this.#wake = wake;
  }

  get atOnce(): number {
    return this.#standing.share(this.most);
  }

  freeAt(recipients: number, now: number): number {
    const { trust, isSettled } = this.#standing;
    const needed = Math.min(recipients, this.most);
    if (now < this.#endsAt && needed <= this.#left) return 0;
    if (trust === 'away' || !isSettled) {
      const { used, endsAt } = this.#own;
      this.#isHeldBack = now < endsAt && used > 0 && used + needed > this.atOnce;
      if (this.#isHeldBack) return endsAt;
      if (trust === 'away') return 0;
    }
    if (now >= this.#endsAt || needed < this.#refused) this.#need(needed);
    else if (now - this.#refusedAt >= ASKED_AGAIN_MS) return this.#endsAt;
    else this.#needed = Math.max(this.#needed, needed);
    return LATER;
  }

  take(recipients: number, now: number): void {
    const isOpen = now < this.#endsAt;
    if (now >= this.#own.endsAt) {
      this.#own = { used: 0, endsAt: isOpen ? this.#endsAt : now + this.windowMs };
      this.#spent = 0;
    }
    this.#own.used += recipients;
    this.#usedAt = now;
    const leased = isOpen ? Math.min(recipients, this.#left) : 0;
    this.#left -= leased;
    if (leased < recipients) {
      this.#spent += recipients - leased;
      this.#wake();
    } else if (this.#block >= AHEAD_BLOCK && this.#left * 4 < this.#block && this.#refused === Infinity) this.#need(1);
  }

  get isBegun(): boolean {
    return this.#endsAt > 0 || this.#own.endsAt > 0;
  }

  isOver(now: number): boolean {
    return now >= this.#endsAt && now >= this.#own.endsAt && this.#spent === 0;
  }

  reset(): void {
    [this.#left, this.#refused, this.#back, this.#isReset] = [0, Infinity, undefined, true];
    this.#own = { used: 0, endsAt: 0 };
    this.#wake();
  }

  /** What was not used for a while goes back. */
  tick(now: number): void {
    if (this.#left > 0 && now < this.#endsAt && now - this.#usedAt >= UNUSED_MS) this.#giveBack();
  }

  /** Whether the static share alone made somebody wait. From now on it does not. */
  takeHeldBack(): boolean {
    const was = this.#isHeldBack;
    this.#isHeldBack = false;
    return was;
  }

  /** Whether something is to be told to the board. */
  hasNews(now: number): boolean {
    if (now >= this.#own.endsAt) this.#spent = 0;
    return this.#needed > 0 || this.#back !== undefined || this.#spent > 0 || this.#isReset;
  }

  /** What is to be told to the board now, and is taken for told; undefined when nothing is. */
  statement(now: number): RecipientStatement | undefined {
    if (!this.hasNews(now)) return undefined;
    const { key, most, windowMs } = this;
    const [least, back, spent, isReset] = [this.#needed, this.#back, this.#spent, this.#isReset];
    // Whether it came back is not known when there is no answer: it must not come back twice.
    this.#back = undefined;
    const ask = least === 0 ? 0 : recipientBlock(least, this.atOnce, most);
    return { key, most, windowMs, ask, least, back, spent, isReset };
  }

  /** @param sentAt when the board was asked: the window ends a little later than it is taken to */
  answered({ granted, window, endsInMs }: RecipientAnswer, statement: RecipientStatement, sentAt: number): void {
    const { ask, least, spent, isReset } = statement;
    this.#spent = Math.max(0, this.#spent - spent);
    if (isReset) this.#isReset = false;
    if (window !== this.#window)
      [this.#window, this.#left, this.#refused, this.#back] = [window, 0, Infinity, undefined];
    this.#endsAt = window === '' ? 0 : sentAt + endsInMs;
    if (ask === 0) return;
    this.#left += granted;
    this.#usedAt = sentAt;
    if (granted > 0) this.#block = ask;
    else if (this.#refused === Infinity) [this.#refused, this.#refusedAt] = [least, sentAt];
    else this.#refused = Math.min(this.#refused, least);
    if (this.#needed <= least) this.#needed = 0;
    if (granted === 0 && least > 1) this.#giveBack();
  }

  #giveBack(): void {
    if (this.#left === 0) return;
    this.#back = { window: this.#window, count: this.#left + (this.#back?.count ?? 0) };
    this.#left = 0;
    this.#wake();
  }

  #need(recipients: number): void {
    this.#needed = Math.max(this.#needed, recipients);
    this.#wake();
  }
}
