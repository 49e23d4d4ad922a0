import {
  DEFAULT_ROUTE_RULES,
  isSameTarget,
  type ReceivingDomain,
  readRoute,
  readRouteLine,
  type SmtpRoute,
} from '@mailyard/smtp-routes';
import type { Domain } from '@mailyard/mail';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accessTablesOf } from './access-tables.ts';
import { findChainBreak } from './chain.ts';
import { type ChangeSet, isDisjoint, type Operation, reliedOn, touchedBy } from './change-set.ts';
import {
  applyChangeSet,
  applyOperations,
  ConfigurationFold,
  differences,
  operationsBetween,
  reorderedSections,
} from './fold.ts';
import type { AuthProfile, BounceProfile, DestinationControl } from './sections.ts';
import type { DkimProfile } from './dkim-profiles.ts';
import type { Suspension } from './suspensions.ts';
import { type ConfigurationState, initialState, isSameConfiguration, itemsOf, routeTableOf } from './state.ts';
import { Suspensions } from './suspensions.ts';
import { validateOperations } from './validate.ts';

const start = initialState('lineage');

function route(line: string): SmtpRoute {
  const read = readRoute(readRouteLine(line)!, DEFAULT_ROUTE_RULES);
  if ('faults' in read) throw new Error(JSON.stringify(read.faults));
  return read.route;
}

const put = (line: string, expect?: 'absent' | 'present'): Operation => ({
  kind: 'set',
  section: 'routes',
  item: route(line),
  ...(expect === undefined ? {} : { expect }),
});
const drop = (key: string): Operation => ({ kind: 'remove', section: 'routes', key });
const replace = (...lines: string[]): Operation => ({ kind: 'replace', section: 'routes', items: lines.map(route) });
const edge: AuthProfile = {
  name: 'edge',
  username: 'us',
  secret: { kind: 'file', file: '/run/secrets/edge' },
  allowClear: false,
};

function commit(state: ConfigurationState, ...operations: Operation[]): ConfigurationState {
  return applyChangeSet(state, changeSet(state, operations), `hash ${state.version + 1}`);
}

function changeSet(state: ConfigurationState, operations: readonly Operation[]): ChangeSet {
  const { lineage, version, hash } = state;
  return {
    id: `${version + 1}`,
    lineage,
    version: version + 1,
    previousHash: hash,
    author: 'ann',
    reason: '',
    at: 0,
    operations,
  };
}

const lines = (state: ConfigurationState): string[] =>
  Array.from(itemsOf(state, 'routes'), ({ item, since }) => `${item.receivingDomain} ${since}`);
const codes = (state: ConfigurationState, operations: Operation[], maxRoutes = 10_000): string[] =>
  validateOperations(state, operations, { ...DEFAULT_ROUTE_RULES, maxRoutes }).map(
    ({ code, field }) => `${code} ${field}`,
  );

const control = (item: Partial<DestinationControl>): Operation => ({
  kind: 'set',
  section: 'destinationControls',
  item: { domain: 'example.com', ...item },
});

