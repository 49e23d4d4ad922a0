import { describe, expect, it } from 'vitest';
import { judgePressure } from './pressure-gate.ts';

function judge(shares: readonly number[], local = 0, away?: string) {
  const board = { publish: () => undefined, read: (partition: number) => shares[partition]! };
  return judgePressure(shares.length, board, { away: () => away, localShare: () => local });
}

describe('pressure (R81)', () => {
  it.each([
    [[0, 0.7], 0, { delayMs: 0 }],
    [[0, 0.775], 0, { delayMs: 1000 }],
    [[0.2], 0.775, { delayMs: 1000 }],
    [[0.1, 0.85], 0, { refusal: { code: 452, enhancedStatus: '4.3.1' } }],
    [[0.1], 0.9, { refusal: { code: 452, enhancedStatus: '4.3.1' } }],
  ])('partitions at %j, local disk at %d', (shares, local, expected) => {
    expect(judge(shares, local)).toMatchObject(expected);
  });

  it('refuses with 421 while the log or the body store is away', () => {
    expect(judge([0], 0, 'no quorum')).toMatchObject({ refusal: { code: 421, enhancedStatus: '4.3.2' } });
  });
});
