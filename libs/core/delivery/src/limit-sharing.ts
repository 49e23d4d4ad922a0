/**
 * How workers share the limits of destination controls (R140). A board that all of them reach keeps account of what each
 * has leased; who asks for how much is decided here, by each worker for itself, from what the board last told.
 */

/** What one worker says of a limit. */
export interface LimitClaim {
  /** Its incarnation. */
  readonly who: string;
  /** What it could use now. */
  readonly want: number;
  /** What it has leased; never more than the limit over all workers. */
  readonly held: number;
}

/** A worker of which the board has heard nothing for this long has lost its leases. */
export const LEASE_MS = 10_000;
/** The worker itself counts on them for less: it ends what is too much before others may take its place. */
export const LEASE_TRUSTED_MS = 8_000;

/**
 * What a worker may have of a limit when all who want some share it evenly; what one does not want goes to the others.
 * Where there are more workers than there is to share, they take turns.
 *
 * @param claims of all workers, `me` among them; no name twice
 * @param turn rises by one at the same moment for all
 */
export function fairShare(limit: number, claims: readonly LimitClaim[], me: string, turn: number): number {
  const wanting = claims.filter(({ want }) => want > 0).sort((a, b) => (a.who < b.who ? -1 : 1));
  const areTooMany = limit < wanting.length;
  const most = areTooMany ? 1 : limit;
  const shift = areTooMany ? turn : 0;
  const inOrder = wanting
    .map(({ who, want }, rank) => ({ who, want: Math.min(want, most), rank: (rank + shift) % wanting.length }))
    .sort((a, b) => a.want - b.want || a.rank - b.rank);
  let left = limit;
  for (const [index, { who, want }] of inOrder.entries()) {
    const share = Math.min(want, Math.floor(left / (inOrder.length - index)));
    if (who === me) return share;
    left -= share;
  }
  return 0;
}

/**
 * What a worker may have of a limit while it cannot ask the others: as much of it as it has of the partitions, so that
 * the shares of all are at most the limit; but at least 1, lest mail stand still.
 */
export function staticShare(limit: number, { owned, all }: { readonly owned: number; readonly all: number }): number {
  return Math.max(1, Math.floor((limit * Math.min(owned, all)) / all));
}

export interface SlotNeed {
  readonly limit: number;
  /** What it could use now, and what it has leased. */
  readonly want: number;
  readonly held: number;
  /** The fair share. */
  readonly fair: number;
  /** Another worker wants more than it has. */
  readonly isAwaited: boolean;
  /** It has had more than it wants for a while. */
  readonly isSurplus: boolean;
  /** The most while it is not known whether all others have told what they have; else undefined. */
  readonly share: number | undefined;
}

/** How many slots a worker is to ask for: the board gives so many or as many as are free. */
export function slotsToHold({ limit, want, held, fair, isAwaited, isSurplus, share = limit }: SlotNeed): number {
  const wanted = isAwaited ? Math.min(want, fair) : want;
  const kept = isAwaited || isSurplus ? wanted : Math.max(wanted, held);
  return Math.min(kept, limit, share);
}

/** How many recipients to lease at once: what is needed, or an eighth of the share, that others find some as well. */
export function recipientBlock(needed: number, share: number, most: number): number {
  return Math.min(most, Math.max(needed, Math.ceil(share / 8)));
}
