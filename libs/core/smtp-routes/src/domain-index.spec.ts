import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainIndex } from './domain-index.ts';

const names = fc
  .array(fc.constantFrom('a', 'b', 'c', 'dd', ''), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join('.'));

function walk(index: DomainIndex<number>, name: string): (readonly [number, number])[] {
  const found: (readonly [number, number])[] = [];
  index.begin(name);
  for (let value = index.next(); value !== undefined; value = index.next()) found.push([index.start, value]);
  return found;
}

describe('an index of domains', () => {
  it('holds what a map would hold, and finds every suffix, longest first', () => {
    const steps = fc.array(fc.tuple(names, fc.option(fc.nat(), { nil: undefined })), { maxLength: 120 });
    fc.assert(
      fc.property(steps, names, (steps, asked) => {
        const index = new DomainIndex<number>();
        const map = new Map<string, number>();
        for (const [name, value] of steps) {
          if (value === undefined) expect(index.delete(name)).toBe(map.delete(name));
          else {
            index.set(name, value);
            map.set(name, value);
          }
        }
        expect(index.size).toBe(map.size);
        expect(new Map(index.entries())).toEqual(map);
        for (const [name] of steps) expect(index.get(name)).toBe(map.get(name));
        const starts = [0, ...[...asked.matchAll(/\./g)].map((dot) => dot.index + 1)];
        const expected = starts
          .map((start) => [start, map.get(asked.slice(start))] as const)
          .filter(([, value]) => value !== undefined);
        expect(walk(index, asked)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('grows to a hundred thousand names', () => {
    const index = new DomainIndex<number>();
    for (let i = 0; i < 100_000; i++) index.set(`host${i}.example.com`, i);
    for (let i = 0; i < 100_000; i += 2) index.delete(`host${i}.example.com`);
    expect(index.size).toBe(50_000);
    expect(walk(index, 'x.host77777.example.com')).toEqual([[2, 77_777]]);
    expect(walk(index, 'host77776.example.com')).toEqual([]);
  });

  it('reads a name of more labels than there can be without harm', () => {
    const index = new DomainIndex<number>();
    index.set('a', 1);
    expect(walk(index, 'a.'.repeat(500) + 'a')).toEqual([[1000, 1]]);
  });
});
