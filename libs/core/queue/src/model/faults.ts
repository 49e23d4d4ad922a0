import type { Random } from './random.ts';

/** How hostile the world of one run is. Rates are far above reality. */
export interface Faults {
  readonly embedded: boolean;
  readonly partitions: number;
  readonly ingresses: number;
  readonly messages: number;
  readonly faultyMs: number;
  /** Chances of one append. */
  readonly appendLost: number;
  readonly appendRefused: number;
  readonly acknowledgementLost: number;
  readonly appendTwice: number;
  readonly appendSlow: number;
  readonly outageEveryMs: number;
  readonly crashEveryMs: number;
  readonly pauseEveryMs: number;
  readonly presenceLossEveryMs: number;
  readonly reassignEveryMs: number;
  /** Chance that a reassignment leaves two workers at it for a while. */
  readonly twoOwners: number;
  readonly fallBackEveryMs: number;
  readonly brokerStepEveryMs: number;
  /** Chances of one transaction. */
  readonly replyLost: number;
  readonly replySlow: number;
  readonly refusedForNow: number;
  readonly refusedForGood: number;
  readonly dropped: number;
  readonly removed: number;
  readonly undecodable: number;
  readonly skewMs: number;
  readonly expiryMs: number;
  /** Everything is deferred until then. */
  readonly deferAllUntil: number;
  readonly storedBodies: number;
}

const MINUTE = 60_000;

/** Draws a world. Some runs lose no reply and rarely pause, so that a duplicate there has few excuses. */
export function drawFaults(random: Random): Faults {
  const harsh = random.pick([0.3, 1, 1, 3]);
  const calm = random.chance(0.5);
  const embedded = random.chance(0.1);
  const faultyMs = random.pick([30, 60, 90]) * MINUTE;
  return {
    embedded,
    partitions: embedded ? 1 : 1 + random.whole(3),
    ingresses: 1 + random.whole(3),
    messages: 100,
    faultyMs,
    // An embedded log is a file of this process: nothing lands late, and nothing after its death.
    appendLost: embedded ? 0 : 0.02 * harsh,
    appendRefused: 0.02 * harsh,
    acknowledgementLost: embedded ? 0 : 0.02 * harsh,
    appendTwice: embedded ? 0 : 0.05 * harsh,
    appendSlow: embedded ? 0 : 0.05 * harsh,
    outageEveryMs: embedded ? Number.POSITIVE_INFINITY : (40 * MINUTE) / harsh,
    crashEveryMs: (calm ? 60 : 20) * MINUTE,
    pauseEveryMs: (calm ? 120 : 15) * MINUTE,
    presenceLossEveryMs: (calm ? 60 : 15) * MINUTE,
    reassignEveryMs: embedded ? Number.POSITIVE_INFINITY : random.pick([1, 3, 10, 30]) * MINUTE,
    twoOwners: 0.5,
    fallBackEveryMs: 20 * MINUTE,
    brokerStepEveryMs: random.chance(0.3) ? 15 * MINUTE : Number.POSITIVE_INFINITY,
    replyLost: calm ? 0 : 0.04,
    replySlow: random.pick([0.05, 0.3]),
    refusedForNow: random.pick([0.15, 0.4]),
    refusedForGood: 0.12,
    dropped: 0.05,
    removed: 0.08,
    undecodable: random.chance(0.1) ? 0.02 : 0,
    skewMs: random.chance(0.3) ? random.spread(1_000, 20 * MINUTE) : 0,
    expiryMs: random.pick([15, 30, 60, 600]) * MINUTE,
    deferAllUntil: random.chance(0.25) ? faultyMs + 120 * MINUTE : 0,
    storedBodies: 0.3,
  };
}