describe('destination controls and bounce profiles', () => {
  it.each([
    ['for a domain, what is below it, a literal and DEFAULT', {}],
    ['', { domain: '.example.com', maxConnections: 1, windowMinutes: 60 }],
    ['', { domain: '[192.0.2.1]' }],
    ['', { domain: 'DEFAULT' }],
  ])('are taken %s (R140, R146)', (_what, item) => {
    expect(codes(start, [control(item)])).toEqual([]);
  });

  it.each([
    { domain: 'ALL' },
    { domain: 'Example.COM' },
    { domain: '*.example.com' },
    { maxConnections: 0 },
    { maxMessagesPerConnection: 0 },
    { maxRecipients: 0 },
    { windowMinutes: 61 },
  ])('are refused with %j, under which no mail would go or no row would be found, each at its field', (item) => {
    const state = commit(start, control({ domain: 'first.example' }));
    expect(codes(state, [control(item)])).toEqual([`ITEM_INVALID destinationControls[1].${Object.keys(item)[0]}`]);
  });

  it('want a wait between attempts, the longest not below the first (R70)', () => {
    const profile = (item: Partial<BounceProfile>): Operation => ({
      kind: 'set',
      section: 'bounceProfiles',
      item: { name: 'quick', ...item },
    });
    expect(codes(start, [profile({ initialWaitSeconds: 1, maxWaitSeconds: 1 })])).toEqual([]);
    expect(codes(start, [profile({ initialWaitSeconds: 0 })])).toEqual([
      'ITEM_INVALID bounceProfiles[0].initialWaitSeconds',
    ]);
    expect(codes(start, [profile({ initialWaitSeconds: 9, maxWaitSeconds: 8 })])).toEqual([
      'ITEM_INVALID bounceProfiles[0].maxWaitSeconds',
    ]);
    expect(codes(start, [control({ bounceProfile: 'quick' })])).toEqual([
      'ITEM_UNKNOWN destinationControls[0].bounceProfile',
    ]);
  });

  it('takes signing profiles that can sign, and one key for one place of the DNS', () => {
    const sign = (name: string, item: Partial<DkimProfile> = {}): Operation => ({
      kind: 'set',
      section: 'dkimProfiles',
      item: { name, domain: 'a.example', selector: 's', key: { kind: 'file', file: '/a' }, ...item },
    });
    expect(codes(start, [sign('a'), sign('b', { senders: ['u@'] }), sign('c', { domain: 'b.example' })])).toEqual([]);
    const other = { key: { kind: 'file', file: '/b' } } as const;
    expect(codes(start, [sign('a'), sign('b', { ...other, selector: 'S' })])).toEqual([
      'DKIM_SELECTOR_DUPLICATE dkimProfiles.a',
      'DKIM_SELECTOR_DUPLICATE dkimProfiles.b',
    ]);
    const state = commit(start, sign('a'));
    expect(codes(state, [sign('b', other)])).toEqual(['DKIM_SELECTOR_DUPLICATE dkimProfiles.b']);
    expect(codes(state, [sign('a', other)])).toEqual([]);
    expect(codes(state, [sign('b', { selector: 'a b' })])).toEqual(['ITEM_INVALID dkimProfiles.b']);
  });

  it('R211 suspend a domain as it is compared, for a reason, and end at their time', () => {
    const suspend = (item: Partial<Suspension>): Operation => ({
      kind: 'set',
      section: 'suspensions',
      item: { part: 'delivery', reason: 'r', author: 'a', ...item },
    });
    expect(codes(start, [suspend({ domain: 'a.example' }), suspend({ domain: '[192.0.2.1]' }), suspend({})])).toEqual(
      [],
    );
    expect(codes(start, [suspend({ domain: 'A.example' })])).toEqual(['ITEM_INVALID operations']);
    expect(codes(start, [suspend({ reason: ' ' })])).toEqual(['ITEM_INVALID operations']);
    expect(codes(start, [suspend({ destination: 'h'.repeat(2_000) })])).toEqual([]);
    expect(codes(start, [suspend({ destination: 'h'.repeat(2_001) })])).toEqual(['ITEM_INVALID operations']);
    for (const listener of ['', 'a b', '\u001b[31m', 'x'.repeat(33)])
      expect(codes(start, [suspend({ part: 'receiving', listener })]), listener).toEqual(['ITEM_INVALID operations']);
    expect(codes(start, [suspend({ part: 'receiving', listener: 'inside_1' })])).toEqual([]);
    const state = commit(start, suspend({ domain: 'a.example', until: 10 }), suspend({ destination: 'h:25' }));
    const items = [...itemsOf(state, 'suspensions')].map(({ item }) => item);
    const [then, later] = [new Suspensions(items, 9), new Suspensions(items, 10)];
    expect([then.nextEnd, later.nextEnd]).toEqual([10, Infinity]);
    const asked = [
      ['a.example', undefined],
      ['b.a.example', undefined],
      ['b.example', 'h:25'],
      ['b.example', 'i:25'],
    ] as const;
    expect(asked.map(([domain, key]) => then.isDeliverySuspended(domain, key))).toEqual([true, false, true, false]);
    expect(asked.map(([domain, key]) => later.isDeliverySuspended(domain, key))).toEqual([false, false, true, false]);
    const listener = new Suspensions([{ part: 'receiving', listener: 'public', reason: 'r', author: 'a' }], 0);
    expect(['public', 'private'].map((name) => listener.isReceivingSuspended(name))).toEqual([true, false]);
    expect(listener.isDeliverySuspended('a.example', undefined)).toBe(false);
  });
});

