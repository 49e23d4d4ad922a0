import type { AddressLiteral, Domain } from '@mailyard/mail';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PastRecipients, PastComparison } from './past-comparison.ts';
import { DEFAULT_ROUTE_RULES, readRoute } from './route-grammar.ts';
import { readRouteLine } from './route-file.ts';
import { RouteTable } from './route-table.ts';
import type { RouteDecision } from './smtp-route.ts';

type Lines = readonly (readonly [key: string, destinations: string])[];

function tableOf(lines: Lines): RouteTable {
  const entries = lines.flatMap(([key, destinations]) => {
    const read = readRoute(readRouteLine(`${key} ${destinations}`)!, DEFAULT_ROUTE_RULES);
    return 'route' in read ? [{ item: read.route, since: 1 }] : [];
  });
  return new RouteTable(1, 'covering', entries);
}

/** The rule as it is written down: itself, what lies above it with the dotted one first, ALL, DNS (R30 to R36). */
function naive(lines: Lines, domain: string): { row: string; to: string } {
  const written = new Map(lines);
  const rows = [domain];
  for (let rest = domain; rest.includes('.'); ) {
    rest = rest.slice(rest.indexOf('.') + 1);
    rows.push(`.${rest}`, rest);
  }
  const row = [...rows, 'ALL'].find((one) => written.has(one));
  const to = row === undefined ? 'USEDNS' : written.get(row)!;
  return { row: row === undefined || (row === 'ALL' && to === 'USEDNS') ? 'DNS' : row, to };
}

const name = fc.array(fc.constantFrom('a', 'b', 'com'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('.'));
const key = fc.oneof(
  name,
  name.map((one) => `.${one}`),
  fc.constant('ALL'),
);
const destinations = fc.constantFrom('USEDNS', '/dev/null', 'x.test', 'y.test');
const table: fc.Arbitrary<Lines> = fc.uniqueArray(fc.tuple(key, destinations), {
  selector: ([one]) => one,
  maxLength: 8,
});

const written = ({ target }: RouteDecision): string =>
  target.kind === 'hosts' ? target.hosts[0]!.host : target.kind === 'null' ? '/dev/null' : 'USEDNS';

describe('the comparison of past mail', () => {
  it('tells what looking at every recipient by itself tells, however they come in pieces (R30, R40)', () => {
    fc.assert(
      fc.property(table, table, fc.array(fc.array(name)), (before, after, pieces) => {
        const comparison = new PastComparison({ before: tableOf(before), after: tableOf(after) });
        for (const piece of pieces)
          for (const domain of new Set(piece)) {
            const recipients = piece.filter((one) => one === domain).length;
            comparison.add({ domain: domain as Domain, recipients, examples: [`u@${domain}`] });
          }
        const all = pieces.flat();
        const moved = all.filter((domain) => naive(before, domain).to !== naive(after, domain).to);
        expect(comparison.recipients).toBe(all.length);
        expect(comparison.moved).toBe(moved.length);
        expect(comparison.discarded).toBe(moved.filter((domain) => naive(after, domain).to === '/dev/null').length);
        expect(comparison.domains).toBe(new Set(moved).size);
        const told = comparison.changes(Infinity).map((change) => ({
          ...{ domain: change.domain, recipients: change.recipients, examples: change.examples },
          ...{ from: written(change.before), to: written(change.after) },
          ...{ rowBefore: change.before.matched, rowAfter: change.after.matched },
        }));
        const expected = [...new Set(moved)].map((domain) => ({
          ...{ domain, recipients: moved.filter((one) => one === domain).length, examples: [`u@${domain}`] },
          ...{ from: naive(before, domain).to, to: naive(after, domain).to },
          ...{ rowBefore: naive(before, domain).row, rowAfter: naive(after, domain).row },
        }));
        const byDomain = (a: { domain: string }, b: { domain: string }): number => (a.domain < b.domain ? -1 : 1);
        expect(told.sort(byDomain)).toEqual(expected.sort(byDomain));
      }),
      { numRuns: 500 },
    );
  });

  it('tells first what would be dropped, then what is most; of each domain three addresses', () => {
    const before = tableOf([['ALL', 'x.test']]);
    const after = tableOf([
      ['ALL', 'y.test'],
      ['few.test', '/dev/null'],
    ]);
    const comparison = new PastComparison({ before, after });
    const add = (domain: string, addresses: readonly string[]): void => {
      const past: PastRecipients = { domain: domain as Domain, recipients: addresses.length, examples: addresses };
      comparison.add(past);
    };
    add('some.test', ['a@some.test', 'b@some.test']);
    add('few.test', ['a@few.test']);
    add('[192.0.2.1]' as AddressLiteral, ['a@[192.0.2.1]']);
    add('some.test', ['b@some.test', 'c@some.test', 'd@some.test']);
    expect(comparison.changes(2)).toMatchObject([
      { domain: 'few.test', recipients: 1 },
      { domain: 'some.test', recipients: 5, examples: ['a@some.test', 'b@some.test', 'c@some.test'] },
    ]);
    expect(comparison).toMatchObject({ recipients: 7, moved: 7, discarded: 1, domains: 3 });
  });
});
