import { addressNumber, type HostPattern } from './host-pattern.ts';

type Range = Extract<HostPattern, { kind: 'range' }>;

/**
 * The addresses from which mail comes over the Internet: without those of private networks, of this host and of links, and
 * without what is no address of a host (RFC 6890). Whoever may send from all of these is everyone, whatever else is left out.
 */
const PUBLIC: readonly Range[] = [
  ...between('1.0.0.0', '9.255.255.255'),
  ...between('11.0.0.0', '100.63.255.255'),
  ...between('100.128.0.0', '126.255.255.255'),
  ...between('128.0.0.0', '169.253.255.255'),
  ...between('169.255.0.0', '172.15.255.255'),
  ...between('172.32.0.0', '192.167.255.255'),
  ...between('192.169.0.0', '223.255.255.255'),
  ...between('2000::', '3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'),
];

function between(begin: string, end: string): [Range] {
  const { family, value: first } = addressNumber(begin)!;
  return [{ kind: 'range', family, first, last: addressNumber(end)!.value }];
}

/** Over which kinds of addresses these networks together name everyone, however they are cut (R124). */
export function namesEveryone(ranges: readonly Range[]): readonly (4 | 6)[] {
  return ([4, 6] as const).filter((family) => {
    const merged = merge(ranges.filter((range) => range.family === family));
    return PUBLIC.filter((range) => range.family === family).every(({ first, last }) =>
      merged.some((range) => range.first <= first && last <= range.last),
    );
  });
}

/** Ranges in order, those that overlap or touch as one. */
function merge(ranges: readonly Range[]): Range[] {
  const merged: Range[] = [];
  for (const range of ranges.toSorted((a, b) => (a.first < b.first ? -1 : 1))) {
    const before = merged.at(-1);
    if (before === undefined || range.first > before.last + 1n) merged.push(range);
    else if (range.last > before.last) merged[merged.length - 1] = { ...before, last: range.last };
  }
  return merged;
}