describe('virtual gateways', () => {
  const put = (from: string, gateway: string): Operation => ({
    kind: 'set',
    section: 'virtualGateways',
    item: { from, gateway },
  });

  it('are kept in their order, one row for one key, however it is written (R147)', () => {
    const state = applyOperations(start, [put('@example.com', 'one'), put('ALL', 'rest'), put('@Example.com', 'two')]);
    expect(Array.from(itemsOf(state, 'virtualGateways'), ({ item }) => item.gateway)).toEqual(['two', 'rest']);
  });

  it('are refused where nobody could be named by them', () => {
    expect(codes(start, [put('192.0.2.0/24', 'one')])).toEqual(['GATEWAY_SENDER_INVALID virtualGateways[0].from']);
    expect(codes(start, [put('@example.com', 'two words')])).toEqual([
      'GATEWAY_NAME_INVALID virtualGateways[0].gateway',
    ]);
  });
});

describe('aliases and the domain map', () => {
  const alias = (name: string, ...to: string[]): Operation => ({
    kind: 'set',
    section: 'aliases',
    item: { alias: name, to },
  });
  const mapping = (from: string, to: string): Operation => ({ kind: 'set', section: 'domainMap', item: { from, to } });

  it('are kept in their order, one row for one key, however it is written (R136)', () => {
    const state = applyOperations(start, [
      alias('a@example.com', 'b'),
      alias('@example.com', 'c'),
      alias('A@Example.com', 'd'),
      mapping('@old.example', '@example.com'),
    ]);
    expect(Array.from(itemsOf(state, 'aliases'), ({ item }) => item.to)).toEqual([['d'], ['c']]);
    expect([...state.sections.domainMap.keys()]).toEqual(['@old.example']);
  });

  it('are judged together, after all edits, and only where they change (R136)', () => {
    const one = commit(start, alias('a@example.com', 'b'));
    expect(codes(one, [alias('b@example.com', 'a')])).toEqual(['ITEM_INVALID aliases[0]', 'ITEM_INVALID aliases[1]']);
    expect(codes(one, [alias('b@example.com', 'a'), alias('a@example.com', 'x@example.net')])).toEqual([]);
    expect(codes(one, [mapping('@old.example', 'example.com')])).toEqual(['ITEM_INVALID domainMap[0].to']);
  });

  it('are built once for many versions that leave them alone (R136)', () => {
    const one = commit(start, alias('a@example.com', 'b'));
    const tables = accessTablesOf(one);
    const two = commit(one, put('a.example h.example'));
    expect(accessTablesOf(two, { state: one, tables }).rewriting).toBe(tables.rewriting);
    const three = commit(two, alias('a@example.com', 'c'));
    expect(accessTablesOf(three, { state: two, tables }).rewriting).not.toBe(tables.rewriting);
  });
});

describe('keys of bounce verification', () => {
  const key: Operation = {
    kind: 'set',
    section: 'bounceKeys',
    item: { number: 1, secret: { kind: 'environment', variable: 'KEY' } },
  };
  const row: Operation = {
    kind: 'set',
    section: 'destinationControls',
    item: { domain: 'DEFAULT', bounceVerification: true },
  };

  it('are there as long as a row wants one (R140)', () => {
    expect(codes(start, [row])).toEqual(['ITEM_UNKNOWN destinationControls[0].bounceVerification']);
    expect(codes(start, [row, key])).toEqual([]);
    const both = commit(start, key, row);
    expect(codes(both, [{ kind: 'remove', section: 'bounceKeys', key: '1' }])).toEqual([
      'ITEM_UNKNOWN destinationControls[0].bounceVerification',
    ]);
    expect(codes(both, [put('a.example h.example')])).toEqual([]);
  });
});

