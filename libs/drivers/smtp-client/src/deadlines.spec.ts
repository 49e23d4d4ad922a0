import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Deadline, Deadlines } from './deadlines.ts';

describe('Deadlines', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('expires what is overdue with one timer, which ends with the last deadline', () => {
    const deadlines = new Deadlines(100);
    const expired: number[] = [];
    const watched: Deadline[] = [50, 150, Number.POSITIVE_INFINITY].map((deadlineAt) => {
      const deadline = {
        deadlineAt: performance.now() + deadlineAt,
        expire: () => {
          expired.push(deadlineAt);
          deadlines.forget(deadline);
        },
      };
      deadlines.watch(deadline);
      return deadline;
    });
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(100);
    expect(expired).toEqual([50]);
    vi.advanceTimersByTime(100);
    expect(expired).toEqual([50, 150]);
    for (const deadline of watched) deadlines.forget(deadline);
    expect(vi.getTimerCount()).toBe(0);
  });
});
