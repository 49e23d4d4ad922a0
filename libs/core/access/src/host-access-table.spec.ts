import * as fc from 'fast-check';
import { type Domain, parseIpv6 } from '@mailyard/mail';
import { describe, expect, it } from 'vitest';
import {
  HostAccessTable,
  type HostAccessRow,
  type HostRule,
  type HostVerdict,
  idleParts,
} from './host-access-table.ts';
import { addressNumber, type HostPattern, readHostPattern } from './host-pattern.ts';
import { type MailFlowPolicy } from './mail-flow-policy.ts';

const ACCEPT: HostRule = { action: 'ACCEPT', parameters: {} };
const REJECT: HostRule = { action: 'REJECT', parameters: {} };
const RELAY: HostRule = { action: 'RELAY', parameters: {} };

function row(source: string, rule: HostRule, listener = ''): HostAccessRow {
  return { listener, group: '', sources: [{ source }], rule };
}

function read(rows: readonly HostAccessRow[], policies: readonly MailFlowPolicy[] = []): HostAccessTable {
  const table = HostAccessTable.read(rows, policies);
  if (!(table instanceof HostAccessTable)) throw new Error(JSON.stringify(table));
  return table;
}

function faultsOf(rows: readonly HostAccessRow[], policies: readonly MailFlowPolicy[] = []): string[] {
  const faults = HostAccessTable.read(rows, policies);
  return faults instanceof HostAccessTable ? [] : faults.map(({ code, field }) => `${code} ${field}`);
}

function verdict(rows: readonly HostAccessRow[], address: string, ...names: string[]): HostVerdict {
  return read(rows)
    .of('public')
    .verdict(address, names as Domain[]);
}

/** A walk through the list, written a second time: octet by octet and label by label. */
function names(source: string, address: string, hosts: readonly string[]): boolean {
  if (source === 'ALL') return true;
  if (!/^[\d./-]+$/.test(source) && !source.includes(':'))
    return hosts.some((host) => (source.startsWith('.') ? host.endsWith(source) : host === source));
  if (source.includes(':') !== address.includes(':')) return false;
  const bits = (text: string): string =>
    text.includes(':')
      ? addressNumber(text)!.value.toString(2).padStart(128, '0')
      : text
          .split('.')
          .map((octet) => Number(octet).toString(2).padStart(8, '0'))
          .join('');
  if (source.includes('/')) {
    const [base, length] = source.split('/') as [string, string];
    const whole = base.includes(':') ? base : [...base.split('.'), '0', '0', '0'].slice(0, 4).join('.');
    return bits(whole).slice(0, Number(length)) === bits(address).slice(0, Number(length));
  }
  if (source.includes(':')) {
    const [first, last = first] = source.split('-') as [string, string?];
    return bits(first) <= bits(address) && bits(address) <= bits(last!);
  }
  const octets = source.replace(/\.$/, '').split('.');
  return octets.every((octet, place) => {
    const [low, high = low] = octet.split('-').map(Number) as [number, number?];
    const own = Number(address.split('.')[place]);
    return own >= low && own <= high!;
  });
}

