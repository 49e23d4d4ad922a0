/**
 * How many connections a destination gets. The window grows with success and shrinks with trouble, so that a slow host
 * is spared without being taken for dead (after Postfix, `qmgr_feedback.c`).
 */

/** Connections that a destination begins with. */
export const INITIAL_WINDOW = 5;

export class ConcurrencyWindow {
  #limit: number;
  #window: number;
  #successes = 0;

  /** @param limit the most connections, at least 1 */
  constructor(limit: number) {
    this.#limit = limit;
    this.#window = Math.min(limit, INITIAL_WINDOW);
  }

  /** Another limit from now on. */
  set limit(limit: number) {
    this.#limit = limit;
    this.#window = Math.min(limit, Math.max(this.#window, INITIAL_WINDOW));
  }

  /** Connections allowed now: 1 to the limit. */
  get size(): number {
    return Math.floor(this.#window);
  }

  /** A transaction went well: one more connection for each window full of them. */
  succeeded(): void {
    if (this.#window >= this.#limit) return;
    this.#successes += 1;
    if (this.#successes < this.size) return;
    this.#successes = 0;
    this.#window = Math.min(this.#limit, this.#window + 1);
  }

  /** 4yz, 421, a time-out or a lost connection: an eighth less. */
  troubled(): void {
    this.#successes = 0;
    this.#window = Math.max(1, this.#window * 0.875);
  }

  /** An operator asks for a fresh start (R210). */
  reset(): void {
    this.#window = Math.min(this.#limit, INITIAL_WINDOW);
    this.#successes = 0;
  }
}

export interface ConnectionDemand {
  /** Connections open or being opened, those with nothing to do apart. */
  readonly busy: number;
  readonly idle: number;
  /** Transactions that wait for a connection. */
  readonly waiting: number;
  /** What one connection may carry: its message limit (R104). */
  readonly messagesPerConnection: number;
  /** How long one transaction takes on average; undefined before the first. */
  readonly transactionMs: number | undefined;
  readonly window: number;
}

/** Mail that waits behind a busy connection for longer than this deserves another one. */
const PATIENCE_MS = 1_000;

/**
 * Whether to open another connection (R105): only when each open one is busy and more transactions wait than one
 * connection may carry. What it may carry is its message limit, or what it gets done in a second when that is less.
 */
export function wantsConnection(demand: ConnectionDemand): boolean {
  const { busy, idle, waiting, messagesPerConnection, transactionMs, window } = demand;
  if (waiting === 0 || idle > 0 || busy >= window) return false;
  if (busy === 0) return true;
  const carries =
    transactionMs === undefined
      ? messagesPerConnection
      : Math.min(messagesPerConnection, Math.max(1, PATIENCE_MS / Math.max(transactionMs, 0.001)));
  // Each busy one will come back for its share of what waits.
  return waiting > carries * busy;
}
