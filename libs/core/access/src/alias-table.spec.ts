import { type Mailbox, parseMailbox } from '@mailyard/mail';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AliasRow, AliasTable, MAX_EXPANSION, NULL_DEVICE } from './alias-table.ts';
import { matches, readRewritingPattern } from './address-pattern.ts';

const rowsOf = (...rows: readonly (readonly [alias: string, ...to: string[]])[]): AliasRow[] =>
  rows.map(([alias, ...to]) => ({ alias, to }));

function read(...rows: readonly (readonly [alias: string, ...to: string[]])[]): AliasTable {
  const table = AliasTable.read(rowsOf(...rows));
  if (!(table instanceof AliasTable)) throw new Error(JSON.stringify(table));
  return table;
}

function faultsOf(...rows: readonly (readonly [alias: string, ...to: string[]])[]): string[] {
  const table = AliasTable.read(rowsOf(...rows));
  return Array.isArray(table) ? table.map(({ field, message }) => `${field}: ${message}`) : [];
}

function expand(table: AliasTable, address: string): string[] | string | undefined {
  const found = table.expand(parseMailbox(address)!);
  if (found === undefined) return undefined;
  if ('fault' in found) return found.fault;
  return [
    ...found.recipients.map((recipient) => recipient.address),
    ...found.discarded.map((recipient) => `${recipient.address} dropped`),
  ];
}