describe('the forms of a source', () => {
  it.each([
    ['192.0.2.1', ['192.0.2.1'], ['192.0.2.2', '192.0.2.0', '::c000:201']],
    ['192.0.2.', ['192.0.2.0', '192.0.2.255'], ['192.0.3.0', '192.0.1.255']],
    ['192.0.2', ['192.0.2.0', '192.0.2.255'], ['192.0.3.0']],
    ['192.0', ['192.0.0.0', '192.0.255.255'], ['192.1.0.0']],
    ['10.', ['10.0.0.0', '10.255.255.255'], ['11.0.0.0', '9.255.255.255']],
    ['10', ['10.9.8.7'], ['110.0.0.1']],
    ['192.0.2.10-20', ['192.0.2.10', '192.0.2.20'], ['192.0.2.9', '192.0.2.21']],
    ['192.0.2-3', ['192.0.2.0', '192.0.3.255'], ['192.0.1.255', '192.0.4.0']],
    ['192.0-1', ['192.0.0.0', '192.1.255.255'], ['192.2.0.0']],
    ['10-11', ['10.0.0.0', '11.255.255.255'], ['12.0.0.0']],
    ['10/8', ['10.255.0.1'], ['11.0.0.0']],
    ['192.168/16', ['192.168.255.255'], ['192.169.0.0']],
    ['192.0.2.128/25', ['192.0.2.128', '192.0.2.255'], ['192.0.2.127']],
    ['192.0.2.1/32', ['192.0.2.1'], ['192.0.2.0', '192.0.2.2']],
    ['2001:db8::1', ['2001:db8::1', '2001:0DB8:0::1'], ['2001:db8::2']],
    ['2001:db8::1-2001:db8::ff', ['2001:db8::1', '2001:db8::ff'], ['2001:db8::', '2001:db8::100']],
    ['2001:db8::/32', ['2001:db8:ffff::1'], ['2001:db9::']],
    ['::ffff:192.0.2.0/120', ['192.0.2.7', '::ffff:192.0.2.7'], ['192.0.3.0']],
    ['192.0.2.7', ['::ffff:192.0.2.7'], []],
    ['fe80::/10', ['fe80::1%eth0', 'fe80::1'], ['2001:db8::1']],
  ])('%s names %j and not %j (R121)', (source, inside, outside) => {
    for (const address of inside) expect(verdict([row(source, REJECT)], address)).toMatchObject({ action: 'REJECT' });
    for (const address of outside) expect(verdict([row(source, REJECT)], address)).toMatchObject({ action: 'ACCEPT' });
  });

  it.each([
    '',
    '192.0.2.256',
    '192.0.2.1.',
    '192.0.2.1.5',
    '192.0.02.1',
    '010.0.0.1',
    '192.0.2.20-10',
    '192.0.2.1-192.0.2.9',
    '192.0.2.1/24',
    '192.0.2.0/33',
    '10.1/8',
    '2001:db8::1/32',
    '2001:db8::/129',
    '2001:db8::2-2001:db8::1',
    '2001:db8::1-192.0.2.1',
    '2001:db8:::1',
    '..example.com',
    'exa mple.com',
    'SBRS[1]',
    'SBRS[a:b]',
    'dnslist[]',
  ])('%j is refused (R121)', (source) => {
    expect(faultsOf([row(source, REJECT)])).toEqual(['HAT_SOURCE_INVALID hat[0].sources[0]']);
  });

  it.each(['SBRS[-10.0:-3.0]', 'sbrs[none]', 'SBO:5', 'dnslist[query.example.org]'])(
    '%s is kept, matches nobody, and is told (R121)',
    (source) => {
      expect(verdict([row(source, REJECT)], '192.0.2.1')).toMatchObject({ action: 'ACCEPT', source: 'ALL' });
      expect(idleParts([row(source, REJECT)], [])).toEqual({ sources: [source], parameters: [] });
    },
  );
});

