/**
 * The clauses of the invariants I2 to I9 that are numbers or yes-or-no questions, in one place, so that the model
 * (`model/`) can take each one away and show what breaks. Everything that runs uses {@link RULES}.
 */
import type { Decision, LoggedRecord } from './records.ts';
import type { Claim } from './state.ts';

/** Outcomes and ended attempts are remembered for ten minutes of append time (I3). */
export const MEMORY_MS = 600_000;
/** An acceptance or a claim carries this far in append time, no farther (I1, I3). */
const VALIDITY_MS = 300_000;

export interface Rules {
  /** I3: finals and ended attempts are remembered for this long, by append time. */
  readonly memoryMs: number;
  /** I1: whether an acceptance first tried at `at` counts when the log took it at `appendTime`. */
  acceptanceHolds(at: number, appendTime: number): boolean;
  /** I3: whether a decision under this term counts behind this claim. */
  isFenced(
    claim: Claim | undefined,
    decision: Decision,
    appendTime: number,
    type: LoggedRecord['record']['type'],
  ): boolean;
  /** I3: whether a decision comes after the last one on its message. */
  isLater(decision: Decision, last: Decision | undefined): boolean;
  /** I9: whether a report is accepted only behind the outcome that it reports. */
  readonly reportsNeedTheirOutcome: boolean;
  /** I6: whether a reader drops what lies below the mark of a claim. */
  readonly claimsDrop: boolean;
  /** I3: whether a restatement replaces what is known of its message. */
  readonly restatementsReplace: boolean;

  /** I2: a claim is renewed this long after the last one was sent, and sooner while a transaction is open. */
  readonly renewMs: number;
  readonly renewOpenMs: number;
  /** I2: a foreign claim is answered after this long. */
  readonly reclaimMs: number;
  /** I2: a try of a claim that is neither refused nor read back is followed by another after this long. */
  readonly claimTryMs: number;
  /** I4: how old the proof may be when the final dot goes out. */
  readonly proofMs: number;
  /** I5: grace of an attempt whose worker is gone, and of one that is present or whose presence cannot be read. */
  readonly absentGraceMs: number;
  readonly presentGraceMs: number;
  /** I6: the log is trimmed this much append time behind the mark. */
  readonly trimDistanceMs: number;
  /** I8: an append that was not read back by then is given up. */
  readonly giveUpMs: number;
  /** I10: a body that no open message names is deleted when it is older than this. */
  readonly sweepAgeMs: number;
}

/**
 * Tells whether an acceptance counts (I1). The clock of who accepted may run ahead of the log's as well as behind it:
 * five minutes either way, so that a late copy is never over ten minutes behind the first and always finds the memory
 * of it.
 */
export function acceptanceHolds(at: number, appendTime: number): boolean {
  return Math.abs(appendTime - at) <= VALIDITY_MS;
}

/** Orders decisions: by term, then by sequence. */
export function isLater(a: Decision, b: Decision | undefined): boolean {
  return b === undefined || a.term > b.term || (a.term === b.term && a.sequence > b.sequence);
}

/** Tells whether the decision's term is the last claim, appended at most five minutes before it (I3). */
export function isFenced(claim: Claim | undefined, decision: Decision, appendTime: number): boolean {
  return claim !== undefined && claim.term === decision.term && appendTime - claim.appendTime <= VALIDITY_MS;
}

export const RULES: Rules = {
  memoryMs: MEMORY_MS,
  acceptanceHolds,
  isFenced,
  isLater,
  reportsNeedTheirOutcome: true,
  claimsDrop: true,
  restatementsReplace: true,
  renewMs: 60_000,
  renewOpenMs: 10_000,
  reclaimMs: 2_000,
  claimTryMs: 10_000,
  proofMs: 30_000,
  absentGraceMs: 65_000,
  presentGraceMs: 630_000,
  trimDistanceMs: 600_000,
  giveUpMs: 10_000,
  sweepAgeMs: 86_400_000,
};
