import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SmallSet } from './small-set.ts';

describe('a small set', () => {
  it('is a set', () => {
    const change = fc.record({
      kind: fc.constantFrom('add', 'delete', 'clear'),
      member: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(change), (changes) => {
        const small = new SmallSet<number>();
        const naive = new Set<number>();
        for (const { kind, member } of changes) {
          if (kind === 'add') {
            small.add(member);
            naive.add(member);
          } else if (kind === 'delete') {
            small.delete(member);
            naive.delete(member);
          } else {
            small.clear();
            naive.clear();
          }
          expect(new Set(small)).toEqual(naive);
          expect(small.size).toBe(naive.size);
        }
      }),
    );
  });
});