describe('the configuration', () => {
  it('begins with an empty ALL and a recipient access table that refuses all (R4, R131)', () => {
    expect(lines(start)).toEqual(['ALL 0']);
    expect([...itemsOf(start, 'rat')].map(({ item }) => item)).toEqual([{ recipient: 'ALL', action: 'REJECT' }]);
  });

  it('keeps the order in which entries came, an edited one in its place, ALL last (R4, R25)', () => {
    const one = commit(start, put('b.example h.example'), put('ALL h.example'), put('a.example h.example'));
    expect(lines(commit(one, put('b.example g.example'), put('c.example h.example')))).toEqual([
      'b.example 2',
      'a.example 1',
      'c.example 2',
      'ALL 1',
    ]);
  });

  it('keeps the version of an entry that is set to what it was', () => {
    expect(
      lines(commit(commit(start, put('a.example h.example')), replace('a.example h.example', 'b.example h.example'))),
    ).toEqual(['a.example 1', 'b.example 2', 'ALL 0']);
  });

  it('empties ALL where it would go, on every path (R4, A18)', () => {
    const one = commit(start, put('ALL h.example'));
    for (const operation of [drop('ALL'), replace('a.example h.example')]) {
      expect(commit(one, operation).sections.routes.get('ALL')).toMatchObject({
        item: { target: { kind: 'usedns' } },
        since: 2,
      });
    }
  });

  it('puts an item before another where order matters (R133)', () => {
    const accept = (recipient: string, before?: string): Operation => ({
      kind: 'set',
      section: 'rat',
      item: { recipient, action: 'ACCEPT' },
      ...(before === undefined ? {} : { before }),
    });
    const state = commit(
      start,
      accept('a.example'),
      accept('b.example'),
      accept('c.example', 'a.example'),
      accept('b.example', 'c.example'),
    );
    expect(Array.from(itemsOf(state, 'rat'), ({ item }) => item.recipient)).toEqual([
      'b.example',
      'c.example',
      'a.example',
      'ALL',
    ]);
  });

  it('tells which sections are in another order, whatever came and went', () => {
    const one = commit(start, replace('a.example h.example', 'b.example h.example', 'c.example h.example'));
    const order = (...lines: string[]) => reorderedSections(one, commit(one, replace(...lines)));
    expect(order('a.example h.example', 'x.example h.example', 'c.example g.example')).toEqual([]);
    expect(order('c.example h.example', 'a.example h.example')).toEqual(['routes']);
  });

  it('does not change under a state that was given out', () => {
    const fold = new ConfigurationFold(start);
    fold.apply(changeSet(start, [put('a.example h.example')]), '1');
    const first = fold.finish();
    fold.apply(changeSet(first, [drop('a.example')]), '2');
    expect(lines(first)).toEqual(['a.example 1', 'ALL 0']);
    expect(lines(fold.finish())).toEqual(['ALL 0']);
    expect(lines(start)).toEqual(['ALL 0']);
  });
});