describe('the host access table', () => {
  /** Figure 11-1. */
  const FIGURE: readonly HostAccessRow[] = [
    { listener: '', group: 'WHITELIST', sources: [{ source: '192.0.2.1' }], rule: { policy: 'TRUSTED' } },
    { listener: '', group: 'BLACKLIST', sources: [{ source: '192.0.2.2' }], rule: { policy: 'BLOCKED' } },
    { listener: '', group: 'SUSPECTLIST', sources: [{ source: '192.0.2.3' }], rule: { policy: 'THROTTLED' } },
    { listener: '', group: 'UNKNOWNLIST', sources: [], rule: { policy: 'ACCEPTED' } },
    row('spamdomain.com', REJECT),
    row('.spamdomain.com', REJECT),
    row('251.192.1.', { action: 'TCPREFUSE', parameters: {} }),
    row('169.254.10.10', RELAY),
    row('ALL', { policy: 'ACCEPTED' }),
  ];

  it.each([
    ['192.0.2.1', [], 'ACCEPT WHITELIST 192.0.2.1 $TRUSTED'],
    ['192.0.2.2', [], 'REJECT BLACKLIST 192.0.2.2 $BLOCKED'],
    ['192.0.2.3', [], 'ACCEPT SUSPECTLIST 192.0.2.3 $THROTTLED'],
    ['198.51.100.1', ['spamdomain.com'], 'REJECT None spamdomain.com '],
    ['198.51.100.1', ['mx.spamdomain.com'], 'REJECT None .spamdomain.com '],
    ['198.51.100.1', ['notspamdomain.com'], 'ACCEPT None ALL $ACCEPTED'],
    ['251.192.1.77', [], 'TCPREFUSE None 251.192.1. '],
    ['169.254.10.10', [], 'RELAY None 169.254.10.10 '],
    ['198.51.100.1', [], 'ACCEPT None ALL $ACCEPTED'],
  ])('of figure 11-1: %s %j is %s (R122)', (address, hosts, expected) => {
    const { action, group, source, policy } = verdict(FIGURE, address, ...hosts);
    expect(`${action} ${group} ${source} ${policy}`).toBe(expected);
  });

  it('takes the first row that matches, in either order (R120)', () => {
    expect(verdict([row('10/8', RELAY), row('10.1.1.1', REJECT)], '10.1.1.1').action).toBe('RELAY');
    expect(verdict([row('10.1.1.1', REJECT), row('10/8', RELAY)], '10.1.1.1').action).toBe('REJECT');
    expect(verdict([row('.x.test', REJECT), row('10/8', RELAY)], '10.1.1.1', 'a.x.test').action).toBe('REJECT');
    expect(verdict([row('10/8', RELAY), row('.x.test', REJECT)], '10.1.1.1', 'a.x.test').action).toBe('RELAY');
  });

  it('accepts whom no row names, and everybody while it is empty (R120)', () => {
    expect(verdict([row('10/8', REJECT)], '192.0.2.1')).toEqual({
      action: 'ACCEPT',
      group: 'None',
      source: 'ALL',
      policy: '',
      limits: {},
    });
    expect(read([]).of('public').isEmpty).toBe(true);
  });

  it('keeps ALL last, wherever it is written (R120)', () => {
    expect(verdict([row('ALL', REJECT), row('10/8', RELAY)], '10.1.1.1').action).toBe('RELAY');
    expect(verdict([row('ALL', REJECT), row('10/8', RELAY)], '192.0.2.1').action).toBe('REJECT');
  });

  it('goes on behind a row that continues (R124)', () => {
    const rows = [row('10/8', { action: 'CONTINUE', parameters: {} }), row('10.1/16', REJECT), row('ALL', ACCEPT)];
    expect(verdict(rows, '10.1.1.1').action).toBe('REJECT');
    expect(verdict(rows, '10.2.1.1')).toMatchObject({ action: 'ACCEPT', source: 'ALL' });
  });

  it('has rows of one listener, or those for every other (design, section 3)', () => {
    const table = read([row('10/8', REJECT), row('10/8', RELAY, 'inside')]);
    expect(table.of('inside').verdict('10.1.1.1', []).action).toBe('RELAY');
    expect(table.of('public').verdict('10.1.1.1', []).action).toBe('REJECT');
  });

  it('asks for names only where a row above those of the address wants them (R123)', () => {
    const hosts = read([row('10.1.1.1', RELAY), row('.x.test', REJECT), row('10/8', RELAY)]).of('');
    expect(hosts.asksForNames('10.1.1.1')).toBe(false);
    expect(hosts.asksForNames('10.2.2.2')).toBe(true);
    expect(hosts.asksForNames('192.0.2.1')).toBe(true);
    expect(
      read([row('10/8', RELAY)])
        .of('')
        .asksForNames('192.0.2.1'),
    ).toBe(false);
  });

  it.each(['ALL', '0/0', '0-255', '::/0', '0.0.0.0/0'])(
    'relays for nobody through %s (never an open relay)',
    (source) => {
      expect(faultsOf([row(source, RELAY)])).toEqual(['HAT_OPEN_RELAY hat[0].sources[0]']);
      expect(faultsOf([row(source, { policy: 'RELAYED' })])).toEqual(['HAT_OPEN_RELAY hat[0].sources[0]']);
      expect(faultsOf([row(source, ACCEPT)])).toEqual([]);
    },
  );

  it('has the predefined policies, until one of the configuration takes their place (R127)', () => {
    const all = (policy: string, policies: MailFlowPolicy[] = []): HostVerdict =>
      read([row('10/8', { policy })], policies)
        .of('')
        .verdict('10.1.1.1', []);
    expect(all('THROTTLED').limits).toEqual({
      maxMessages: 10,
      maxRecipients: 20,
      maxMessageOctets: 1_048_576,
      maxConcurrency: 10,
      maxRecipientsPerHour: 20,
    });
    expect(all('TRUSTED').limits).toEqual(all('ACCEPTED').limits);
    expect(all('ACCEPTED').limits).toMatchObject({ maxMessages: 1000, maxMessageOctets: 104_857_600 });
    expect(all('BLOCKED')).toMatchObject({ action: 'REJECT', limits: {} });
    expect(all('RELAYED')).toMatchObject({ action: 'RELAY', limits: {} });
    const own: MailFlowPolicy = { listener: '', name: 'THROTTLED', action: 'REJECT', parameters: {} };
    expect(all('THROTTLED', [own])).toMatchObject({ action: 'REJECT', policy: '$THROTTLED', limits: {} });
  });

  it('reads the parameters of a policy, and keeps those of scanning (R126)', () => {
    const parameters = {
      max_msgs_per_session: '5',
      max_rcpts_per_msg: '-1',
      max_message_size: '10 MB',
      max_rcpts_per_hour: '0',
      max_rcpts_per_hour_code: '451',
      max_rcpts_per_hour_text: 'later',
      smtp_banner_code: '220',
      smtp_banner_text: 'hello',
      override_hostname: '',
      tls: 'required',
      spam_check: 'on',
      dhap_limit: '50',
    };
    const rows = [row('10/8', { action: 'ACCEPT', parameters })];
    expect(verdict(rows, '10.1.1.1').limits).toEqual({
      maxMessages: 5,
      maxMessageOctets: 10_485_760,
      maxRecipientsPerHour: 0,
      hourlyReply: { code: 451, text: 'later' },
      bannerCode: 220,
      bannerText: 'hello',
      hostname: '',
      tls: 'required',
    });
    expect(idleParts(rows, [])).toEqual({ sources: [], parameters: ['dhap_limit', 'spam_check'] });
  });

  it.each([
    ['ACCEPT', 'max_msgs_per_session', '0'],
    ['ACCEPT', 'max_msgs_per_sesion', '1'],
    ['ACCEPT', '__proto__', '1'],
    ['ACCEPT', 'max_message_size', '0'],
    ['ACCEPT', 'max_message_size', '1T'],
    ['ACCEPT', 'max_rcpts_per_hour_code', '250'],
    ['ACCEPT', 'max_rcpts_per_hour_code', '421'],
    ['ACCEPT', 'max_rcpts_per_hour_text', 'two\r\nlines'],
    ['ACCEPT', 'smtp_banner_code', '554'],
    ['REJECT', 'smtp_banner_code', '220'],
    ['ACCEPT', 'override_hostname', 'no host'],
    ['ACCEPT', 'tls', 'maybe'],
    ['REJECT', 'delayed_rejection', 'yes'],
    ['RELAY', 'dkim_signing', 'perhaps'],
    ['ACCEPT', 'spam_check', 'on\noff'],
  ] as const)('%s refuses %s = %j (R126)', (action, name, value) => {
    const parameters = Object.fromEntries([[name, value]]);
    expect(faultsOf([row('10/8', { action, parameters })])).toEqual([`FLOW_PARAMETER_INVALID hat[0].rule.${name}`]);
    expect(faultsOf([], [{ listener: '', name: 'X', action, parameters }])).toEqual([
      `FLOW_PARAMETER_INVALID mailFlowPolicies[0].parameters.${name}`,
    ]);
  });

  it.each([
    ['on', true],
    ['Yes', true],
    ['off', false],
    ['no', false],
  ])('signs outgoing mail or not by dkim_signing = %s', (value, dkimSigning) => {
    const rows = [row('10/8', { action: 'RELAY', parameters: { dkim_signing: value } })];
    const table = HostAccessTable.read(rows, []) as HostAccessTable;
    expect(table.of('x').verdict('10.0.0.1', []).limits).toEqual({ dkimSigning });
    expect(idleParts(rows, []).parameters).toEqual([]);
  });

  it('tells all faults at once', () => {
    expect(
      faultsOf(
        [
          { listener: 'a b', group: 'None', sources: [], rule: { policy: 'NOWHERE' } },
          { listener: '', group: '', sources: [], rule: REJECT },
          { listener: '', group: 'G', sources: [{ source: 'ALL', comment: 'x)(' }], rule: REJECT },
        ],
        [
          { listener: '', name: '', action: 'ACCEPT', parameters: {} },
          { listener: '', name: 'A', action: 'ACCEPT', parameters: {} },
          { listener: '', name: 'A', action: 'ACCEPT', parameters: {} },
        ],
      ),
    ).toEqual([
      'FLOW_NAME_INVALID mailFlowPolicies[0].name',
      'FLOW_DUPLICATE mailFlowPolicies[2].name',
      'HAT_ROW_INVALID hat[0].listener',
      'HAT_ROW_INVALID hat[0].group',
      'HAT_POLICY_UNKNOWN hat[0].rule',
      'HAT_ROW_INVALID hat[1].sources',
      'HAT_ROW_INVALID hat[2].comment',
      'HAT_SOURCE_INVALID hat[2].sources[0]',
    ]);
  });

  it('agrees with a walk through the list (R120, R121)', () => {
    const octet = fc.constantFrom(0, 1, 2, 9, 10, 11, 128, 254, 255);
    const address = fc.oneof(
      fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.')),
      fc.tuple(octet, octet).map(([a, b]) => parseIpv6(`2001:db8::${a.toString(16)}:${b.toString(16)}`)! as string),
    );
    const source = fc.oneof(
      fc.constantFrom('a.test', 'b.a.test', '.a.test', '.test', 'c.test'),
      address,
      fc.tuple(octet, octet, octet).chain((octets) => {
        const text = fc.integer({ min: 1, max: 3 }).map((count) => octets.slice(0, count).join('.'));
        return fc.oneof(
          text,
          text.map((each) => `${each}.`),
          fc.tuple(text, octet).map(([each, end]) => `${each}-${Math.max(end, Number(each.split('.').at(-1)))}`),
        );
      }),
      fc.tuple(address, fc.integer({ min: 1, max: 128 })).map(([each, length]) => {
        const width = each.includes(':') ? 128 : 32;
        const bits = Math.min(length, width);
        const { value } = addressNumber(each)!;
        const base = (value >> BigInt(width - bits)) << BigInt(width - bits);
        if (width === 32) return `${[24n, 16n, 8n, 0n].map((shift) => (base >> shift) & 255n).join('.')}/${bits}`;
        const hex = base.toString(16).padStart(32, '0').match(/.{4}/g)!;
        return `${hex.join(':')}/${bits}`;
      }),
      fc.tuple(octet, octet).map(([a, b]) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)].map((each) => each.toString(16));
        return `2001:db8::1:${low}-2001:db8::1:${high}`;
      }),
    );
    const host = fc.constantFrom('a.test', 'b.a.test', 'c.b.a.test', 'c.test', 'nota.test');
    fc.assert(
      fc.property(
        fc.array(source, { maxLength: 40 }),
        fc.array(address, { minLength: 1, maxLength: 20 }),
        fc.uniqueArray(host, { maxLength: 2 }),
        (sources, addresses, hosts) => {
          const rows = sources.map((each, place) => row(each, place % 2 === 0 ? REJECT : ACCEPT));
          const table = read(rows).of('');
          for (const client of addresses) {
            const place = sources.findIndex((each) => names(each, client, hosts));
            const found = table.verdict(client, hosts as unknown as Domain[]);
            expect(found.source).toBe(place < 0 ? 'ALL' : sources[place]);
            const withoutNames = table.verdict(client, []);
            if (!table.asksForNames(client)) expect(withoutNames).toBe(found);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('finds its row among 10,000 sources without walking them', () => {
    const sources = Array.from({ length: 10_000 }, (_, n) => ({ source: `10.${n >> 8}.${n & 255}.0/24` }));
    const table = read([{ listener: '', group: 'MANY', sources, rule: REJECT }, row('10/8', ACCEPT)]).of('');
    const begun = performance.now();
    for (let n = 0; n < 20_000; n++) table.verdict(`10.${n % 40}.${n & 255}.9`, []);
    // A walk through 10,000 takes many seconds.
    expect(performance.now() - begun).toBeLessThan(3000);
    expect(table.verdict('10.39.15.9', [])).toMatchObject({ group: 'MANY', source: '10.39.15.0/24' });
    expect(table.verdict('10.39.16.9', [])).toMatchObject({ group: 'None', source: '10/8' });
  });

  it('reads patterns as values', () => {
    const range = readHostPattern('10/8') as Extract<HostPattern, { kind: 'range' }>;
    expect(range.last - range.first).toBe(2n ** 24n - 1n);
  });
});
