import { array, assert, constantFrom, property, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressNumber, type HostPattern, readHostPattern } from './host-pattern.ts';
import { namesEveryone } from './open-relay.ts';

type Range = Extract<HostPattern, { kind: 'range' }>;

const range = (source: string): Range => {
  const pattern = readHostPattern(source);
  if (typeof pattern === 'string' || pattern.kind !== 'range') throw new Error(source);
  return pattern;
};
const everyone = (...sources: string[]) => namesEveryone(sources.map(range));

/** Addresses beside each edge of what is public, and some in the middle; the first of each kind are public. */
const PUBLIC = [
  '1.0.0.0',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
];
const MORE = ['127.255.255.255', '169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '192.167.255.255'];
const REST = ['192.169.0.0', '193.0.0.0', '223.255.255.255', '64.0.0.0', '63.255.255.255', '8.8.8.8'];
const isPublic = (address: string): boolean => !address.startsWith('127.');

describe('networks that together relay for everyone (R124)', () => {
  it.each([
    [['0/0'], [4]],
    [['0/1', '128/1'], [4]],
    [['128/1', '0/2', '64/2'], [4]],
    // Nobody's address is a private or a multicast one.
    [['1-9', '11-126', '128-223'], [4]],
    [['0/1', '128/2', '192/3'], [4]],
    [['::/1', '8000::/1'], [6]],
    [['2000::/4', '3000::/4'], [6]],
    [
      ['2000::/3', '0/1', '128/1'],
      [4, 6],
    ],
    [['0/1'], []],
    [['0/1', '128/2', '192/4'], []],
    [['0/1', '129-255'], []],
    [['10/8', '172.16/12', '192.168/16', 'fc00::/7'], []],
    [['2000::/4'], []],
    [[], []],
  ])('%j name everyone over %j', (sources, families) => {
    expect(everyone(...sources)).toEqual(families);
  });

  it('are found as one who asks about each address finds them', () => {
    const halves = ['0/1', '128/1', '0/2', '64/2', '128/2', '192/2', '1-9', '11-63', '64-126', '128-191', '192-223'];
    const source = constantFrom(...halves, '10/8', '172.16/12', '193-223', '192/8', '100/8', '169-172');
    assert(
      property(array(source, { maxLength: 9 }), tuple(source, source), (some, two) => {
        const ranges = [...some, ...two].map(range);
        const covers = (address: string): boolean => {
          const { value } = addressNumber(address)!;
          return ranges.some(({ first, last }) => first <= value && value <= last);
        };
        const asked = [...PUBLIC, ...MORE, ...REST].filter(isPublic);
        // The sources cut no finer than these addresses tell apart.
        expect(namesEveryone(ranges).includes(4)).toBe(asked.every(covers));
      }),
      { numRuns: 2_000 },
    );
  });
});
