import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkRouteFileOctets,
  parseRouteFile,
  printRouteFile,
  readRouteFile,
  ROUTE_FILE_LIMITS,
} from './route-file.ts';
import { DEFAULT_ROUTE_RULES, readRoute } from './route-grammar.ts';
import type { SmtpRoute } from './smtp-route.ts';

const rules = DEFAULT_ROUTE_RULES;
const at = '2026-01-01T00:00:00Z';

function routesOf(text: string): readonly SmtpRoute[] {
  const read = parseRouteFile(text, rules);
  if (read.kind === 'faults') throw new Error(JSON.stringify(read.faults));
  return read.routes;
}

function faultsOf(text: string, maxRoutes = rules.maxRoutes) {
  const read = parseRouteFile(text, { ...rules, maxRoutes });
  return read.kind === 'faults' ? read.faults.map(({ code, line }) => `${code} ${line}`) : [];
}

describe('a file of routes', () => {
  it('is read with comments, blank lines, both ends of line and a byte order mark (R190, R191)', () => {
    const text =
      '\u{FEFF}# comment\r\n\r\n  # another\nexample.com: a.example,b.example:26/pri=5\r\n\t.example.com\tUSEDNS\n[192.0.2.1] [h.example]\nx.example a.example, b.example/auth=edge\nALL:';
    expect(routesOf(text).map(({ receivingDomain }) => receivingDomain)).toEqual([
      'example.com',
      '.example.com',
      '[192.0.2.1]',
      'x.example',
      'ALL',
    ]);
    expect(routesOf(text)[3]).toMatchObject({
      target: { authProfile: 'edge', hosts: [{ host: 'a.example' }, { host: 'b.example' }] },
    });
    expect(routesOf(text)[4]).toMatchObject({ target: { kind: 'usedns' } });
  });

  it('takes # for a comment only at the beginning of a line (R191)', () => {
    expect(faultsOf('example.com a.example # mine')).toEqual(['ROUTE_DEST_INVALID 1']);
  });

  it('is refused with every fault and its line (R193)', () => {
    expect(
      faultsOf('*.a x.example\nb.example\nc.example h:0, i.example/pri=x\nd.example d.test\nALL x.example USEDNS'),
    ).toEqual([
      'ROUTE_DOMAIN_INVALID 1',
      'ROUTE_DEST_INVALID 2',
      'ROUTE_PORT_RANGE 3',
      'ROUTE_PRI_RANGE 3',
      'ROUTE_DEST_INVALID 5',
    ]);
  });

  it('is refused when a domain stands in it twice, both lines named (R21)', () => {
    const read = parseRouteFile('example.com a.example\n.example.com a.example\nEXAMPLE.com. b.example\n', rules);
    expect(read).toMatchObject({
      faults: [{ code: 'ROUTE_DUPLICATE', line: 3, message: 'stands in line 1 and again in line 3' }],
    });
  });

  it('holds as many entries as the table, ALL counted even when it is not there (R2)', () => {
    const lines = Array.from({ length: 10_000 }, (_, i) => `d${i}.example h.example`);
    expect(faultsOf(lines.slice(1).join('\n'))).toEqual([]);
    expect(faultsOf(`${lines.slice(1).join('\n')}\nALL h.example`)).toEqual([]);
    expect(faultsOf(lines.join('\n'))).toEqual(['ROUTE_LIMIT undefined']);
  });

  it('gives back the same entries when its print is read again, in the same order (R194)', () => {
    const label = fc.constantFrom('a', 'b', 'mail', 'Bücher', 'x_y', 'xn--bcher-kva');
    const name = fc.array(label, { minLength: 2, maxLength: 3 }).map((parts) => parts.join('.'));
    const place = fc.oneof(
      name,
      name.map((n) => `[${n}]`),
      fc.ipV4().filter((a) => !/^(0|169\.254|2[2-5]\d)\./.test(a)),
      fc.constant('2001:db8::5'),
    );
    const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });
    const priority = fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: undefined });
    const destination = fc
      .tuple(place, port, priority)
      .map(
        ([p, o, r]) =>
          `${o !== undefined && p.includes('::') ? `[${p}]` : p}${o === undefined ? '' : `:${o}`}${r === undefined ? '' : `/pri=${r}`}`,
      );
    const destinations = fc.oneof(
      { weight: 1, arbitrary: fc.constantFrom(['USEDNS'], ['/dev/null']) },
      { weight: 4, arbitrary: fc.array(destination, { minLength: 1, maxLength: 3 }) },
    );
    const domain = fc.oneof(
      name,
      name.map((n) => `.${n}`),
      fc.constantFrom('[192.0.2.1]', '[IPv6:2001:db8::1]', 'ALL'),
    );
    const route = fc
      .tuple(domain, destinations, fc.constantFrom(undefined, 'edge'))
      .map(([receivingDomain, destinations, authProfile]) => {
        const isHosts = destinations[0] !== 'USEDNS' && destinations[0] !== '/dev/null';
        return readRoute(
          { receivingDomain, destinations, ...(isHosts && authProfile !== undefined ? { authProfile } : {}) },
          rules,
        );
      });
    fc.assert(
      fc.property(fc.array(route, { maxLength: 12 }), (reads) => {
        const routes = new Map(
          reads.filter((read) => 'route' in read).map((read) => [read.route.receivingDomain, read.route]),
        );
        const all = routes.get('ALL');
        routes.delete('ALL');
        const table: SmtpRoute[] = [...routes.values(), all ?? { receivingDomain: 'ALL', target: { kind: 'usedns' } }];
        const printed = printRouteFile(table, 'Mailyard', at);
        expect(routesOf(printed)).toEqual(table);
        expect(printRouteFile(routesOf(printed), 'Mailyard', at)).toBe(printed);
      }),
    );
  });

  it('never makes the reader throw, whatever it is', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom('ALL', ':', ',', ' ', '\n', '\r', '/pri=', '/auth=', '[', ']', '.', '#', 'a.example', '\0'),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const read = parseRouteFile(pieces.join(''), rules);
        if (read.kind === 'routes') for (const { receivingDomain } of read.routes) expect(receivingDomain).not.toBe('');
      }),
      { numRuns: 2000 },
    );
  });

  it('is refused when it is hostile, without much ado', () => {
    const line = ROUTE_FILE_LIMITS.lineCharacters;
    expect(faultsOf(`a.example ${'x'.repeat(line)}`)).toEqual(['ROUTE_FILE_INVALID 1']);
    expect(faultsOf('\n'.repeat(10_012), 10)).toEqual(['ROUTE_FILE_INVALID 10011']);
    expect(faultsOf(`a.example ${'h.example,'.repeat(3000)}`)).toEqual(['ROUTE_LIMIT 1']);
    expect(faultsOf(`a.example ${','.repeat(90)}`)).toHaveLength(91);
    const started = performance.now();
    faultsOf(`${'a.'.repeat(line / 2 - 10)}example h.example`);
    faultsOf(`${' '.repeat(line - 10)}x`);
    faultsOf(`a.example ${'/auth='.repeat(line / 7)}`);
    expect(performance.now() - started).toBeLessThan(500);
  });

  it('is looked at before it is decoded', () => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    expect(checkRouteFileOctets(bytes('a.example h.example\n'))).toBeUndefined();
    expect(checkRouteFileOctets(new Uint8Array([0x1f, 0x8b, 8, 0]))?.message).toMatch(/compressed/);
    expect(checkRouteFileOctets(bytes('a\0b'))?.message).toMatch(/NUL/);
    expect(checkRouteFileOctets(new Uint8Array(ROUTE_FILE_LIMITS.octets + 1))?.message).toMatch(/octets/);
  });

  it('lets others have a turn every thousand lines', () => {
    const reader = readRouteFile('a.example h.example\n'.repeat(3500), { ...rules, maxRoutes: 10 });
    let turns = 0;
    while (reader.next().done !== true) turns++;
    expect(turns).toBe(3);
  });
});
