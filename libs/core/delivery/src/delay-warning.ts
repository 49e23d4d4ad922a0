import type { BounceProfile } from './retry-schedule.ts';

/** What became of a recipient before the soft bounce that is judged now. */
export interface WarnedSoFar {
  /** Soft bounces that count. */
  readonly retries: number;
  readonly warnings?: number;
  /** When the last warning was made, milliseconds of the epoch. */
  readonly warnedAt?: number;
}

/**
 * Whether the sender is told that a recipient was put off (R80): from its second soft bounce on, as often and as far
 * apart as the bounce profile says.
 */
export function isWarningDue(
  { delayWarnings, delayWarningMs }: Pick<BounceProfile, 'delayWarnings' | 'delayWarningMs'>,
  { retries, warnings = 0, warnedAt }: WarnedSoFar,
  now: number,
): boolean {
  if (warnings >= delayWarnings || retries < 1) return false;
  return warnedAt === undefined || now - warnedAt >= delayWarningMs;
}
