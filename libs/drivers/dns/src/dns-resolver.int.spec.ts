import type { Domain } from '@mailyard/mail';
import { DnsServer } from '@mailyard/testkit/dns-server';
import { RESOLVER_ZONE, resolverSuite, VOUCHED_ZONE } from '@mailyard/testkit/resolver.suite';
import type { Zone } from '@mailyard/testkit/zone';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { type DnsOptions, DnsResolver } from './index.ts';

resolverSuite('DnsResolver over a scripted server', {
  isVouching: true,
  make: async () => {
    const server = await DnsServer.start({ ...RESOLVER_ZONE, ...VOUCHED_ZONE });
    const resolver = new DnsResolver({ servers: [server.address] });
    return { resolver, stop: () => server.stop() };
  },
});

describe('DnsResolver', () => {
  let server: DnsServer;
  afterEach(async () => server.stop());

  async function start(zone: Zone, options: DnsOptions = {}): Promise<DnsResolver> {
    server = await DnsServer.start(zone);
    return new DnsResolver({ servers: [server.address], timeoutMs: 100, tries: 1, ...options });
  }

  it.each(['servfail', 'refused', 'garbage', 'silent'] as const)('defers on a server that is %s', async (fault) => {
    const resolver = await start({ 'a.test': { fault } });
    expect(await resolver.mx('a.test' as Domain)).toMatchObject({ kind: 'failure' });
    expect(await resolver.addresses('a.test' as Domain)).toMatchObject({ kind: 'failure' });
  });

  it('defers when nobody listens', async () => {
    const resolver = await start({});
    const { address } = server;
    await server.stop();
    const lost = new DnsResolver({ servers: [address], timeoutMs: 100, tries: 1 });
    expect(await lost.mx('a.test' as Domain)).toMatchObject({ kind: 'failure' });
    resolver.close();
    server = await DnsServer.start({});
  });

  it('does not ask again within the TTL, asks once for equal questions, and again after it', async () => {
    let now = 0;
    const resolver = await start({ 'a.test': { a: ['192.0.2.1'], ttl: 100 } }, { now: () => now });
    const ask = (): ReturnType<DnsResolver['addresses']> => resolver.addresses('a.test' as Domain);
    await Promise.all([ask(), ask(), ask()]);
    server.zone = { 'a.test': { a: ['192.0.2.2'], ttl: 0 } };
    now = 99_999;
    expect(await ask()).toEqual({ kind: 'addresses', addresses: ['192.0.2.1'] });
    expect(server.questions.filter((question) => question === 'A a.test')).toHaveLength(1);
    now = 100_000;
    expect(await ask()).toEqual({ kind: 'addresses', addresses: ['192.0.2.2'] });
    await ask();
    expect(server.questions.filter((question) => question === 'A a.test')).toHaveLength(3);
  });

  it('keeps a failure so short that the next attempt asks again', async () => {
    let now = 0;
    const resolver = await start({ 'a.test': { fault: 'servfail' } }, { now: () => now });
    expect(await resolver.mx('a.test' as Domain)).toMatchObject({ kind: 'failure' });
    server.zone = { 'a.test': { mx: [[0, 'b.test']] } };
    now = 2_001;
    expect(await resolver.mx('a.test' as Domain)).toMatchObject({ kind: 'hosts' });
  });

  it('uses the answer of one address family when the other fails', async () => {
    const resolver = await start({
      'a.test': { a: ['192.0.2.1'], fault: 'servfail', faultTypes: ['AAAA'] },
      'b.test': { fault: 'servfail', faultTypes: ['AAAA'] },
    });
    expect(await resolver.addresses('b.test' as Domain)).toMatchObject({ kind: 'failure' });
    expect(await resolver.addresses('a.test' as Domain)).toEqual({ kind: 'addresses', addresses: ['192.0.2.1'] });
  });

  it('takes at most fifty of five hundred mail exchangers, the preferred ones, over TCP', async () => {
    const mx = Array.from({ length: 500 }, (_, i) => [(i * 7) % 500, `mx${(i * 7) % 500}.a.test`] as const);
    const resolver = await start({ 'a.test': { mx } }, { timeoutMs: 2_000 });
    const answer = await resolver.mx('a.test' as Domain);
    expect(answer.kind === 'hosts' && answer.hosts).toEqual(
      Array.from({ length: 50 }, (_, i) => ({ exchange: `mx${i}.a.test`, preference: i })),
    );
  });

  it('asks the next server for TLSA records where one cannot be reached, fails or answers nonsense', async () => {
    const working = await DnsServer.start(VOUCHED_ZONE);
    onTestFinished(() => working.stop());
    const garbled = Object.fromEntries(
      Object.keys(VOUCHED_ZONE).map((name) => [name, { fault: 'garbage', isSecure: true } as const]),
    );
    await start(garbled);
    for (const first of ['[2001:db8::1]:5353', '127.0.0.1:1', server.address]) {
      const resolver = new DnsResolver({ servers: [first, working.address], timeoutMs: 200, tries: 1 });
      expect(await resolver.tlsa('mx.signed.test' as Domain, 25)).toMatchObject({ kind: 'records' });
      const alone = new DnsResolver({ servers: [first], timeoutMs: 200, tries: 1 });
      expect(await alone.tlsa('mx.signed.test' as Domain, 25)).toMatchObject({ kind: 'failure' });
    }
    const resolver = new DnsResolver({ servers: [working.address] });
    expect(await resolver.tlsa('no..name' as Domain, 25)).toMatchObject({ kind: 'failure' });
  });

  it('asks for TLSA records again when their time is over, and not before', async () => {
    let now = 0;
    const resolver = await start(VOUCHED_ZONE, { now: () => now, timeoutMs: 2_000 });
    const ask = (): ReturnType<DnsResolver['tlsa']> => resolver.tlsa('mx.signed.test' as Domain, 25);
    await Promise.all([ask(), ask()]);
    server.zone = {};
    now = 59_999;
    expect(await ask()).toMatchObject({ kind: 'records' });
    expect(server.questions.filter((question) => question.startsWith('TLSA'))).toHaveLength(1);
    now = 60_000;
    expect(await ask()).toMatchObject({ kind: 'none' });
  });

  it('does not follow a loop of aliases for ever', async () => {
    const resolver = await start({ 'a.test': { cname: 'b.test' }, 'b.test': { cname: 'a.test' } });
    expect(await resolver.addresses('a.test' as Domain)).toMatchObject({ kind: 'failure' });
    expect(server.questions.length).toBeLessThan(40);
  });

  it('keeps no texts without end, nor asks for them again and again', async () => {
    const resolver = await start(
      { 'a.test': { txt: Array.from({ length: 60 }, () => 'x'.repeat(250)) } },
      { timeoutMs: 2_000 },
    );
    for (let i = 0; i < 3; i++) expect(await resolver.texts('a.test')).toMatchObject({ kind: 'failure' });
    expect(server.questions).toEqual(['TXT a.test']);
  });

  it('takes exchanges in comparable form, each once', async () => {
    const mx = [
      [10, 'MX.a.test'],
      [5, 'mx.A.test'],
    ] as const;
    const resolver = await start({ 'a.test': { mx } });
    expect(await resolver.mx('a.test' as Domain)).toEqual({
      kind: 'hosts',
      hosts: [{ exchange: 'mx.a.test', preference: 5 }],
    });
  });
});
