import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dealPartitions, type GroupMember } from './deal-partitions.ts';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
const dealtTo = (deal: ReadonlyMap<string, readonly number[]>, since = 1): GroupMember[] =>
  [...deal].map(([id, held]) => ({ id, held, since }));
const fresh = (id: string): GroupMember => ({ id, held: [], since: 0 });

describe('dealPartitions', () => {
  it('gives every partition to exactly one member, evenly', () => {
    const member = fc.record({
      id: fc.string({ minLength: 1 }),
      held: fc.array(fc.nat(70)),
      since: fc.nat(3),
    });
    fc.assert(
      fc.property(
        fc.nat(64),
        fc.uniqueArray(member, { selector: ({ id }) => id, minLength: 1, maxLength: 9 }),
        (count, members) => {
          const deal = dealPartitions(upTo(count), members);
          expect([...deal.values()].flat().sort((a, b) => a - b)).toEqual(upTo(count));
          const sizes = [...deal.values()].map(({ length }) => length);
          expect(sizes).toHaveLength(members.length);
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
          expect(dealPartitions(upTo(count), members.toReversed())).toEqual(deal);
        },
      ),
    );
  });

  it('moves nothing when the same members come again', () => {
    fc.assert(
      fc.property(fc.nat(64), fc.integer({ min: 1, max: 9 }), (count, memberCount) => {
        const deal = dealPartitions(
          upTo(count),
          upTo(memberCount).map((at) => fresh(`m${at}`)),
        );
        expect(dealPartitions(upTo(count), dealtTo(deal))).toEqual(deal);
      }),
    );
  });

  it('moves only the share of a member that joins', () => {
    const before = dealPartitions(upTo(64), [fresh('a'), fresh('b'), fresh('c')]);
    const after = dealPartitions(upTo(64), [...dealtTo(before), fresh('d')]);
    const moved = upTo(64).filter((partition) => holder(before, partition) !== holder(after, partition));
    expect(after.get('d')).toEqual(moved);
    expect(moved).toHaveLength(16);
  });

  it('moves only what a member held that left', () => {
    const before = dealPartitions(upTo(64), [fresh('a'), fresh('b'), fresh('c')]);
    const after = dealPartitions(
      upTo(64),
      dealtTo(before).filter(({ id }) => id !== 'b'),
    );
    for (const id of ['a', 'c']) expect(after.get(id)).toEqual(expect.arrayContaining([...before.get(id)!]));
  });

  it('believes the member that was dealt a partition last', () => {
    const deal = dealPartitions(upTo(2), [
      { id: 'old', held: [0, 1], since: 1 },
      { id: 'new', held: [1], since: 2 },
    ]);
    expect(deal.get('new')).toEqual([1]);
  });
});

function holder(deal: ReadonlyMap<string, readonly number[]>, partition: number): string | undefined {
  return [...deal].find(([, list]) => list.includes(partition))?.[0];
}
