import { describe, expect, it } from 'vitest';
import { DEFAULT_ROUTE_RULES, readRoute, type RouteRules, writeRoute } from './route-grammar.ts';
import type { RouteTarget } from './smtp-route.ts';

function faults(
  receivingDomain: string,
  destinations: readonly string[],
  authProfile?: string,
  rules: Partial<RouteRules> = {},
) {
  const read = readRoute(
    { receivingDomain, destinations, ...(authProfile === undefined ? {} : { authProfile }) },
    { ...DEFAULT_ROUTE_RULES, ...rules },
  );
  return 'faults' in read ? read.faults.map(({ code, field }) => `${code} ${field}`) : [];
}

function target(...destinations: string[]): RouteTarget | undefined {
  const read = readRoute({ receivingDomain: 'example.com', destinations }, DEFAULT_ROUTE_RULES);
  return 'route' in read ? read.route.target : undefined;
}

describe('a receiving domain', () => {
  it.each([
    ['example.com', 'example.com'],
    ['EXAMPLE.com.', 'example.com'],
    ['.example.com', '.example.com'],
    ['all', 'ALL'],
    ['[192.0.2.1]', '[192.0.2.1]'],
    ['[ipv6:2001:DB8::0:1]', '[IPv6:2001:db8::1]'],
    ['under_score.example', 'under_score.example'],
    ['BÜCHER.example', 'xn--bcher-kva.example'],
    ['example。com', 'example.com'],
    ['localdomain', 'localdomain'],
    [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
  ])('%s is kept as %s (R7, R8, R9, R19, R20)', (text, kept) => {
    const read = readRoute({ receivingDomain: text, destinations: ['h.example'] }, DEFAULT_ROUTE_RULES);
    expect(read).toMatchObject({ route: { receivingDomain: kept } });
  });

  it.each([
    '',
    '.',
    '..example.com',
    '*',
    '*.example.com',
    'a..b',
    'user@example.com',
    'example .com',
    'http://example.com',
    '192.0.2.1',
    '[192.0.2.256]',
    '[host.example]',
    '[2001:db8::1]',
    `${'a'.repeat(64)}.example`,
    `${'abcdefg.'.repeat(32)}example`,
    'xn--0.example',
    '-a.example',
    'a\0.example',
  ])('%j is refused (R7)', (text) => {
    expect(faults(text, ['h.example'])).toEqual(['ROUTE_DOMAIN_INVALID receivingDomain']);
  });

  it('keeps a spelling in another script for display, and none that hides characters (R20)', () => {
    const spelled = (text: string) =>
      readRoute({ receivingDomain: text, destinations: ['h.example'] }, DEFAULT_ROUTE_RULES);
    expect(spelled('Bücher.example')).toMatchObject({ route: { typedDomain: 'Bücher.example' } });
    expect(spelled('bü\u{AD}cher.example')).toHaveProperty('route.receivingDomain', 'xn--bcher-kva.example');
    expect(spelled('bü\u{AD}cher.example')).not.toHaveProperty('route.typedDomain');
  });
});

describe('a destination', () => {
  it.each([
    ['mail.example.com', 'mx', 'mail.example.com', 25, 0],
    ['mail.example.com.', 'mx', 'mail.example.com', 25, 0],
    ['Mail.Example.com:2525', 'mx', 'mail.example.com', 2525, 0],
    ['mail.example.com/pri=10', 'mx', 'mail.example.com', 25, 10],
    ['mail.example.com:587/pri=65535', 'mx', 'mail.example.com', 587, 65_535],
    ['[mail.example.com]', 'name', 'mail.example.com', 25, 0],
    ['[mail.example.com]:2525/pri=1', 'name', 'mail.example.com', 2525, 1],
    ['192.0.2.5', 'address', '192.0.2.5', 25, 0],
    ['192.0.2.5:65535', 'address', '192.0.2.5', 65_535, 0],
    ['[192.0.2.5]:26', 'address', '192.0.2.5', 26, 0],
    ['2001:DB8:0::5', 'address', '2001:db8::5', 25, 0],
    ['[2001:db8::5]:2525', 'address', '2001:db8::5', 2525, 0],
    ['[IPv6:2001:db8::5]', 'address', '2001:db8::5', 25, 0],
    ['2001:db8::5/pri=3', 'address', '2001:db8::5', 25, 3],
    ['localhost:2526', 'mx', 'localhost', 2526, 0],
    ['bücher.example', 'mx', 'xn--bcher-kva.example', 25, 0],
  ] as const)('%s (R10 to R15)', (text, lookup, host, port, priority) => {
    expect(target(text)).toEqual({ kind: 'hosts', hosts: [{ lookup, host, port, priority }] });
  });

  it.each([
    ['mail.example.com:', 'ROUTE_PORT_RANGE'],
    ['mail.example.com:0', 'ROUTE_PORT_RANGE'],
    ['mail.example.com:65536', 'ROUTE_PORT_RANGE'],
    ['mail.example.com:025', 'ROUTE_PORT_RANGE'],
    ['mail.example.com:+25', 'ROUTE_PORT_RANGE'],
    ['mail.example.com:1e3', 'ROUTE_PORT_RANGE'],
    ['[mail.example.com]:', 'ROUTE_PORT_RANGE'],
    ['mail.example.com/pri=', 'ROUTE_PRI_RANGE'],
    ['mail.example.com/pri=65536', 'ROUTE_PRI_RANGE'],
    ['mail.example.com/pri=-1', 'ROUTE_PRI_RANGE'],
    ['mail.example.com/pri=01', 'ROUTE_PRI_RANGE'],
    ['mail.example.com/prio=1', 'ROUTE_DEST_INVALID'],
    ['192.0.2.0/24', 'ROUTE_DEST_INVALID'],
    ['2001:db8::/32', 'ROUTE_DEST_INVALID'],
    ['192.0.2.1-9', 'ROUTE_DEST_INVALID'],
    ['192.0.2.256', 'ROUTE_DEST_INVALID'],
    ['2001:db8::1-2001:db8::9', 'ROUTE_DEST_INVALID'],
    ['2001:db8::5:2525x', 'ROUTE_DEST_INVALID'],
    ['10', 'ROUTE_DEST_INVALID'],
    ['', 'ROUTE_DEST_INVALID'],
    ['a.example b.example', 'ROUTE_DEST_INVALID'],
    ['mail', 'ROUTE_DEST_INVALID'],
    ['[mail.example.com', 'ROUTE_DEST_INVALID'],
    ['[]', 'ROUTE_DEST_INVALID'],
    ['/DEV/NULL', 'ROUTE_DEST_INVALID'],
    ['/dev/nul', 'ROUTE_DEST_INVALID'],
    ['user@example.com', 'ROUTE_DEST_INVALID'],
    ['-mail.example.com', 'ROUTE_DEST_INVALID'],
    ['0.0.0.0', 'ROUTE_DEST_RESERVED'],
    ['169.254.169.254', 'ROUTE_DEST_RESERVED'],
    ['224.0.0.1', 'ROUTE_DEST_RESERVED'],
    ['fe80::1', 'ROUTE_DEST_RESERVED'],
    ['::ffff:169.254.169.254', 'ROUTE_DEST_RESERVED'],
    ['::', 'ROUTE_DEST_RESERVED'],
  ])('%j is refused with %s (R11, R12, R15, R19, R23)', (text, code) => {
    expect(faults('example.com', [text])).toEqual([`${code} destinations[0]`]);
  });

  it('says what a bare number was meant to be (A17)', () => {
    const read = readRoute(
      { receivingDomain: 'example.com', destinations: ['mail.example.com', '0'] },
      DEFAULT_ROUTE_RULES,
    );
    expect(read).toMatchObject({ faults: [{ token: '0', message: expect.stringContaining('/pri=') }] });
  });

  it('may have one label, or an address that no mail host has, where that is switched on (R19)', () => {
    expect(
      faults('example.com', ['mail', '169.254.1.1'], undefined, { allowSingleLabel: true, allowReserved: true }),
    ).toEqual([]);
  });
});

describe('an entry', () => {
  it.each(['USEDNS', 'usedns', '/dev/null'])('takes %s alone (R16, R17, R19)', (keyword) => {
    expect(target(keyword)).toEqual({ kind: keyword === '/dev/null' ? 'null' : 'usedns' });
  });

  it.each([
    [['USEDNS', 'h.example']],
    [['h.example', '/dev/null']],
    [['USEDNS:25']],
    [['USEDNS/pri=1']],
    [['/dev/null/pri=1']],
  ])('refuses a keyword that is not alone: %j (R18)', (destinations) => {
    expect(faults('example.com', destinations)).toEqual([expect.stringMatching(/^ROUTE_KEYWORD_NOT_ALONE/)]);
  });

  it('refuses an authentication profile where nothing is sent to a host of its own (R18, R151)', () => {
    expect(faults('example.com', ['USEDNS'], 'edge')).toEqual(['ROUTE_KEYWORD_NOT_ALONE destinations[0]']);
    expect(faults('ALL', [], 'edge')).toEqual(['ROUTE_KEYWORD_NOT_ALONE authProfile']);
    expect(faults('example.com', ['h.example'], 'no good')).toEqual(['ROUTE_AUTH_PROFILE_UNKNOWN authProfile']);
  });

  it('finds all faults at once (R23)', () => {
    expect(faults('*.example.com', ['h.example:0', 'g.example', 'f.example/pri=x'])).toEqual([
      'ROUTE_DOMAIN_INVALID receivingDomain',
      'ROUTE_PORT_RANGE destinations[0]',
      'ROUTE_PRI_RANGE destinations[2]',
    ]);
  });

  it('refuses the same host and port twice (R22)', () => {
    expect(faults('example.com', ['h.example', 'g.example', 'H.example:25'])).toEqual([
      'ROUTE_DEST_DUPLICATE destinations[2]',
    ]);
    expect(faults('example.com', ['h.example', 'h.example:26'])).toEqual([]);
  });

  it('takes a hundred destinations (R22)', () => {
    const hosts = Array.from({ length: 101 }, (_, i) => `h${i}.example`);
    expect(faults('example.com', hosts.slice(1))).toEqual([]);
    expect(faults('example.com', hosts)).toEqual(['ROUTE_LIMIT destinations']);
  });

  it('may be empty for ALL only (R4, R5)', () => {
    expect(faults('ALL', [])).toEqual([]);
    expect(faults('example.com', [])).toEqual(['ROUTE_DEST_INVALID destinations']);
  });

  it('repeats no control characters of its input', () => {
    const read = readRoute(
      { receivingDomain: 'a\u{1b}[31m.example', destinations: ['h.example'] },
      DEFAULT_ROUTE_RULES,
    );
    expect(JSON.stringify(read)).not.toMatch(/\\u001b/);
  });

  it.each([
    ['example.com', ['[mail.example.com]:2525/pri=1', '2001:db8::5/pri=3', '[2001:db8::6]:26', '192.0.2.1'], 'edge'],
    ['.Bücher.example', ['USEDNS'], undefined],
    ['ALL', [], undefined],
    ['ALL', ['/dev/null'], undefined],
  ] as const)('prints %s as it was read', (receivingDomain, destinations, authProfile) => {
    const written =
      authProfile === undefined ? { receivingDomain, destinations } : { receivingDomain, destinations, authProfile };
    const read = readRoute(written, DEFAULT_ROUTE_RULES);
    expect('route' in read && writeRoute(read.route)).toEqual(written);
  });
});
