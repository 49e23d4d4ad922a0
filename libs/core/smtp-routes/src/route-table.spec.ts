import * as fc from 'fast-check';
import { type AddressLiteral, type Domain, parseDomain, parseAddressLiteral } from '@mailyard/mail';
import { describe, expect, it } from 'vitest';
import vectors from '../testdata/vectors.json' with { type: 'json' };
import { DEFAULT_ROUTE_RULES, isSameTarget, printTarget, readRoute } from './route-grammar.ts';
import { readRouteLine } from './route-file.ts';
import { type RouteChange, type RouteEntry, RouteTable } from './route-table.ts';
import type { MatchingMode, ReceivingDomain, RouteDecision, RouteTarget, SmtpRoute } from './smtp-route.ts';

function entry(line: string, since = 1): RouteEntry | undefined {
  const read = readRoute(readRouteLine(line)!, DEFAULT_ROUTE_RULES);
  return 'route' in read ? { item: read.route, since } : undefined;
}

function tableOf(mode: MatchingMode, lines: readonly string[]): RouteTable {
  return new RouteTable(
    1,
    mode,
    lines.map((line) => entry(line)).filter((one) => one !== undefined),
  );
}

const result = ({ matched, target }: RouteDecision): string =>
  matched === 'DNS' ? 'DNS' : printTarget(target).join(', ');