describe('validation', () => {
  const one = commit(start, put('a.example h.example'), { kind: 'set', section: 'authProfiles', item: edge });

  it.each<[string, Operation[], string[]]>([
    ['a new one', [put('b.example h.example', 'absent')], []],
    ['one that is there as new (R21)', [put('a.example g.example', 'absent')], ['ROUTE_DUPLICATE operations[0]']],
    [
      'a new one twice',
      [put('b.example h.example', 'absent'), put('b.example g.example', 'absent')],
      ['ROUTE_DUPLICATE operations[1]'],
    ],
    ['an edit of none', [put('b.example h.example', 'present')], ['ROUTE_NOT_FOUND operations[0]']],
    ['a removal of none', [drop('b.example')], ['ROUTE_NOT_FOUND operations[0]']],
    ['two removals', [drop('a.example'), drop('a.example')], ['ROUTE_NOT_FOUND operations[1]']],
    ['a removal of ALL (R4, R183)', [drop('ALL')], ['ROUTE_DEFAULT_UNDELETABLE operations[0]']],
    ['an edit of ALL', [put('ALL h.example', 'present')], []],
    [
      'an edit of ALL after an import without one',
      [replace('b.example h.example'), put('ALL h.example', 'present')],
      [],
    ],
    [
      'an edit of what an import took away',
      [replace('b.example h.example'), put('a.example h.example', 'present')],
      ['ROUTE_NOT_FOUND operations[1]'],
    ],
    ['an unknown profile (R153)', [put('b.example h.example/auth=none')], ['ROUTE_AUTH_PROFILE_UNKNOWN operations']],
    ['a known profile', [put('b.example h.example/auth=edge')], []],
    [
      'a profile made with its route',
      [put('b.example h.example/auth=x'), { kind: 'set', section: 'authProfiles', item: { ...edge, name: 'x' } }],
      [],
    ],
    ['the removal of a profile', [{ kind: 'remove', section: 'authProfiles', key: 'edge' }], []],
    [
      'the removal of a default of another section',
      [{ kind: 'remove', section: 'rat', key: 'ALL' }],
      ['ITEM_UNDELETABLE operations[0]'],
    ],
    [
      'all that is wrong',
      [drop('x.example'), drop('ALL')],
      ['ROUTE_NOT_FOUND operations[0]', 'ROUTE_DEFAULT_UNDELETABLE operations[1]'],
    ],
    [
      'a bad entry of the recipient access table',
      [{ kind: 'set', section: 'rat', item: { recipient: '*', action: 'ACCEPT' } }],
      ['RAT_RECIPIENT_INVALID entries[0].recipient'],
    ],
  ])('judges %s', (_name, operations, expected) => {
    expect(codes(one, operations)).toEqual(expected);
  });

  it('refuses to remove a profile in use (R153)', () => {
    const used = commit(one, put('b.example h.example/auth=edge'));
    expect(codes(used, [{ kind: 'remove', section: 'authProfiles', key: 'edge' }])).toEqual(['ITEM_IN_USE operations']);
    expect(codes(used, [{ kind: 'remove', section: 'authProfiles', key: 'edge' }, drop('b.example')])).toEqual([]);
  });

  it('takes 9,999 entries besides ALL and no more, or 40,000 with another limit (R2, R3)', () => {
    const full = commit(start, {
      kind: 'replace',
      section: 'routes',
      items: Array.from({ length: 9999 }, (_, i) => route(`d${i}.example h.example`)),
    });
    expect(codes(start, [put('x.example h.example')])).toEqual([]);
    expect(codes(full, [put('x.example h.example')])).toEqual(['ROUTE_LIMIT operations']);
    expect(codes(full, [put('ALL h.example')])).toEqual([]);
    expect(codes(full, [put('x.example h.example'), drop('d1.example')])).toEqual([]);
    expect(codes(full, [put('x.example h.example')], 40_000)).toEqual([]);
  });
});

describe('two changes', () => {
  it.each<[string, Operation[], Operation[], boolean]>([
    ['of two routes', [put('a.example h.example')], [put('b.example h.example')], true],
    ['of one route', [put('a.example h.example')], [drop('a.example')], false],
    ['of a route and all routes', [put('a.example h.example')], [replace('b.example h.example')], false],
    ['of all routes and a route', [replace('b.example h.example')], [put('a.example h.example')], false],
    ['of a route and the mode', [{ kind: 'matchingMode', mode: 'dotted' }], [put('a.example h.example')], false],
    [
      'of two sections',
      [replace('a.example h.example')],
      [{ kind: 'set', section: 'rat', item: { recipient: 'a.example', action: 'ACCEPT' } }],
      true,
    ],
  ])('%s are disjoint: %s', (_name, ours, theirs, expected) => {
    expect(isDisjoint(touchedBy(ours), touchedBy(theirs))).toBe(expected);
  });
});

describe('a change of order (R205)', () => {
  const above = (before: string): Operation[] => [
    { kind: 'set', section: 'rat', item: { recipient: 'a.example', action: 'ACCEPT' }, before },
  ];

  it('may not follow one of the item that it is put above, and may follow one of another', () => {
    const theirs: Operation[] = [{ kind: 'remove', section: 'rat', key: 'b.example' }];
    expect(isDisjoint(reliedOn(above('b.example')), touchedBy(theirs))).toBe(false);
    expect(isDisjoint(reliedOn(above('c.example')), touchedBy(theirs))).toBe(true);
  });
});

