import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainIndex } from './domain-index.ts';

const names = fc
  .array(fc.constantFrom('a', 'b', 'c', 'dd', 'a-name-of-more-than-eight', ''), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join('.'));
const known = fc.record({ tag: fc.nat(255), reference: fc.integer(), version: fc.maxSafeNat() });

function at(index: DomainIndex, place: number) {
  return { tag: index.tagAt(place), reference: index.referenceAt(place), version: index.versionAt(place) };
}

function walk(index: DomainIndex, name: string): (readonly [start: number, known: unknown])[] {
  const found: (readonly [number, unknown])[] = [];
  index.begin(name);
  for (let place = index.next(); place >= 0; place = index.next()) found.push([index.start, at(index, place)]);
  return found;
}

describe('an index of domains', () => {
  it('holds what a map would hold, and finds every suffix, longest first', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(names, known), { maxLength: 120 }), names, (steps, asked) => {
        const index = new DomainIndex();
        const map = new Map<string, unknown>();
        for (const [name, { tag, reference, version }] of steps) {
          index.set(name, tag, reference, version);
          map.set(name, { tag, reference, version });
        }
        expect(index.size).toBe(map.size);
        for (const [name, kept] of map) expect(at(index, index.find(name))).toEqual(kept);
        if (!map.has(asked)) expect(index.find(asked)).toBe(-1);
        const starts = [0, ...[...asked.matchAll(/\./g)].map((dot) => dot.index + 1)];
        const expected = starts
          .map((start) => [start, map.get(asked.slice(start))] as const)
          .filter(([, kept]) => kept !== undefined);
        expect(walk(index, asked)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('grows to a hundred thousand names', () => {
    const index = new DomainIndex();
    for (let i = 0; i < 100_000; i++) index.set(`host${i}.example.com`, 1, i, i + 2 ** 40);
    expect(index.size).toBe(100_000);
    expect(walk(index, 'x.host77777.example.com')).toEqual([
      [2, { tag: 1, reference: 77_777, version: 77_777 + 2 ** 40 }],
    ]);
    expect(walk(index, 'host100000.example.com')).toEqual([]);
  });

  it('reads a name of more labels, or of other characters, than there can be without harm', () => {
    const index = new DomainIndex();
    index.set('a', 1);
    expect(walk(index, 'a.'.repeat(500) + 'a')).toMatchObject([[1000, { tag: 1 }]]);
    expect(walk(index, '\u0161')).toEqual([]);
    expect(walk(index, '')).toEqual([]);
  });

  it('keeps a name of 127 labels', () => {
    const index = new DomainIndex();
    const longest = Array.from({ length: 127 }, () => 'a').join('.');
    index.set(longest, 3);
    expect(walk(index, longest)).toMatchObject([[0, { tag: 3 }]]);
  });

  it.each(['\u0161', 'a'.repeat(254)])('refuses %j, which is no domain', (name) => {
    expect(() => new DomainIndex().set(name, 1)).toThrow(RangeError);
  });
});