describe('the alias table (R136)', () => {
  const table = read(
    ['sales@example.com', 'ann@example.com', 'bob@example.net'],
    ['team@example.com', 'sales', 'carl', 'ann@example.com'],
    ['joe@example.com', 'joe@example.com', 'archive@example.org'],
    ['nobody@example.com', NULL_DEVICE],
    ['most@example.com', 'nobody', 'carl'],
    ['info@.example.com', 'desk'],
    ['@.example.com', 'web@example.com'],
    ['@example.org', 'all@example.org'],
  );

  it.each<[string, string[] | undefined]>([
    ['sales@example.com', ['ann@example.com', 'bob@example.net']],
    ['SALES@EXAMPLE.com', ['ann@example.com', 'bob@example.net']],
    ['"sales"@example.com', ['ann@example.com', 'bob@example.net']],
    // A name without domain is at the recipient's; who is named twice is one.
    ['team@example.com', ['ann@example.com', 'bob@example.net', 'carl@example.com']],
    ['joe@example.com', ['joe@example.com', 'all@example.org']],
    ['info@sub.example.com', ['web@example.com']],
    ['info@a.b.example.com', ['web@example.com']],
    ['x@sub.example.com', ['web@example.com']],
    ['x@example.org', ['all@example.org']],
    ['nobody@example.com', ['nobody@example.com dropped']],
    ['most@example.com', ['carl@example.com', 'nobody@example.com dropped']],
    ['x@example.com', undefined],
    ['sales@example.net', undefined],
    ['postmaster', undefined],
  ])('makes of %s', (address, expected) => {
    expect(expand(table, address)).toEqual(expected);
  });

  it('is read from its top: the first row that names the recipient decides', () => {
    const [one, two] = [
      ['@example.com', 'one@example.net'],
      ['joe@example.com', 'two@example.net'],
    ] as const;
    expect(expand(read(one, two), 'joe@example.com')).toEqual(['one@example.net']);
    expect(expand(read(two, one), 'joe@example.com')).toEqual(['two@example.net']);
  });

  it('refuses what leads back to itself, with the way', () => {
    expect(faultsOf(['a@x.example', 'b'], ['b@x.example', 'c', 'd@y.example'], ['c@x.example', 'a'])).toEqual([
      'aliases[0]: leads back to where it was: a@x.example, b@x.example, c@x.example, a@x.example',
      'aliases[1]: leads back to where it was: b@x.example, c@x.example, a@x.example, b@x.example',
      'aliases[2]: leads back to where it was: c@x.example, a@x.example, b@x.example, c@x.example',
    ]);
    expect(faultsOf(['@x.example', 'u@y.example'], ['@y.example', 'u@x.example'])).toHaveLength(2);
    // The example for a whole domain is an alias of its own here.
    expect(
      faultsOf(['anyone@x.example', 'u@z.example'], ['@x.example', 'v@y.example'], ['v@y.example', 'w@x.example']),
    ).toHaveLength(2);
  });

  it('finds at the recipient what a row for a whole domain hides', () => {
    // The one address by which each row is tried is an alias of its own.
    const tried = ['a', 'b', 'c'].map((name) => [`${name}@any.x.example`, 'z@y.example'] as const);
    const hidden = read(...tried, ['a@.x.example', 'b'], ['b@.x.example', 'c'], ['c@.x.example', 'a']);
    expect(expand(hidden, 'a@any.x.example')).toEqual(['z@y.example']);
    expect(expand(hidden, 'a@sub.x.example')).toBe('loop');
  });

  it('is no amplifier: ten aliases deep and a thousand recipients at most', () => {
    const chain = (length: number) =>
      Array.from({ length }, (_, i) => [`a${i}@x.example`, `a${i + 1}@x.example`] as const);
    expect(expand(read(...chain(10)), 'a0@x.example')).toEqual(['a10@x.example']);
    expect(faultsOf(...chain(11))[0]).toMatch(/^aliases\[0\]: leads over more than 10 aliases/);
    const many = (count: number, name: string) => Array.from({ length: count }, (_, i) => `${name}${i}@x.example`);
    const halves = [
      ['all@x.example', 'one', 'two'],
      ['one@x.example', ...many(500, 'u')],
    ] as const;
    expect(expand(read(...halves, ['two@x.example', ...many(500, 'v')]), 'all@x.example')).toHaveLength(1_000);
    expect(expand(read(...halves, ['two@x.example', ...many(700, 'u')]), 'all@x.example')).toHaveLength(700);
    expect(faultsOf(...halves, ['two@x.example', ...many(501, 'v')])).toEqual([
      'aliases[0]: leads to more than 1000 recipients: all@x.example, two@x.example',
    ]);
    expect(faultsOf(['all@x.example', ...many(1_001, 'u')])[0]).toMatch(/^aliases\[0\]\.to: leads to more than 1000/);
  });

  it('tells all faults of its rows', () => {
    expect(
      faultsOf(
        ['sales', 'a@x.example'],
        ['user@', 'a@x.example'],
        ['ALL', 'a@x.example'],
        ['a@x.example'],
        ['b@x.example', NULL_DEVICE, 'c'],
        ['c@x.example', '@y.example', 'd e', 'f@-.example', 'ok'],
      ).map((fault) => fault.slice(0, fault.indexOf(':'))),
    ).toEqual([
      'aliases[0].alias',
      'aliases[1].alias',
      'aliases[2].alias',
      'aliases[3].to',
      'aliases[4].to',
      'aliases[5].to',
      'aliases[5].to',
      'aliases[5].to',
    ]);
  });

  it('looks at an alias that many lead to once: 20,000 aliases of a list of a thousand', () => {
    const list = Array.from({ length: MAX_EXPANSION }, (_, i) => `u${i}@x.example`);
    const rows = Array.from({ length: 20_000 }, (_, i) => ({ alias: `a${i}@x.example`, to: ['list'] }));
    const table20k = AliasTable.read([...rows, { alias: 'list@x.example', to: list }]);
    expect(table20k).toBeInstanceOf(AliasTable);
    expect(expand(table20k as AliasTable, 'a7@x.example')).toHaveLength(MAX_EXPANSION);
  });

  it('agrees with a walk over all rows', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const domain = fc.constantFrom('x.example', 'y.example', 's.x.example');
    const address = fc.tuple(name, domain).map(([user, at]) => `${user}@${at}`);
    const left = fc.oneof(
      { weight: 3, arbitrary: address },
      fc.constantFrom('@x.example', '@y.example', '@.x.example', 'a@.x.example', 'b@.example'),
    );
    const target = fc.oneof({ weight: 2, arbitrary: address }, name);
    const row = fc.record({
      alias: left,
      to: fc.oneof(
        { weight: 8, arbitrary: fc.array(target, { minLength: 1, maxLength: 3 }) },
        fc.constant([NULL_DEVICE]),
      ),
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 6 }), address, (rows, recipient) => {
        const readTable = AliasTable.read(rows);
        const naive = naiveExpansion(rows, recipient);
        if (!(readTable instanceof AliasTable)) return;
        const found = expand(readTable, recipient);
        expect(found === undefined || typeof found === 'string' ? found : found.toSorted()).toEqual(naive);
      }),
      { numRuns: 2_000 },
    );
  });

  it('never takes a table in which an address of its rows leads in a circle', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const row = fc.record({
      alias: name.map((user) => `${user}@x.example`),
      to: fc.array(name, { minLength: 1, maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.uniqueArray(row, { minLength: 1, maxLength: 5, selector: ({ alias }) => alias }), (rows) => {
        const isRefused = !(AliasTable.read(rows) instanceof AliasTable);
        const goesRound = rows.some(({ alias }) => naiveExpansion(rows, alias) === 'loop');
        expect(isRefused).toBe(goesRound);
      }),
      { numRuns: 2_000 },
    );
  });
});

/** The rules said once more, the slow way: every row is looked at for every address, on every way that leads there. */
function naiveExpansion(rows: readonly AliasRow[], address: string): string[] | 'loop' | undefined {
  const rowFor = (one: Mailbox) => rows.find(({ alias }) => matches(readRewritingPattern(alias)!, one));
  const first = rowFor(parseMailbox(address)!);
  if (first === undefined) return undefined;
  const ends = new Set<string>();
  const isRound = (row: AliasRow, from: string, way: readonly string[]): boolean =>
    row.to.some((to) => {
      if (to === NULL_DEVICE) {
        ends.add(`${from} dropped`);
        return false;
      }
      const next = to.includes('@') ? to : `${to}${from.slice(from.indexOf('@'))}`;
      const deeper = next === from ? undefined : rowFor(parseMailbox(next)!);
      if (next !== from && way.includes(next)) return true;
      if (deeper !== undefined) return isRound(deeper, next, [...way, next]);
      ends.add(next);
      return false;
    });
  return isRound(first, address, [address]) ? 'loop' : [...ends].toSorted();
}
