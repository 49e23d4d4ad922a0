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
  for (const [name, { mx = [], a = [], aaaa = [], cname, fault }] of Object.entries(RESOLVER_ZONE)) {
    const owner = `${name}.`;
    if (fault !== undefined) texts[name] = '';
    for (const [preference, exchange] of mx) lines.push(`${owner} IN MX ${preference} ${exchange}.`);
    for (const address of a) lines.push(`${owner} IN A ${address}`);
    for (const address of aaaa) lines.push(`${owner} IN AAAA ${address}`);
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

  it('is lame for a zone that it does not have: a failure', async () => {
    const server = await startDns(zones());
    onTestFinished(() => server.stop());
    const resolver = new DnsResolver({ servers: [server.address], timeoutMs: 500, tries: 1 });
    expect(await resolver.mx('other.test' as Domain)).toMatchObject({ kind: 'failure' });
  });
});