describe('the chain of change sets', () => {
  it('breaks at another lineage, a gap, and a forged predecessor', () => {
    const one = commit(start, put('a.example h.example'));
    const next = changeSet(one, []);
    expect(findChainBreak(one, next)).toBeUndefined();
    expect(findChainBreak(one, { ...next, lineage: 'other' })).toEqual({ kind: 'foreignLineage', lineage: 'other' });
    expect(findChainBreak(one, { ...next, version: 3 })).toEqual({ kind: 'gap', version: 3 });
    expect(findChainBreak(one, { ...next, previousHash: 'x' })).toEqual({ kind: 'forged', version: 2 });
  });
});

const keys = fc.constantFrom('a.example', '.a.example', 'b.a.example', 'c.example', 'ALL');
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc
    .tuple(keys, fc.constantFrom('h.example', 'g.example', '/dev/null', 'USEDNS'))
    .map(([key, to]) => put(`${key} ${to}`)),
  keys.map(drop),
  fc.uniqueArray(keys, { maxLength: 4 }).map((some) => replace(...some.map((key) => `${key} h.example`))),
  fc.constantFrom<Operation>({ kind: 'matchingMode', mode: 'dotted' }, { kind: 'matchingMode', mode: 'covering' }),
  fc
    .constantFrom('a.example', 'b.example', 'ALL')
    .map((recipient): Operation => ({ kind: 'set', section: 'rat', item: { recipient, action: 'ACCEPT' } })),
  fc.constantFrom('a.example', 'b.example').map((key): Operation => ({ kind: 'remove', section: 'rat', key })),
);
const histories = fc.array(fc.array(operation, { maxLength: 5 }), { minLength: 1, maxLength: 8 });
const asked = ['a.example', 'x.a.example', 'b.a.example', 'x.b.a.example', 'c.example', 'other.test'] as Domain[];

describe('a random history', () => {
  it('gives the same whether folded at once, one by one, or from a state in between', () => {
    fc.assert(
      fc.property(histories, fc.nat(7), (history, cut) => {
        const states = [start];
        for (const operations of history) states.push(commit(states.at(-1)!, ...operations));
        const from = states[Math.min(cut, history.length)]!;
        const fold = new ConfigurationFold(from);
        for (const state of states.slice(from.version, -1))
          fold.apply(changeSet(state, history[state.version]!), `hash ${state.version + 1}`);
        expect(fold.finish()).toEqual(states.at(-1));
      }),
    );
  });

  it('is rolled back to any of its versions exactly, order included', () => {
    fc.assert(
      fc.property(histories, fc.nat(7), (history, to) => {
        const states = [start];
        for (const operations of history) states.push(commit(states.at(-1)!, ...operations));
        const target = states[Math.min(to, history.length)]!;
        const back = commit(states.at(-1)!, ...operationsBetween(states.at(-1)!, target));
        expect(isSameConfiguration(back, target)).toBe(true);
        expect([...differences(back, target)]).toEqual([]);
        expect(operationsBetween(back, target)).toEqual([]);
      }),
    );
  });

  it('keeps the table of lookups what it would be if built anew, and tells whom each version concerns (I11)', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const fold = new ConfigurationFold(start);
        const table = routeTableOf(start);
        let state = start;
        for (const operations of history) {
          const before = asked.map((domain) => table.lookup(domain));
          const { changes, mode } = fold.apply(changeSet(state, operations), `hash ${state.version + 1}`);
          state = fold.finish();
          table.advance(state.version, changes, mode);
          const anew = routeTableOf(state);
          for (const [index, domain] of asked.entries()) {
            const [old, now] = [before[index]!, table.lookup(domain)];
            expect(now).toEqual(anew.lookup(domain));
            if (old.matched !== now.matched || !isSameTarget(old.target, now.target))
              expect(now.since).toBe(state.version);
          }
        }
      }),
    );
  });

  it('is validated as it would be applied: what passes makes a state that holds its rules', () => {
    fc.assert(
      fc.property(histories, (history) => {
        let state = start;
        for (const operations of history) {
          if (validateOperations(state, operations, { ...DEFAULT_ROUTE_RULES, maxRoutes: 4 }).length > 0) continue;
          state = applyOperations(state, operations);
          expect(state.sections.routes.size).toBeLessThanOrEqual(4);
          expect(state.sections.routes.has('ALL' as ReceivingDomain)).toBe(true);
        }
      }),
    );
  });
});

