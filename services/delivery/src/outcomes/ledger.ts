import type { FinalOutcome } from '@mailyard/queue';

/** Recipients by what became of them, as the owner of their partitions saw it since it started. */
export interface LedgerCounts {
  accepted: number;
  delivered: number;
  bounced: number;
  expired: number;
  dropped: number;
  removed: number;
  /** Soft bounces: events, not recipients. */
  deferred: number;
}

const COLUMN = {
  RecipientDelivered: 'delivered',
  RecipientBounced: 'bounced',
  RecipientExpired: 'expired',
  RecipientDropped: 'dropped',
  RecipientRemoved: 'removed',
} as const satisfies Record<FinalOutcome['type'], keyof LedgerCounts>;

export function emptyLedger(): LedgerCounts {
  return { accepted: 0, delivered: 0, bounced: 0, expired: 0, dropped: 0, removed: 0, deferred: 0 };
}

export function countFinal(ledger: LedgerCounts, outcome: FinalOutcome): void {
  ledger[COLUMN[outcome.type]] += 1;
}
