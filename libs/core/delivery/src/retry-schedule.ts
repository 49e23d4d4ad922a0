/** How long mail waits between attempts, and when it is given up (R70 to R73). */

export interface BounceProfile {
  /** Retries after the first attempt; the refusal after the last one is final. */
  readonly maxRetries: number;
  /** How long a recipient stays in the queue. */
  readonly maxAgeMs: number;
  /** The wait before the first retry, and the longest one. */
  readonly initialWaitMs: number;
  readonly maxWaitMs: number;
  /** Whether a hard bounce is reported to the reverse-path (R79). */
  readonly notices: boolean;
  /** A report carries the whole message up to this size, only its header above it. */
  readonly copyOctets: number;
  /** Delay warnings for a recipient at most, and how far apart they are at least (R80). */
  readonly delayWarnings: number;
  readonly delayWarningMs: number;
}

/** R70, R79, R80 */
export const DEFAULT_BOUNCE_PROFILE: BounceProfile = {
  maxRetries: 100,
  maxAgeMs: 259_200_000,
  initialWaitMs: 60_000,
  maxWaitMs: 3_600_000,
  notices: true,
  copyOctets: 10_240,
  delayWarnings: 0,
  delayWarningMs: 14_400_000,
};

/**
 * The wait before a retry (R71): it doubles, up to the longest.
 *
 * @param retry from 1: the first one follows the first attempt
 */
export function retryWaitMs(profile: Pick<BounceProfile, 'initialWaitMs' | 'maxWaitMs'>, retry: number): number {
  // Beyond thirty doublings the power would lose its meaning long after the cap has decided.
  return Math.min(profile.maxWaitMs, profile.initialWaitMs * 2 ** Math.min(retry - 1, 30));
}

export type AfterRefusal = { readonly kind: 'retry'; readonly dueAt: number } | { readonly kind: 'giveUp' };

/**
 * What follows a soft bounce (R70, R72): another attempt, or the end at once when the retries are used up. Age is not
 * looked at here but when the attempt falls due (R73).
 *
 * @param retries made so far
 */
export function afterSoftBounce(profile: BounceProfile, retries: number, now: number): AfterRefusal {
  if (retries >= profile.maxRetries) return { kind: 'giveUp' };
  return { kind: 'retry', dueAt: now + retryWaitMs(profile, retries + 1) };
}

/**
 * Whether a recipient whose attempt falls due is given up instead (R73). What was never tried at all is tried once:
 * a system that was away for days owes its mail an attempt.
 */
export function isExpired(expiresAt: number, neverTried: boolean, now: number): boolean {
  return now >= expiresAt && !neverTried;
}
