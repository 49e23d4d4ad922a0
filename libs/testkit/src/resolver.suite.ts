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
  '_texts.example.test': { txt: ['v=spf1 -all', ['v=STSv1; ', 'id=20160831085700Z;']] },
  '_alias.example.test': { cname: '_texts.example.test' },
  'dangling.example.test': { cname: 'nowhere.example.test' },
  'loop1.example.test': { cname: 'loop2.example.test' },
  'loop2.example.test': { cname: 'loop1.example.test' },
  'broken.example.test': { fault: 'servfail' },
};

/** Names for which DNSSEC vouches, and others; for servers that can be told to say so. */
export const VOUCHED_ZONE: Zone = {
  'signed.test': { isSecure: true, mx: [[10, 'mx.signed.test']] },
  'mx.signed.test': { a: ['192.0.2.1'] },
  '_25._tcp.mx.signed.test': {
    tlsa: [
      [3, 1, 1, 'ab'.repeat(32)],
      [2, 0, 0, 'cd'.repeat(700)],
    ],
  },
  '_2525._tcp.mx.signed.test': { cname: '_25._tcp.mx.signed.test' },
  'alias.signed.test': { cname: 'mx.signed.test' },
  'own.signed.test': { cname: 'bare.signed.test' },
  '_25._tcp.own.signed.test': { tlsa: [[3, 0, 2, 'ef'.repeat(64)]] },
  'six.signed.test': { aaaa: ['2001:db8::1'] },
  '_25._tcp.six.signed.test': { tlsa: [[3, 1, 1, '01'.repeat(32)]] },
  'bare.signed.test': { a: ['192.0.2.2'] },
  'failing.signed.test': { a: ['192.0.2.3'] },
  '_25._tcp.failing.signed.test': { fault: 'servfail' },
  'away.signed.test': { isSecure: true, fault: 'servfail' },
  'plain.test': { mx: [[10, 'mx.plain.test']] },
  'mx.plain.test': { a: ['192.0.2.4'] },
  '_25._tcp.mx.plain.test': { tlsa: [[3, 1, 1, 'ab'.repeat(32)]] },
  'outwards.signed.test': { cname: 'mx.plain.test' },
  'failing.plain.test': { a: ['192.0.2.5'] },
  '_25._tcp.failing.plain.test': { fault: 'servfail' },
};

export interface ResolverUnderTest {
  /** `isVouching`: it knows {@link VOUCHED_ZONE} too. */
  readonly isVouching?: boolean;
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

    it('answers texts, the strings of each joined, aliases followed', async () => {
      for (const name of ['_texts.example.test', '_alias.example.test']) {
        const answer = await made.resolver.texts(name);
        expect(answer.kind === 'texts' ? answer.texts.toSorted() : answer).toEqual([
          'v=STSv1; id=20160831085700Z;',
          'v=spf1 -all',
        ]);
      }
      expect(await made.resolver.texts('plain.example.test')).toEqual({ kind: 'noData' });
      expect(await made.resolver.texts('nowhere.example.test')).toEqual({ kind: 'noSuchDomain' });
    });

    it.each(['broken.example.test', 'loop1.example.test', 'loop2.example.test'])(
      'calls %s a failure, never "not found"',
      async (domain) => {
        expect(await mx(domain)).toMatchObject({ kind: 'failure' });
        expect(await addresses(domain)).toMatchObject({ kind: 'failure' });
        expect(await made.resolver.texts(domain)).toMatchObject({ kind: 'failure' });
      },
    );

    describe.runIf(driver.isVouching === true)('TLSA records (R144, RFC 7672)', () => {
      const tlsa = async (host: string, port = 25): Promise<unknown> => {
        const answer = await made.resolver.tlsa(host as Domain, port);
        if (answer.kind !== 'records') return answer.kind;
        return [
          answer.base,
          ...answer.records.map(
            ({ usage, selector, matching, data }) => `${usage}${selector}${matching} ${data.length}`,
          ),
        ];
      };

      it('are those below the name that aliases lead to, else below the name', async () => {
        for (const [host, port] of [
          ['mx.signed.test', 25],
          ['mx.signed.test', 2525],
          ['alias.signed.test', 25],
        ] as const)
          expect(await tlsa(host, port)).toEqual(['mx.signed.test', '311 32', '200 700']);
        expect(await tlsa('own.signed.test')).toEqual(['own.signed.test', '302 64']);
        expect(await tlsa('six.signed.test')).toEqual(['six.signed.test', '311 32']);
      });

      it('are none where there are none, and where DNSSEC does not vouch, whatever stands there', async () => {
        for (const host of ['bare.signed.test', 'nowhere.signed.test', 'mx.plain.test', 'outwards.signed.test'])
          expect([host, await tlsa(host)]).toEqual([host, 'none']);
        // Not even asked for: some servers fail at the question.
        expect(await tlsa('failing.plain.test')).toBe('none');
      });

      it('are not known where the answer is missing: never none', async () => {
        for (const host of ['failing.signed.test', 'away.signed.test']) expect(await tlsa(host)).toBe('failure');
      });

      it('count for a domain whose MX records DNSSEC vouches for, also for there being none', async () => {
        const isSecure = (domain: string) => made.resolver.isMxSecure(domain as Domain);
        expect(await isSecure('signed.test')).toBe(true);
        expect(await isSecure('bare.signed.test')).toBe(true);
        expect(await isSecure('plain.test')).toBe(false);
        expect(await isSecure('away.signed.test')).toMatchObject({ kind: 'failure' });
      });
    });
  });
}
