import {
  applyChangeSet,
  type ChangeSet,
  initialState,
  type Operation,
  routeTableOf,
  SECTION_NAMES,
} from '@mailyard/configuration';
import type { Domain } from '@mailyard/mail';
import { type ReceivingDomain } from '@mailyard/smtp-routes';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalKey,
  decodeChangeSet,
  decodeSnapshot,
  encodeChangeSet,
  encodeSnapshot,
  readOperations,
} from './change-set-codec.ts';
import { writeDestinationControl } from './configuration-item-codec.ts';
import * as wire from './gen/mailyard/routing/v1/change_set.ts';
import { DANE_USES, MTA_STS_USES, TLS_USES } from './tls-use.ts';
import { DEFAULT_ROUTE_RULES } from '@mailyard/smtp-routes';

const key = fc.constantFrom('example.com', '.example.com', 'ALL', '[192.0.2.1]') as fc.Arbitrary<ReceivingDomain>;
const host = fc.record({
  lookup: fc.constantFrom('mx', 'name'),
  host: fc.constantFrom('a.example', 'b.example'),
  port: fc.integer({ min: 1, max: 65_535 }),
  priority: fc.integer({ min: 0, max: 65_535 }),
});
const target = fc.oneof(
  fc.constant({ kind: 'usedns' } as const),
  fc.constant({ kind: 'null' } as const),
  host.map((one) => ({ kind: 'hosts', hosts: [one] }) as const),
  host.map((one) => ({ kind: 'hosts', hosts: [one], authProfile: 'edge' }) as const),
);
const route = fc.record({ receivingDomain: key, target });
const expectation = fc.constantFrom({}, { expect: 'absent' }, { expect: 'present' });
const others = fc.constantFrom(
  { kind: 'matchingMode', mode: 'dotted' },
  { kind: 'remove', section: 'routes', key: '.example.com' },
  {
    kind: 'set',
    section: 'rat',
    item: { recipient: '.example.com', action: 'ACCEPT', reply: { code: 250, text: 'welcome' } },
    before: 'ALL',
  },
  { kind: 'set', section: 'rat', item: { recipient: 'ALL', action: 'REJECT' } },
  {
    kind: 'set',
    section: 'policies',
    item: {
      name: 'engineers',
      sender: { members: ['@lawfirm.com'], not: ['@x.lawfirm.com'] },
      recipient: { members: [] },
      actions: {
        removeHeaders: ['X-A'],
        addHeaders: [{ name: 'X-B', value: 'c' }],
        subjectTag: '[ext]',
        priority: -5,
        drop: true,
      },
    },
  },
  {
    kind: 'set',
    section: 'authProfiles',
    item: { name: 'edge', username: 'us', secret: { kind: 'file', file: '/s' }, allowClear: true },
  },
  {
    kind: 'set',
    section: 'authProfiles',
    item: { name: 'e2', username: 'us', secret: { kind: 'environment', variable: 'S' }, allowClear: false },
  },
  {
    kind: 'set',
    section: 'destinationControls',
    item: { domain: 'DEFAULT', maxConnections: 5, tls: 'required', bounceProfile: 'slow', ipPreference: 'requireV4' },
  },
  ...TLS_USES.map((tls) => ({
    kind: 'set' as const,
    section: 'destinationControls' as const,
    item: { domain: `${tls.toLowerCase()}.example`, tls },
  })),
  {
    kind: 'set',
    section: 'rat',
    item: { recipient: 'abuse@', action: 'ACCEPT', bypassReceivingControl: true },
  },
  {
    kind: 'set',
    section: 'hat',
    item: {
      listener: 'inside',
      group: 'RELAYLIST',
      sources: [{ source: '10.0.0.0/8', comment: 'the office' }, { source: '.example.com' }],
      rule: { policy: 'RELAYED' },
      comment: 'those that may relay',
    },
  },
  {
    kind: 'replace',
    section: 'hat',
    items: [
      {
        listener: '',
        group: '',
        sources: [{ source: 'ALL' }],
        rule: { action: 'TCPREFUSE', parameters: { tls: 'on' } },
      },
    ],
  },
  {
    kind: 'set',
    section: 'mailFlowPolicies',
    item: { listener: '', name: 'SLOW', action: 'CONTINUE', parameters: { max_rcpts_per_hour: '5', spam_check: 'on' } },
  },
  {
    kind: 'set',
    section: 'outgoingPolicies',
    item: { name: 'out', sender: { members: ['@a.test'] }, recipient: { members: [] }, actions: { drop: true } },
  },
  ...DANE_USES.map((dane) => ({
    kind: 'set' as const,
    section: 'destinationControls' as const,
    item: { domain: `${dane}.example`, dane },
  })),
  ...MTA_STS_USES.map((mtaSts) => ({
    kind: 'set' as const,
    section: 'destinationControls' as const,
    item: { domain: `${mtaSts}.example`, mtaSts },
  })),
  { kind: 'set', section: 'bounceProfiles', item: { name: 'slow', maxRetries: 0, notices: false } },
  { kind: 'set', section: 'virtualGateways', item: { from: '@example.com', gateway: 'bulk' } },
  { kind: 'set', section: 'domainMap', item: { from: '@old.example', to: '@example.com' } },
  { kind: 'set', section: 'aliases', item: { alias: 'sales@example.com', to: ['ann', 'bob@example.net'] } },
  { kind: 'set', section: 'bounceKeys', item: { number: 0, secret: { kind: 'environment', variable: 'KEY' } } },
  { kind: 'set', section: 'bounceKeys', item: { number: 9, secret: { kind: 'file', file: '/run/secrets/bounce' } } },
  { kind: 'set', section: 'destinationControls', item: { domain: 'bv.example', bounceVerification: false } },
  { kind: 'set', section: 'globalUnsubscribe', item: { recipient: '@gone.example', action: 'bounce' } },
  { kind: 'set', section: 'globalUnsubscribe', item: { recipient: 'x@gone.example', action: 'drop' } },
  { kind: 'remove', section: 'aliases', key: 'sales@example.com' },
  {
    kind: 'set',
    section: 'suspensions',
    item: { part: 'delivery', domain: 'a.test', until: 7, reason: 'r', author: '' },
  },
  {
    kind: 'set',
    section: 'dkimProfiles',
    item: { name: 'd', domain: 'a.test', selector: 's', key: { kind: 'file', file: '/k' } },
  },
  {
    kind: 'set',
    section: 'dkimProfiles',
    item: {
      ...{ name: 'd', domain: 'a.test', selector: 's', key: { kind: 'environment', variable: 'K' } },
      ...{ senders: ['u@', 'ALL'], canonicalization: 'simple/relaxed', headers: ['From'], expiresAfterSeconds: 3600 },
      allowUnsigned: true,
    },
  },
  { kind: 'set', section: 'suspensions', item: { part: 'receiving', listener: 'l', reason: 'r', author: 'a' } },
);
const operation = fc.oneof(
  fc.tuple(route, expectation).map(([item, expect]) => ({ kind: 'set', section: 'routes', item, ...expect })),
  fc
    .uniqueArray(route, { selector: (one) => one.receivingDomain })
    .map((items) => ({ kind: 'replace', section: 'routes', items })),
  others,
) as fc.Arbitrary<Operation>;
const changeSet = fc.record({
  id: fc.string({ minLength: 1 }),
  lineage: fc.constant('lineage'),
  version: fc.constant(1),
  previousHash: fc.constant(''),
  author: fc.string(),
  reason: fc.string(),
  at: fc.nat(),
  operations: fc.array(operation, { maxLength: 6 }),
}) as fc.Arbitrary<ChangeSet>;

