import { describe, expect, it } from 'vitest';
import { PressureGate } from './pressure-gate.ts';

function gate(shares: readonly number[], local = 0, away?: string, now: () => number = () => 0): PressureGate {
  const board = { publish: () => undefined, read: (partition: number) => shares[partition]! };
  return new PressureGate(shares.length, board, { away: () => away, localShare: () => local }, now);
}

describe('pressure (R81)', () => {
  it.each([
    [[0.7], 0, { delayMs: 0 }],
    [[0.775], 0, { delayMs: 1000 }],
    [[0.2], 0.775, { delayMs: 1000 }],
    [[0.849], 0, { delayMs: 1987 }],
    [[0.85], 0, { refusal: { code: 452, enhancedStatus: '4.3.1' } }],
    [[0.1], 0.9, { refusal: { code: 452, enhancedStatus: '4.3.1' } }],
    [[0.85, 0.9], 0, { refusal: { code: 452, enhancedStatus: '4.3.1' } }],
  ])('partitions at %j, local disk at %d', (shares, local, expected) => {
    expect(gate(shares, local).judge()).toMatchObject(expected);
  });

  it('does not stop mail while one partition has room', () => {
    const full = gate([0.99, 0.1, 0.85]);
    expect(full.judge()).toEqual({ delayMs: 0 });
    expect([0, 1, 2].map((partition) => full.isFull(partition))).toEqual([true, false, true]);
  });

  it('refuses with 421 while the log or the body store is away', () => {
    expect(gate([0], 0, 'no quorum').judge()).toMatchObject({ refusal: { code: 421, enhancedStatus: '4.3.2' } });
  });

  it('refuses with 421 for five seconds after a store failed, also when the clock is set back', () => {
    let now = 1_000_000;
    const failed = gate([0], 0, undefined, () => now);
    failed.storeFailed();
    expect(failed.judge()).toMatchObject({ refusal: { code: 421 } });
    now += 4999;
    expect(failed.judge()).toMatchObject({ refusal: { code: 421 } });
    now += 1;
    expect(failed.judge()).toEqual({ delayMs: 0 });
    failed.storeFailed();
    now -= 3_600_000;
    expect(failed.judge()).toEqual({ delayMs: 0 });
  });
});
