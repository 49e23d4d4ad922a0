import { describe, expect, it } from 'vitest';
import { AttemptLimit } from './attempt-limit.ts';

describe('attempts', () => {
  it('wait twice as long after each failure, up to a limit, until one succeeds or an hour has passed', () => {
    const limit = new AttemptLimit({ free: 3, longestMs: 10_000 });
    const waits: number[] = [];
    let now = 0;
    for (let failures = 0; failures < 7; failures++) {
      limit.failed('k', now);
      waits.push(limit.waitMs('k', now));
      now += waits.at(-1)!;
    }
    expect(waits).toEqual([0, 0, 2_000, 4_000, 8_000, 10_000, 10_000]);
    expect(limit.waitMs('other', now)).toBe(0);
    limit.failed('k', now + 3_600_001);
    expect(limit.waitMs('k', now + 3_600_001)).toBe(0);
    limit.failed('k', now);
    limit.succeeded('k');
    expect(limit.waitMs('k', now)).toBe(0);
  });

  it('under made-up names do not fill the memory', () => {
    const limit = new AttemptLimit({ free: 1, longestMs: 1_000 });
    for (let number = 0; number < 30_000; number++) limit.failed(`k${number}`, number);
    expect(limit.waitMs('k29999', 29_999)).toBeGreaterThan(0);
    expect(limit.waitMs('k1', 1)).toBe(0);
  });
});