describe('the route table', () => {
  for (const mode of ['covering', 'dotted'] as const) {
    it.each(vectors)(`${mode}: $why: $table / $domain`, (vector) => {
      const domain = parseAddressLiteral(vector.domain) ?? parseDomain(vector.domain)!;
      expect(result(tableOf(mode, vector.table).lookup(domain))).toBe(vector[mode]);
    });
  }

  it('agrees with a linear scan, whatever came before (R33, R39)', () => {
    fc.assert(
      fc.property(histories, fc.array(domains, { minLength: 1, maxLength: 20 }), ({ mode, versions }, asked) => {
        const table = new RouteTable(0, mode, []);
        const kept = new Map<ReceivingDomain, SmtpRoute>();
        for (const [index, changes] of versions.entries()) {
          table.advance(
            index + 1,
            changes.map(({ key, route }) => change(key, route, index + 1)),
          );
          for (const { key, route } of changes) {
            if (route === undefined) kept.delete(key);
            else kept.set(key, route);
          }
          for (const domain of asked) {
            const scanned = scan(kept, mode, domain);
            const decision = table.lookup(domain);
            expect(decision.matched).toBe(scanned === undefined ? 'DNS' : scanned.receivingDomain);
            if (scanned !== undefined) expect(decision.target).toEqual(scanned.target);
            const [first] = table.candidates(domain);
            expect(first?.verdict === 'winner' ? first.entry.item : undefined).toEqual(scanned);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('tells of every recipient domain whose answer a version changes, and with the entry at hand of no other (I11)', () => {
    fc.assert(
      fc.property(histories, fc.array(domains, { minLength: 1, maxLength: 20 }), ({ mode, versions }, asked) => {
        const table = new RouteTable(0, mode, []);
        for (const [index, changes] of versions.entries()) {
          const version = index + 1;
          const before = asked.map((domain) => table.lookup(domain));
          const real = changes.filter(({ key, route }) => {
            const [old, next] = [targetOf(key, table.entry(key)?.item), targetOf(key, route)];
            return old === undefined || next === undefined ? old !== next : !isSameTarget(old, next);
          });
          const told = table.advance(
            version,
            real.map(({ key, route }) => change(key, route, version)),
          );
          for (const [at, domain] of asked.entries()) {
            const now = table.lookup(domain);
            const old = before[at]!;
            const differs = old.matched !== now.matched || !isSameTarget(old.target, now.target);
            expect(told.concerns(domain, now.matched)).toBe(differs);
            // A cache has the answer from before.
            if (differs) expect(told.concerns(domain, old.matched)).toBe(true);
            if (differs) expect(told.concerns(domain)).toBe(true);
            if (differs) expect(now.since).toBe(version);
            else expect(now.since).toBeLessThanOrEqual(version);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('remembers what a removal concerned when it is built again from what it was (I11)', () => {
    const rebuilt = new RouteTable(9, 'covering', [entry('example.com a.test', 3)!], {
      modeSince: 0,
      knownSince: 2,
      removed: [['x.example.com' as ReceivingDomain, 7]],
    });
    expect(rebuilt.lookup('x.example.com' as Domain)).toMatchObject({ matched: 'example.com', since: 7 });
    expect(rebuilt.lookup('y.example.com' as Domain).since).toBe(3);
    expect(rebuilt.lookup('other.test' as Domain).since).toBe(2);
  });

  it('takes all recipient domains to be concerned by another mode (R37)', () => {
    const table = tableOf('covering', ['example.com a.test']);
    expect(result(table.lookup('x.example.com' as Domain))).toBe('a.test');
    const told = table.advance(2, [], 'dotted');
    expect(told.concerns('x.example.com' as Domain, 'example.com')).toBe(true);
    expect(table.lookup('x.example.com' as Domain)).toMatchObject({ matched: 'DNS', since: 2 });
  });

  it('lists all candidates in rank order (R40)', () => {
    const table = tableOf('covering', [
      'example.com a.test',
      '.example.com USEDNS',
      'host1.example.com b.test',
      'ALL c.test',
    ]);
    expect(
      table
        .candidates('x.host1.example.com' as Domain)
        .map(({ entry, verdict }) => `${entry.item.receivingDomain} ${verdict}`),
    ).toEqual([
      'host1.example.com winner',
      '.example.com lessSpecific',
      'example.com lessSpecific',
      'ALL lessSpecific',
    ]);
  });
});

function change(key: ReceivingDomain, route: SmtpRoute | undefined, since: number): RouteChange {
  return route === undefined ? { receivingDomain: key } : { receivingDomain: key, entry: { item: route, since } };
}

/** An ALL that is not there is an empty one (R4, R5). */
function targetOf(key: ReceivingDomain, route: SmtpRoute | undefined): RouteTarget | undefined {
  return route?.target ?? (key === 'ALL' ? { kind: 'usedns' } : undefined);
}

/** The rule as it is written down, by looking at every entry (R33). */
function scan(
  routes: ReadonlyMap<ReceivingDomain, SmtpRoute>,
  mode: MatchingMode,
  domain: string,
): SmtpRoute | undefined {
  let best: { route: SmtpRoute; length: number; dotted: boolean } | undefined;
  for (const route of routes.values()) {
    const key = route.receivingDomain;
    const dotted = key.startsWith('.');
    const name = dotted ? key.slice(1) : key;
    const isBelow = !domain.startsWith('[') && domain.endsWith(`.${name}`);
    if (key === 'ALL' || !(dotted ? isBelow : key === domain || (mode === 'covering' && isBelow))) continue;
    if (best === undefined || name.length > best.length || (name.length === best.length && dotted && !best.dotted)) {
      best = { route, length: name.length, dotted };
    }
  }
  const all = routes.get('ALL');
  return best?.route ?? (all?.target.kind === 'usedns' ? undefined : all);
}

const labels = fc.constantFrom('a', 'b', 'com', 'xn--bcher-kva', 'constructor', '__proto__');
const names = fc.array(labels, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
const literals = fc.constantFrom('[192.0.2.1]', '[192.0.2.2]', '[IPv6:2001:db8::1]');
const domains = fc.oneof({ weight: 9, arbitrary: names }, { weight: 1, arbitrary: literals }) as fc.Arbitrary<
  Domain | AddressLiteral
>;
const keys = fc.oneof(
  { weight: 5, arbitrary: names },
  { weight: 5, arbitrary: names.map((name) => `.${name}`) },
  { weight: 1, arbitrary: literals },
  { weight: 2, arbitrary: fc.constant('ALL') },
) as fc.Arbitrary<ReceivingDomain>;
const lines = fc.constantFrom('USEDNS', '/dev/null', 'a.test', 'b.test', 'a.test, b.test', 'a.test/auth=one');
const edits = fc.tuple(keys, fc.option(lines, { freq: 3, nil: undefined })).map(([key, line]) => ({
  key,
  route: line === undefined ? undefined : entry(`${key} ${line}`)!.item,
}));
const histories = fc.record({
  mode: fc.constantFrom<MatchingMode>('covering', 'dotted'),
  versions: fc.array(fc.uniqueArray(edits, { selector: ({ key }) => key, maxLength: 8 }), {
    minLength: 1,
    maxLength: 6,
  }),
});
