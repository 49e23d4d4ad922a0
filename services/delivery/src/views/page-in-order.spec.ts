import { Pace } from '@mailyard/telemetry';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { pageInOrder } from './page-in-order.ts';

it('is the page that sorting all gives', async () => {
  const figures = fc.array(fc.nat({ max: 20 }), { maxLength: 300 });
  await fc.assert(
    fc.asyncProperty(figures, fc.nat({ max: 320 }), fc.nat({ max: 60 }), async (list, offset, limit) => {
      const compare = (one: number, other: number): number => list[one]! - list[other]! || one - other;
      const sorted = list.map((_, place) => place).toSorted(compare);
      const page = await pageInOrder(list.keys(), offset, limit, compare, new Pace());
      expect(page).toEqual(sorted.slice(offset, offset + limit));
      expect(await pageInOrder(list.keys(), 0, Infinity, compare, new Pace())).toEqual(sorted);
    }),
  );
});
