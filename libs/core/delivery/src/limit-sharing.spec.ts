import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fairShare, type LimitClaim, recipientBlock, slotsToHold, staticShare } from './limit-sharing.ts';

const claimsOf = (wants: readonly number[]): LimitClaim[] =>
  wants.map((want, index) => ({ who: `w${index}`, want, held: 0 }));

/** One at a time to whoever has the least of those that want more: what a share should come to. */
function oneByOne(limit: number, wants: readonly number[]): number[] {
  const given = wants.map(() => 0);
  for (let i = 0; i < limit; i++) {
    let next = -1;
    for (const [index, want] of wants.entries())
      if (given[index]! < want && (next < 0 || given[index]! < given[next]!)) next = index;
    if (next >= 0) given[next]! += 1;
  }
  return given;
}

const limits = fc.integer({ min: 1, max: 40 });
const wants = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 8 });

describe('sharing a limit among workers (R140)', () => {
  it('gives what giving one at a time would give: all that is wanted and free, and no more than the limit', () => {
    fc.assert(
      fc.property(limits, wants, fc.nat(100), (limit, wanted, turn) => {
        const claims = claimsOf(wanted);
        const shares = claims.map(({ who }) => fairShare(limit, claims, who, turn));
        expect(shares.toSorted((a, b) => a - b)).toEqual(oneByOne(limit, wanted).toSorted((a, b) => a - b));
        for (const [index, share] of shares.entries()) expect(share).toBeLessThanOrEqual(wanted[index]!);
      }),
    );
  });

  it('lets workers take turns where there are more of them than there is to share', () => {
    const claims = claimsOf([1, 30, 5, 0]);
    const turns = [0, 1, 2].map((turn) => claims.map(({ who }) => fairShare(1, claims, who, turn)));
    expect(turns.map((shares) => shares.reduce((sum, share) => sum + share))).toEqual([1, 1, 1]);
    expect([0, 1, 2].map((worker) => turns.reduce((sum, shares) => sum + shares[worker]!, 0))).toEqual([1, 1, 1]);
  });

  it('comes to the share of the partitions without the others: not above the limit, but at least 1', () => {
    fc.assert(
      fc.property(limits, fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), (limit, owned) => {
        const all = owned.reduce((sum, one) => sum + one);
        const shares = owned.map((one) => staticShare(limit, { owned: one, all }));
        const sum = shares.reduce((total, one) => total + one);
        expect(sum).toBeLessThanOrEqual(limit + owned.length - 1);
        if (shares.every((share) => share > 1)) expect(sum).toBeLessThanOrEqual(limit);
        expect(Math.min(...shares)).toBeGreaterThanOrEqual(1);
      }),
    );
    expect(staticShare(10, { owned: 0, all: 8 })).toBe(1);
    expect(staticShare(10, { owned: 8, all: 8 })).toBe(10);
  });

  it('has a worker ask for what it wants, keep a little while, and give back at once what others want', () => {
    const need = { limit: 10, want: 4, held: 6, fair: 3, isAwaited: false, isSurplus: false, share: undefined };
    expect(slotsToHold(need)).toBe(6);
    expect(slotsToHold({ ...need, isSurplus: true })).toBe(4);
    expect(slotsToHold({ ...need, isAwaited: true })).toBe(3);
    expect(slotsToHold({ ...need, want: 8 })).toBe(8);
    expect(slotsToHold({ ...need, want: 80 })).toBe(10);
    expect(slotsToHold({ ...need, want: 8, share: 5 })).toBe(5);
    expect(slotsToHold({ ...need, want: 0, isAwaited: true, fair: 0 })).toBe(0);
  });

  it('leases recipients in blocks of an eighth of the share, or what is needed', () => {
    expect(recipientBlock(1, 400, 800)).toBe(50);
    expect(recipientBlock(70, 400, 800)).toBe(70);
    expect(recipientBlock(9, 1, 5)).toBe(5);
  });
});
