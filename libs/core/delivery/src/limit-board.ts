import type { LimitClaim } from './limit-sharing.ts';

/** What a worker states of the connections under one limit, anew each time. */
export interface SlotStatement {
  /** Names the limit, and how much it is. */
  readonly key: string;
  readonly limit: number;
  /** Connections that it has: it is never given less. */
  readonly inUse: number;
  /** What it could use now; others may see that. */
  readonly want: number;
  /** What it is to have, if that is free. */
  readonly hold: number;
}

export interface SlotAnswer {
  /** What it has now. */
  readonly held: number;
  /** What the other workers said last. */
  readonly others: readonly LimitClaim[];
}

/** What a worker asks of a window of recipients (R140). */
export interface RecipientStatement {
  /** Names the limit, and how much it is. */
  readonly key: string;
  readonly most: number;
  readonly windowMs: number;
  /** So many more, or fewer, but not fewer than `least`; 0 for none. */
  readonly ask: number;
  readonly least: number;
  /** What was leased in a window and will not be used. */
  readonly back: { readonly window: string; readonly count: number } | undefined;
  /** What was used without a lease. */
  readonly spent: number;
  /** Begins the window anew (R210), unless that was done in the last ten seconds. */
  readonly isReset: boolean;
}

export interface RecipientAnswer {
  readonly granted: number;
  /** Names the window that is open; empty when none is. */
  readonly window: string;
  /** How long it lasts, in milliseconds; 0 when none is open. */
  readonly endsInMs: number;
}

export interface LimitAnswer {
  /** Nothing was known of the worker: what it had leased before counts no more, and others may have it. */
  readonly isNew: boolean;
  /** Milliseconds by the board's clock. */
  readonly now: number;
  /** Limits of which some worker wanted more than was free since the last answer. */
  readonly awaited: readonly string[];
  /** In the order of the statements. */
  readonly slots: readonly SlotAnswer[];
  readonly recipients: readonly RecipientAnswer[];
}

/**
 * Keeps account of limits that hold for all workers together. One round trip for any number of limits.
 *
 * Contract (testkit, `limit-board.suite.ts`): what workers hold is never above the limit, unless they state that they
 * use more; a worker that says nothing for {@link LEASE_MS} holds nothing; of a window no more is granted than it has.
 */
export interface LimitBoard {
  /** States and asks. Each call renews all that the worker holds. Rejects when the board is away: it may have heard all the same. */
  exchange(slots: readonly SlotStatement[], recipients: readonly RecipientStatement[]): Promise<LimitAnswer>;
  /** The worker gives back all that it holds, in order. Never rejects. */
  leave(): Promise<void>;
}

/** A window is not begun anew twice within this (R210): each worker of a gateway is told to. */
export const RESET_REST_MS = 10_000;