describe('a change set of the log', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(changeSet, (one) => {
        expect(decodeChangeSet(encodeChangeSet(one))).toEqual(one);
      }),
    );
  });

  it('demands no less of TLS than a row of a later release says: what is not known here is refused (R144)', () => {
    const reading = (row: Partial<wire.DestinationControl>): (() => ChangeSet) => {
      const value = { domain: 'example.com', ...row };
      const item = { item: { $case: 'destinationControl' as const, value } };
      const operations = [{ operation: { $case: 'set' as const, value: { item } } }];
      return () => decodeChangeSet(wire.ChangeSet.encode(wire.ChangeSet.fromPartial({ operations })).finish());
    };
    const unknown = [
      { tls: 9 },
      { verifyCertificate: true },
      { tls: 1, verifyCertificate: true },
      { dane: 4 },
      { mtaSts: 4 },
    ];
    for (const row of unknown)
      expect(reading(row as never)).toThrow(expect.objectContaining({ code: 'CHANGE_SET_UNREADABLE' }));
    const row = { tls: wire.TlsUse.TLS_USE_REQUIRED, verifyCertificate: true };
    expect(reading(row)().operations).toEqual([
      { kind: 'set', section: 'destinationControls', item: { domain: 'example.com', tls: 'requiredVerify' } },
    ]);
    // A release that knows no verification goes by the rest of the row.
    expect(writeDestinationControl({ domain: 'example.com', tls: 'requiredVerify' }).tls).toBe(row.tls);
  });

  it('is refused, not half read, when a later release wrote what is not known here', () => {
    const unknown = wire.ChangeSet.encode(wire.ChangeSet.fromPartial({ version: 7, operations: [{}] })).finish();
    expect(() => decodeChangeSet(unknown)).toThrow(
      expect.objectContaining({ code: 'CHANGE_SET_UNREADABLE', message: expect.stringContaining('7') }),
    );
    expect(() => decodeChangeSet(new Uint8Array([0xff, 0xff]))).toThrow(
      expect.objectContaining({ code: 'CHANGE_SET_UNREADABLE' }),
    );
  });
});

