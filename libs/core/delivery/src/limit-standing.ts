/** How a worker stands with the limit board: how far it may go by what it has leased. */
export interface LimitStanding {
  /** Its incarnation. */
  readonly me: string;
  /**
   * `good`: what it has leased is its own. `doubtful`: the board has not answered for {@link LEASE_TRUSTED_MS}, others
   * may soon have it. `away`: nor for {@link LEASE_MS}, each worker goes by its static share.
   */
  readonly trust: 'good' | 'doubtful' | 'away';
  /** Whether all others have had the time to tell the board what they have. */
  readonly isSettled: boolean;
  /** Rises by one at the same moment for all workers. */
  readonly turn: number;
  /** The static share of a limit. */
  share(limit: number): number;
}
