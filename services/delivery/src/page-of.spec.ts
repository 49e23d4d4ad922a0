import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pageOf } from './page-of.ts';

describe('pageOf', () => {
  it('gives what sorting and slicing would', () => {
    const numbers = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 });
    fc.assert(
      fc.property(numbers, fc.nat(220), fc.option(fc.nat(50), { nil: Infinity }), (all, offset, limit) => {
        const compare = (a: number, b: number): number => a - b;
        const expected = all.toSorted(compare).slice(offset, offset + limit);
        expect(pageOf([...all], compare, offset, limit)).toEqual(expected);
      }),
    );
  });
});
