/**
 * The contract of the port `Resolver`: hosts, null MX, no data, no such domain and failure are five answers. A driver's
 * spec makes a resolver that knows {@link RESOLVER_ZONE}, whichever server tells it.
 */
import type { Resolver } from '@mailyard/delivery-rules';
import type { Domain } from '@mailyard/mail';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Zone } from './zone.ts';

export const RESOLVER_ZONE: Zone = {
  'example.test': {
    mx: [
      [20, 'backup.example.test'],
      [10, 'mx1.example.test'],
      [10, 'mx2.example.test'],
    ],
    a: ['192.0.2.80'],
  },
  'mx1.example.test': { a: ['192.0.2.1', '192.0.2.2'], aaaa: ['2001:db8::1'] },
  'mx2.example.test': { a: ['192.0.2.3'] },
  'backup.example.test': { aaaa: ['2001:db8::2'] },
  'null.example.test': { mx: [[0, '']] },
  'plain.example.test': { a: ['192.0.2.4'] },
  'alias.example.test': { cname: 'example.test' },
  'alias2.example.test': { cname: 'alias.example.test' },
  'hostalias.example.test': { cname: 'mx1.example.test' },
  'dangling.example.test': { cname: 'nowhere.example.test' },
  'loop1.example.test': { cname: 'loop2.example.test' },
  'loop2.example.test': { cname: 'loop1.example.test' },
  'broken.example.test': { fault: 'servfail' },
};

export interface ResolverUnderTest {
  make(): Promise<{ readonly resolver: Resolver; stop(): Promise<void> }>;
}

export function resolverSuite(name: string, driver: ResolverUnderTest): void {
  describe(`${name}: Resolver`, () => {
    let made: Awaited<ReturnType<ResolverUnderTest['make']>>;
    beforeAll(async () => {
      made = await driver.make();
    });
    afterAll(async () => made.stop());

    const mx = (domain: string): ReturnType<Resolver['mx']> => made.resolver.mx(domain as Domain);
    const addresses = (domain: string): ReturnType<Resolver['addresses']> => made.resolver.addresses(domain as Domain);

    it('answers mail exchangers, the most preferred first', async () => {
      for (const domain of ['example.test', 'alias.example.test', 'alias2.example.test']) {
        const answer = await mx(domain);
        expect(answer.kind).toBe('hosts');
        const hosts = answer.kind === 'hosts' ? answer.hosts : [];
        expect(hosts.map(({ preference }) => preference)).toEqual([10, 10, 20]);
        expect(hosts.map(({ exchange }) => exchange).toSorted()).toEqual([
          'backup.example.test',
          'mx1.example.test',
          'mx2.example.test',
        ]);
      }
    });

    it('tells a null MX from no MX and from no domain (R63)', async () => {
      expect(await mx('null.example.test')).toEqual({ kind: 'nullMx' });
      expect(await mx('plain.example.test')).toEqual({ kind: 'noData' });
      expect(await mx('nowhere.example.test')).toEqual({ kind: 'noSuchDomain' });
      expect(await mx('dangling.example.test')).toEqual({ kind: 'noSuchDomain' });
    });

    it('answers IPv4 and IPv6 addresses, aliases followed', async () => {
      for (const domain of ['mx1.example.test', 'hostalias.example.test']) {
        const answer = await addresses(domain);
        expect(answer.kind === 'addresses' ? answer.addresses.toSorted() : answer).toEqual([
          '192.0.2.1',
          '192.0.2.2',
          '2001:db8::1',
        ]);
      }
      expect(await addresses('backup.example.test')).toEqual({ kind: 'addresses', addresses: ['2001:db8::2'] });
    });

    it('tells a name without addresses from no such name', async () => {
      expect(await addresses('null.example.test')).toEqual({ kind: 'noData' });
      expect(await addresses('nowhere.example.test')).toEqual({ kind: 'noSuchDomain' });
      expect(await addresses('dangling.example.test')).toEqual({ kind: 'noSuchDomain' });
    });

    it.each(['broken.example.test', 'loop1.example.test', 'loop2.example.test'])(
      'calls %s a failure, never "not found"',
      async (domain) => {
        expect(await mx(domain)).toMatchObject({ kind: 'failure' });
        expect(await addresses(domain)).toMatchObject({ kind: 'failure' });
      },
    );
  });
}