describe('the host access table of the configuration', () => {
  const row = (source: string, policy: string, listener = ''): Operation => ({
    kind: 'set',
    section: 'hat',
    item: { listener, group: '', sources: [{ source }], rule: { policy } },
  });
  const flow = (name: string): Operation => ({
    kind: 'set',
    section: 'mailFlowPolicies',
    item: { listener: '', name, action: 'ACCEPT', parameters: {} },
  });

  it('is judged as a whole: a policy comes with its row, and does not go before it', () => {
    expect(codes(start, [row('10/8', 'SLOW')])).toEqual(['HAT_POLICY_UNKNOWN hat[0].rule']);
    expect(codes(start, [row('10/8', 'SLOW'), flow('SLOW')])).toEqual([]);
    const both = commit(start, row('10/8', 'SLOW'), flow('SLOW'));
    expect(codes(both, [{ kind: 'remove', section: 'mailFlowPolicies', key: '$SLOW' }])).toEqual([
      'HAT_POLICY_UNKNOWN hat[0].rule',
    ]);
    expect(codes(both, [row('ALL', 'RELAYED')])).toEqual(['HAT_OPEN_RELAY hat[1].sources[0]']);
    expect(codes(both, [put('example.com h.example')])).toEqual([]);
  });

  it('relays for nobody through networks that together are everyone, of one listener (never an open relay)', () => {
    const halves = [row('0/1', 'RELAYED'), row('128/1', 'RELAYED')];
    expect(codes(start, halves)).toEqual(['HAT_OPEN_RELAY hat']);
    const half = commit(start, halves[0]!);
    expect(codes(half, [halves[1]!])).toEqual(['HAT_OPEN_RELAY hat']);
    expect(codes(half, [row('128/1', 'RELAYED', 'inside')])).toEqual([]);
    expect(codes(half, [row('128/1', 'ACCEPTED')])).toEqual([]);
    // By a policy that begins to relay, too.
    const open = { ...flow('ACCEPTED'), item: { listener: '', name: 'ACCEPTED', action: 'RELAY', parameters: {} } };
    const accepting = commit(half, row('128/1', 'ACCEPTED'));
    expect(codes(accepting, [open as Operation])).toEqual(['HAT_OPEN_RELAY hat']);
    // What was committed before is served on, and can be mended.
    const both = applyOperations(start, halves);
    expect(accessTablesOf(both).hosts.of('').verdict('192.0.2.1', []).action).toBe('RELAY');
    expect(codes(both, [put('example.com h.example')])).toEqual([]);
    expect(codes(both, [{ kind: 'remove', section: 'hat', key: '0/1' }])).toEqual([]);
  });

  it('has a row of each source for each listener, kept in order', () => {
    const state = commit(start, row('10/8', 'RELAYED'), row('10/8', 'BLOCKED', 'public'), row('.x.test', 'BLOCKED'));
    const again = commit(state, row('10/8', 'ACCEPTED'));
    expect(Array.from(again.sections.hat.keys())).toEqual(['10/8', 'public 10/8', '.x.test']);
    expect(Array.from(differences(state, again), ({ section, key }) => `${section} ${key}`)).toEqual(['hat 10/8']);
    expect(isSameConfiguration(commit(again, ...operationsBetween(again, state)), state)).toBe(true);
    expect(isDisjoint(touchedBy([row('10/8', 'RELAYED')]), touchedBy([row('11/8', 'RELAYED')]))).toBe(true);
  });

  it('has outgoing mail policies beside the incoming ones (R110)', () => {
    const out = { name: 'p', sender: { members: [] }, recipient: { members: ['nobody'] }, actions: {} };
    expect(codes(start, [{ kind: 'set', section: 'outgoingPolicies', item: out }])).toEqual([
      'POLICY_MEMBER_INVALID outgoingPolicies[0].recipient.members[0]',
    ]);
  });
});
