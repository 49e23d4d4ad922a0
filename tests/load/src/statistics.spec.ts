import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printNumber, quantile, spreadOf } from './statistics.ts';

describe('spread of a sample', () => {
  it('has median and quartiles by linear interpolation', () => {
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, lower: 1.75, upper: 3.25, count: 4 });
  });

  it('lies within the sample, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const { lower, median, upper } = spreadOf(values);
        expect(lower).toBeGreaterThanOrEqual(Math.min(...values));
        expect(median).toBeGreaterThanOrEqual(lower);
        expect(upper).toBeGreaterThanOrEqual(median);
        expect(upper).toBeLessThanOrEqual(Math.max(...values));
      }),
    );
  });

  it('has its ends at 0 and 1', () => {
    expect([quantile([1, 2, 5], 0), quantile([1, 2, 5], 1)]).toEqual([1, 5]);
  });
});

describe('a printed number', () => {
  it.each([
    [1234.5, '1235'],
    [12.34, '12.3'],
    [1.234, '1.23'],
    [0.0123, '0.012'],
  ])('%d is %s', (value, text) => expect(printNumber(value)).toBe(text));
});
