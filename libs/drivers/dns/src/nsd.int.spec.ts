import { RESOLVER_ZONE, resolverSuite } from '@mailyard/testkit/resolver.suite';
import { startDns } from '@mailyard/testkit/services/dns';
import { describeWith } from '@mailyard/testkit/services/require-service';
import type { Domain } from '@mailyard/mail';
import { expect, it, onTestFinished } from 'vitest';
import { DnsResolver } from './index.ts';

/** The zone of the suite as a master file; names with a fault are zones of their own, which nsd cannot load. */
function zones(): Record<string, string> {
  const lines = ['$TTL 60', '@ IN SOA ns hostmaster 1 3600 600 86400 60', '@ IN NS ns', 'ns IN A 127.0.0.1'];
  const texts: Record<string, string> = {};
  for (const [name, { mx = [], a = [], aaaa = [], txt = [], cname, fault }] of Object.entries(RESOLVER_ZONE)) {
    const owner = `${name}.`;
    if (fault !== undefined) texts[name] = '';
    for (const [preference, exchange] of mx) lines.push(`${owner} IN MX ${preference} ${exchange}.`);
    for (const address of a) lines.push(`${owner} IN A ${address}`);
    for (const address of aaaa) lines.push(`${owner} IN AAAA ${address}`);
    for (const strings of txt)
      lines.push(
        `${owner} IN TXT ${[strings]
          .flat()
          .map((one) => `"${one}"`)
          .join(' ')}`,
      );
    if (cname !== undefined) lines.push(`${owner} IN CNAME ${cname}.`);
  }
  return { ...texts, 'example.test': `${lines.join('\n')}\n` };
}

await describeWith(['dns'], 'nsd', () => {
  resolverSuite('DnsResolver over nsd', {
    make: async () => {
      const server = await startDns(zones());
      const resolver = new DnsResolver({ servers: [server.address] });
      return { resolver, stop: () => server.stop() };
    },
  });

  it('tells the PTR names of an address of either kind, and where names lead (R123)', async () => {
    const soa =
      '$TTL 60\n@ IN SOA ns.example.test. hostmaster.example.test. 1 3600 600 86400 60\n@ IN NS ns.example.test.\n';
    const server = await startDns({
      ...zones(),
      '2.0.192.in-addr.arpa': `${soa}1 IN PTR MX.example.test.\n1 IN PTR other.example.test.\n`,
      '8.b.d.0.1.0.0.2.ip6.arpa': `${soa}1${'.0'.repeat(23)} IN PTR mx.example.test.\n`,
    });
    onTestFinished(() => server.stop());
    const resolver = new DnsResolver({ servers: [server.address], timeoutMs: 500, tries: 1 });
    expect((await resolver.namesOf('192.0.2.1')).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'mx.example.test',
      'other.example.test',
    ]);
    expect(await resolver.namesOf('2001:db8::1')).toEqual(['mx.example.test']);
    expect(await resolver.namesOf('192.0.2.9')).toEqual([]);
    expect(await resolver.namesOf('198.51.100.1')).toEqual([]);
    expect(await resolver.addressesOf('ns.example.test' as Domain)).toEqual(['127.0.0.1']);
    expect(await resolver.addressesOf('nowhere.example.test' as Domain)).toEqual([]);
  });

  it('is lame for a zone that it does not have: a failure', async () => {
    const server = await startDns(zones());
    onTestFinished(() => server.stop());
    const resolver = new DnsResolver({ servers: [server.address], timeoutMs: 500, tries: 1 });
    expect(await resolver.mx('other.test' as Domain)).toMatchObject({ kind: 'failure' });
  });
});