describe('a snapshot', () => {
  it('is the state that it was taken of', () => {
    fc.assert(
      fc.property(changeSet, (one) => {
        const state = applyChangeSet(initialState('lineage'), one, 'hash');
        expect(decodeSnapshot(encodeSnapshot(state))).toEqual(state);
      }),
    );
  });

  it('changes nothing for whoever goes on from it, at whichever versions it is taken', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(changeSet, fc.boolean()), { maxLength: 8 }), (history) => {
        let plain = initialState('lineage');
        let restarted = plain;
        for (const [index, [one, isTaken]] of history.entries()) {
          const next = { ...one, version: index + 1 };
          plain = applyChangeSet(plain, next, `hash ${index}`);
          restarted = applyChangeSet(restarted, decodeChangeSet(encodeChangeSet(next)), `hash ${index}`);
          if (isTaken) restarted = decodeSnapshot(encodeSnapshot(restarted))!;
          expect(restarted).toEqual(plain);
          for (const section of SECTION_NAMES)
            expect([...restarted.sections[section].keys()]).toEqual([...plain.sections[section].keys()]);
        }
        for (const name of ['example.com', 'x.example.com', '[192.0.2.1]', 'other.test'])
          expect(routeTableOf(restarted).lookup(name as Domain)).toEqual(routeTableOf(plain).lookup(name as Domain));
      }),
      { numRuns: 300 },
    );
  });

  it('is passed over when it cannot be read', () => {
    expect(decodeSnapshot(new Uint8Array([0xff]))).toBeUndefined();
    expect(decodeSnapshot(new Uint8Array([]))).toBeUndefined();
  });
});

describe('operations as programs send them', () => {
  it('are read with every fault and the field it is in (R23)', () => {
    const faults: Parameters<typeof readOperations>[2] = [];
    const read = readOperations(
      [
        {
          operation: {
            $case: 'set',
            value: wire.SetItem.fromPartial({
              item: { item: { $case: 'route', value: { receivingDomain: '*.x', destinations: ['a.example:0'] } } },
            }),
          },
        },
        { operation: { $case: 'remove', value: { section: 0, key: 'x' } } },
        { operation: { $case: 'set', value: wire.SetItem.fromPartial({}) } },
        { operation: { $case: 'remove', value: { section: 1, key: 'EXAMPLE.com.' } } },
        { operation: undefined },
      ],
      DEFAULT_ROUTE_RULES,
      faults,
    );
    expect(faults.map(({ code, field }) => `${code} ${field}`)).toEqual([
      'ROUTE_DOMAIN_INVALID operations[0].set.item.route.receivingDomain',
      'ROUTE_PORT_RANGE operations[0].set.item.route.destinations[0]',
      'ITEM_INVALID operations[1].remove.section',
      'ITEM_INVALID operations[2].set.item',
      'ITEM_INVALID operations[4]',
    ]);
    expect(read).toEqual([{ kind: 'remove', section: 'routes', key: 'example.com' }]);
    expect(canonicalKey('rat', 'Example.COM')).toBe('example.com');
  });
});
