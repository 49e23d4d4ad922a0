import type { Domain } from '@mailyard/mail';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matches, readMemberPattern, type Subject } from './address-pattern.ts';
import { gatewayKey, VirtualGatewayMap, type VirtualGatewayRow } from './virtual-gateway.ts';

function read(...rows: readonly (readonly [from: string, gateway: string])[]): VirtualGatewayMap {
  const map = VirtualGatewayMap.read(rows.map(([from, gateway]) => ({ from, gateway })));
  if (!(map instanceof VirtualGatewayMap)) throw new Error(JSON.stringify(map));
  return map;
}

function sender(address: string): Subject | null {
  const at = address.lastIndexOf('@');
  return address === '' ? null : { localPart: address.slice(0, at), domain: address.slice(at + 1) as Domain };
}

describe('the virtual gateway map (R147)', () => {
  const map = read(
    ['192.0.2.5', 'app'],
    ['news@example.com', 'bulk'],
    ['@example.com', 'corporate'],
    ['alerts@', 'alerts'],
    ['@.example.org', 'below'],
    ['2001:DB8:0::5', 'six'],
  );

  it.each([
    ['192.0.2.5', 'news@example.com', 'app'],
    ['192.0.2.6', 'news@example.com', 'bulk'],
    ['192.0.2.6', 'NEWS@example.com', 'bulk'],
    ['192.0.2.6', 'alerts@example.com', 'corporate'],
    ['192.0.2.6', 'alerts@other.test', 'alerts'],
    ['192.0.2.6', 'a@sub.example.org', 'below'],
    ['192.0.2.6', 'a@example.org', undefined],
    ['2001:db8::5', 'a@other.test', 'six'],
    ['192.0.2.5', '', 'app'],
    ['192.0.2.6', '', undefined],
    ['192.0.2.50', 'a@other.test', undefined],
  ])('sends mail from %s by %s over %s', (client, address, gateway) => {
    expect(map.gatewayOf(client, sender(address))).toBe(gateway);
  });

  it('is read from its top: the first row that names client or sender decides', () => {
    const either = [
      ['@example.com', 'one'],
      ['192.0.2.5', 'two'],
    ] as const;
    expect(read(...either).gatewayOf('192.0.2.5', sender('a@example.com'))).toBe('one');
    expect(read(...either.toReversed()).gatewayOf('192.0.2.5', sender('a@example.com'))).toBe('two');
  });

  it('takes the null reverse-path under ALL and the client only', () => {
    expect(read(['@example.com', 'one'], ['ALL', 'rest']).gatewayOf('192.0.2.5', null)).toBe('rest');
    expect(VirtualGatewayMap.EMPTY.gatewayOf('192.0.2.5', null)).toBeUndefined();
  });

  it('tells all faults', () => {
    expect(
      VirtualGatewayMap.read([
        { from: 'example.com', gateway: 'a' },
        { from: '192.0.2.0/24', gateway: 'b' },
        { from: '@ok.example', gateway: 'not a name' },
      ]),
    ).toMatchObject([
      { code: 'GATEWAY_SENDER_INVALID', field: 'virtualGateways[0].from', token: 'example.com' },
      { code: 'GATEWAY_SENDER_INVALID', field: 'virtualGateways[1].from' },
      { code: 'GATEWAY_NAME_INVALID', field: 'virtualGateways[2].gateway' },
    ]);
  });

  it.each([
    ['News@Example.COM', 'news@example.com'],
    ['@.Example.com', '@.example.com'],
    ['all', 'ALL'],
    ['2001:DB8::0005', '2001:db8::5'],
    ['example.com', undefined],
  ])('knows %s as %s', (from, key) => {
    expect(gatewayKey(from)).toBe(key);
  });

  it('answers as one who goes through all rows', () => {
    const domain = fc.constantFrom('a.test', 'b.a.test', 'c.test');
    const local = fc.constantFrom('x', 'y', 'Z');
    const client = fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1');
    const address = fc.tuple(local, domain).map(([name, at]) => `${name}@${at}`);
    const from = fc.oneof(
      client,
      address,
      domain.map((name) => `@${name}`),
      domain.map((name) => `@.${name}`),
      local.map((name) => `${name}@`),
      fc.constant('ALL'),
    );
    const row = fc.record({ from, gateway: fc.constantFrom('g1', 'g2', 'g3') });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 8 }), client, fc.option(address), (rows, ip, by) => {
        const table = VirtualGatewayMap.read(rows) as VirtualGatewayMap;
        expect(table.gatewayOf(ip, by === null ? null : sender(by))).toBe(slow(rows, ip, by));
      }),
    );
  });
});

/** The same rule, row by row. */
function slow(rows: readonly VirtualGatewayRow[], client: string, address: string | null): string | undefined {
  const subject = (address === null ? null : sender(address)) ?? { localPart: '', domain: '' as const };
  return rows.find(({ from }) => {
    if (from === client) return true;
    const pattern = readMemberPattern(from);
    return pattern !== undefined && matches(pattern, subject);
  })?.gateway;
}
