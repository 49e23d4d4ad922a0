import { describe, expect, it } from 'vitest';
import {
  afterSoftBounce,
  type BounceProfile,
  DEFAULT_BOUNCE_PROFILE,
  isExpired,
  retryWaitMs,
} from './retry-schedule.ts';

/** Every attempt is refused with 4yz at once: when are they, and when does it end? In seconds. */
function history(profile: BounceProfile): { attempts: number[]; endedAt: number } {
  const attempts: number[] = [];
  let now = 0;
  for (let retries = 0; ; retries++) {
    if (isExpired(profile.maxAgeMs, attempts.length === 0, now)) return { attempts, endedAt: now / 1_000 };
    attempts.push(now / 1_000);
    const next = afterSoftBounce(profile, retries, now);
    if (next.kind === 'giveUp') return { attempts, endedAt: now / 1_000 };
    now = next.dueAt;
  }
}

function profile(change: Partial<BounceProfile>): BounceProfile {
  return { ...DEFAULT_BOUNCE_PROFILE, ...change };
}

describe('the retry schedule', () => {
  it('doubles the wait up to the longest (R71)', () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((retry) => retryWaitMs(DEFAULT_BOUNCE_PROFILE, retry) / 1_000);
    expect(waits).toEqual([60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
  });

  it('bounces right after the third attempt when two retries are allowed (R72)', () => {
    expect(history(profile({ initialWaitMs: 60_000, maxWaitMs: 60_000, maxRetries: 2 }))).toEqual({
      attempts: [0, 60, 120],
      endedAt: 120,
    });
  });

  it('looks at the age when an attempt falls due (R73)', () => {
    expect(history(profile({ maxAgeMs: 100_000, maxWaitMs: 60_000 }))).toEqual({ attempts: [0, 60], endedAt: 120 });
  });

  it('makes 76 retries by default, and bounces instead of the 77th at 259,380 s (section 17)', () => {
    const { attempts, endedAt } = history(DEFAULT_BOUNCE_PROFILE);
    expect(attempts).toHaveLength(77);
    expect(endedAt).toBe(259_380);
  });

  it('tries once what was never tried, however old it is', () => {
    expect(isExpired(1_000, true, 2_000)).toBe(false);
    expect(isExpired(1_000, false, 2_000)).toBe(true);
  });
});
