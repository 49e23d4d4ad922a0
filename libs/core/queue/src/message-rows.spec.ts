import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { MessageRows } from './message-rows.ts';
import type { MessageId } from './records.ts';

/** Runs of the same thing, so that blocks fill, thin out and empty; `far` begins a block early. */
const run = fc.record({
  what: fc.constantFrom('add', 'add', 'removeOldest', 'removeNewest', 'thinOut', 'rename', 'far'),
  count: fc.nat({ max: 2_500 }),
});

test('rows are a map in order of the offset, found by id, however they come and go', () => {
  fc.assert(
    fc.property(fc.array(run, { maxLength: 12 }), (runs) => {
      const rows = new MessageRows();
      /** Name by offset, rising; the id is made of the offset. */
      const naive = new Map<number, number>();
      let offset = 0;
      let name = 0;
      const remove = (one: number): void => {
        naive.delete(one);
        rows.remove(one);
      };
      for (const { what, count } of runs) {
        const offsets = [...naive.keys()];
        if (what === 'far') offset += 2 ** 32;
        if (what === 'add')
          for (let i = 0; i < count; i++) {
            offset += 1 + (i % 3);
            name += 1;
            naive.set(offset, name);
            rows.add(idOf(offset), offset, name);
          }
        if (what === 'removeOldest') for (const one of offsets.slice(0, count)) remove(one);
        if (what === 'removeNewest') for (const one of offsets.slice(offsets.length - count)) remove(one);
        if (what === 'thinOut') for (const [i, one] of offsets.entries()) if (i % 17 !== count % 17) remove(one);
        if (what === 'rename')
          for (const one of offsets.slice(0, count)) {
            name += 1;
            naive.set(one, -name);
            rows.rename(one, -name);
          }
      }
      expect(rows.size).toBe(naive.size);
      let before = -1;
      const names = [...naive.values()];
      for (const [place, [one, named]] of [...naive].entries()) {
        if (rows.nameAfter(before) !== named) expect(rows.nameAfter(before)).toBe(named);
        if (rows.nameAt(one) !== named) expect(rows.nameAt(one)).toBe(named);
        const found = rows.find(idOf(one), (candidate) => candidate === named);
        if (found !== named) expect(found).toBe(names[place]);
        before = one;
      }
      expect(rows.nameAfter(before)).toBeUndefined();
      expect(rows.nameAt(offset + 1)).toBeUndefined();
      expect(rows.find(idOf(offset + 1), () => true)).toBeUndefined();
    }),
    { numRuns: 60 },
  );
});

test('a row takes at most twenty-one octets, however many there are, and few that are left take little', () => {
  const rows = new MessageRows();
  for (let offset = 1; offset <= 200_000; offset++) {
    rows.add(idOf(offset), offset, offset);
    if (offset % 20_000 === 0) expect(rows.sizeOctets / rows.size).toBeLessThan(21);
  }
  for (let offset = 1; offset <= 200_000; offset++) if (offset % 100 !== 0) rows.remove(offset);
  expect(rows.size).toBe(2_000);
  expect(rows.sizeOctets / rows.size).toBeLessThan(80);
  expect(() => rows.remove(1)).toThrow('no message at 1');
});

function idOf(offset: number): MessageId {
  return `m${offset}` as MessageId;
}
