import { describe, expect, it } from 'vitest';
import { SteadyTime } from './steady-time.ts';

const DAY = 86_400_000;

describe('steady time', () => {
  it('goes with the wall clock while that goes as it should', () => {
    const steady = new SteadyTime({ wall: 1_000_000, monotonic: 0 });
    expect(steady.at({ wall: 1_060_000, monotonic: 60_000 })).toBe(1_060_000);
    expect(steady.at({ wall: 1_120_400, monotonic: 120_000 })).toBe(1_120_400);
  });

  it.each([
    ['ahead', DAY],
    ['back', -3_600_000],
  ])('does not follow a jump %s, and approaches it by a tenth of the time that passes', (_direction, jump) => {
    const steady = new SteadyTime({ wall: 0, monotonic: 0 });
    expect(steady.at({ wall: jump, monotonic: 0 })).toBe(0);
    const later = steady.at({ wall: jump + 100_000, monotonic: 100_000 });
    expect(later).toBe(100_000 + Math.sign(jump) * 10_000);
    let last = later;
    for (let monotonic = 200_000; monotonic <= 12 * DAY; monotonic += 100_000) {
      const now = steady.at({ wall: jump + monotonic, monotonic });
      expect(now).toBeGreaterThan(last);
      last = now;
    }
    expect(last).toBe(jump + 12 * DAY);
  });
});
