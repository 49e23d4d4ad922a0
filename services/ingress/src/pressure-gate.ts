import { type Reply, reply } from '@mailyard/mail';
import type { PressureBoard } from '@mailyard/queue';
import type { IngressHealth } from './ports.ts';

const DELAY_FROM = 0.7;
const REFUSE_FROM = 0.85;
const LONGEST_DELAY_MS = 2000;
/** How long one look at all partitions is good for. */
const SAMPLE_MS = 100;
/** After a store failed, MAIL is refused for so long; then one message may find out whether it is back. */
const OUTAGE_MS = 5000;

/** What pressure asks of one MAIL (R81): nothing, a delay in milliseconds, or a temporary refusal. */
export type PressureVerdict = { readonly delayMs: number } | { readonly refusal: Reply };

const AWAY: PressureVerdict = { refusal: reply(421, '4.3.2', 'Not accepting mail now, try again later') };
const FULL: PressureVerdict = { refusal: reply(452, '4.3.1', 'Insufficient system storage, try again later') };
const NONE: PressureVerdict = { delayMs: 0 };

/**
 * Judges the pressure before a message is begun. The emptiest partition decides, since a message goes around the full
 * ones ({@link isFull}): one owner that lags must not stop all mail. The local disk and the stores concern every message.
 */
export class PressureGate {
  readonly #partitions: number;
  readonly #board: PressureBoard;
  readonly #health: IngressHealth;
  readonly #now: () => number;
  #least = 0;
  #sampledAt = -Infinity;
  #outageUntil = -Infinity;

  constructor(partitions: number, board: PressureBoard, health: IngressHealth, now: () => number) {
    this.#partitions = partitions;
    this.#board = board;
    this.#health = health;
    this.#now = now;
  }

  judge(): PressureVerdict {
    const now = this.#now();
    // A clock that was set back must not make an outage last.
    const isOut = now < this.#outageUntil && now >= this.#outageUntil - OUTAGE_MS;
    if (isOut || this.#health.away() !== undefined) return AWAY;
    const share = Math.max(this.#health.localShare(), this.#leastShare(now));
    if (share >= REFUSE_FROM) return FULL;
    if (share <= DELAY_FROM) return NONE;
    return { delayMs: Math.round(((share - DELAY_FROM) / (REFUSE_FROM - DELAY_FROM)) * LONGEST_DELAY_MS) };
  }

  /** Whether a message should go to another partition. */
  isFull(partition: number): boolean {
    return this.#board.read(partition) >= REFUSE_FROM;
  }

  /** The queue log or the body store has just failed. */
  storeFailed(): void {
    this.#outageUntil = this.#now() + OUTAGE_MS;
  }

  #leastShare(now: number): number {
    if (Math.abs(now - this.#sampledAt) < SAMPLE_MS && this.#partitions > 1) return this.#least;
    this.#sampledAt = now;
    this.#least = Infinity;
    for (let partition = 0; partition < this.#partitions; partition++)
      this.#least = Math.min(this.#least, this.#board.read(partition));
    return this.#least;
  }
}
