/** Mail of virtual gateways as a worker sends it (R147). Loopback has every address of 127.0.0.0/8, and may have ::1. */
import { networkInterfaces } from 'node:os';
import type { VirtualGateway } from '@mailyard/delivery-rules';
import { describe, expect, it } from 'vitest';
import { delivery, sink, until } from './delivery-fixture.suite.ts';

const NEWS: VirtualGateway = { name: 'news', heloName: 'news.example', addresses: ['127.0.0.2'] };
const SHOP: VirtualGateway = { name: 'shop', heloName: 'shop.example', addresses: ['127.0.0.3'] };
/** Of a net for documentation: no machine has it. */
const NOWHERE = '203.0.113.77';
const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

describe('mail of a virtual gateway (R147)', () => {
  it('leaves from its address under its name, apart from all other mail to the same host', async () => {
    const exchange = await sink();
    const fixture = await delivery({
      routes: [`ALL 127.0.0.1:${exchange.port}`],
      gateways: [NEWS, SHOP],
      settings: { hostname: 'gateway.example' },
    });
    for (const gateway of ['news', 'shop', undefined])
      for (const domain of ['a.example', 'b.example'])
        await fixture.submit({ to: [`${gateway}@${domain}`], ...(gateway === undefined ? {} : { gateway }) });
    await until(() => exchange.accepted === 6);
    const seen = exchange.messages.map(
      ({ client, helo, recipients }) => `${recipients[0]!.forwardPath.split('@')[0]} ${client.address} ${helo}`,
    );
    expect(seen.toSorted()).toEqual([
      'news 127.0.0.2 news.example',
      'news 127.0.0.2 news.example',
      'shop 127.0.0.3 shop.example',
      'shop 127.0.0.3 shop.example',
      'undefined 127.0.0.1 gateway.example',
      'undefined 127.0.0.1 gateway.example',
    ]);
    expect(exchange.connections).toBe(3);
    const interfaces = fixture.events.flatMap((event) =>
      event.kind === 'connectionOpened' ? [event.localAddress ?? 'none'] : [],
    );
    expect(interfaces.toSorted()).toEqual(['127.0.0.2', '127.0.0.3', 'none']);
  });

  it('goes by addresses of its own family in turn, connection by connection', async () => {
    const exchange = await sink();
    const fixture = await delivery({
      routes: [`ALL 127.0.0.1:${exchange.port}`],
      gateways: [{ name: 'two', addresses: ['127.0.0.2', '2001:db8::9', '127.0.0.3'] }],
      settings: { messagesPerConnection: 1, maxConnectionsPerDestination: 1 },
    });
    for (let i = 0; i < 4; i++) await fixture.submit({ to: [`u${i}@a.example`], gateway: 'two' });
    await until(() => exchange.accepted === 4);
    const from = exchange.messages.map(({ client }) => client.address);
    expect(from.toSorted()).toEqual(['127.0.0.2', '127.0.0.2', '127.0.0.3', '127.0.0.3']);
  });

  it.each([
    ['is not in the settings', 'gateway-unknown', [], /virtual gateway news is not in the settings/],
    ['has no address of this machine', 'gateway-unusable', [NOWHERE], /cannot leave from this machine: bind/],
    ['has only addresses of the other family', undefined, ['2001:db8::9'], /no address from which 127\.0\.0\.1 can/],
  ])('waits and says why where the gateway %s: it never leaves from another address', async (_, alarm, has, why) => {
    const exchange = await sink();
    const fixture = await delivery({
      routes: [`ALL 127.0.0.1:${exchange.port}`],
      gateways: has.length === 0 ? [SHOP] : [SHOP, { name: 'news', addresses: has }],
    });
    await fixture.submit({ to: ['u@a.example'], gateway: 'news' });
    await until(() => fixture.count('RecipientDeferred') === 1);
    expect(fixture.outcomes[0]!.record).toMatchObject({ reply: { text: expect.stringMatching(why) } });
    // Other mail to that host and that domain does not wait for it.
    await fixture.submit({ to: ['v@a.example'], gateway: 'shop' });
    await fixture.submit({ to: ['w@a.example'] });
    await until(() => exchange.accepted === 2);
    await fixture.clock.advance(7_200_000);
    expect(exchange.connections).toBe(2);
    expect(fixture.waiting).toBe(1);
    expect(fixture.alarms).toEqual(alarm === undefined ? [] : [alarm]);
    expect(await fixture.worker.queues.destinations()).toMatchObject([
      { destination: `127.0.0.1:${exchange.port} via news`, waiting: 1, state: 'down' },
    ]);
  });

  it('leaves from another address of the gateway where one cannot be used', async () => {
    const exchange = await sink();
    const fixture = await delivery({
      routes: [`ALL 127.0.0.1:${exchange.port}`],
      gateways: [{ name: 'news', addresses: [NOWHERE, '127.0.0.2'] }],
    });
    await fixture.submit({ to: ['u@a.example'], gateway: 'news' });
    await until(() => exchange.accepted === 1);
    expect(exchange.messages[0]!.client.address).toBe('127.0.0.2');
    expect(fixture.alarms).toEqual(['gateway-unusable']);
  });

  it('does not wait for a host that refuses another gateway', async () => {
    const exchange = await sink({
      onStep: ({ step, client }) =>
        step === 'connect' && client.address === '127.0.0.2' ? '421 4.7.0 blocked' : undefined,
    });
    const fixture = await delivery({ routes: [`ALL 127.0.0.1:${exchange.port}`], gateways: [NEWS, SHOP] });
    await fixture.submit({ to: ['u@a.example'], gateway: 'news' });
    await until(() => fixture.count('RecipientDeferred') === 1);
    await fixture.submit({ to: ['v@a.example'], gateway: 'shop' });
    await fixture.submit({ to: ['w@a.example'] });
    await until(() => exchange.accepted === 2);
    await until(() => fixture.count('RecipientDelivered') === 2);
  });

  it('keeps its gateway when another worker takes over what waits', async () => {
    const exchange = await sink();
    const fixture = await delivery({ routes: [`ALL 127.0.0.1:${exchange.port}`], gateways: [NEWS] });
    await fixture.deal(0, undefined);
    await fixture.submit({ to: ['u@a.example'], gateway: 'news' });
    await fixture.deal(0, 0);
    await until(() => exchange.accepted === 1);
    expect(exchange.messages[0]!.client.address).toBe('127.0.0.2');
  });

  it('is found by domain and by destination, each with its own', async () => {
    const exchange = await sink({ onStep: ({ step }) => (step === 'rcpt' ? '450 4.2.0 later' : undefined) });
    const fixture = await delivery({ routes: [`ALL 127.0.0.1:${exchange.port}`], gateways: [NEWS] });
    await fixture.submit({ to: ['u@a.example'], gateway: 'news' });
    await fixture.submit({ to: ['v@a.example'] });
    await until(() => fixture.count('RecipientDeferred') === 2);
    const { queues } = fixture.worker;
    const paths = async (scope: Parameters<typeof queues.waiting>[0]) =>
      (await queues.waiting(scope, 10, undefined)).recipients.map(({ forwardPath }) => forwardPath).toSorted();
    expect(await paths({ kind: 'domain', domain: 'a.example' as never })).toEqual(['u@a.example', 'v@a.example']);
    const destination = `127.0.0.1:${exchange.port}`;
    expect(await paths({ kind: 'destination', destination: `${destination} via news` })).toEqual(['u@a.example']);
    expect(await paths({ kind: 'destination', destination })).toEqual(['v@a.example']);
  });

  it.skipIf(!hasIpv6)('leaves over IPv6 where it has an address of that family', async () => {
    const exchange = await sink({ host: '::1' });
    const fixture = await delivery({
      routes: [`ALL [::1]:${exchange.port}`],
      gateways: [{ name: 'six', addresses: ['127.0.0.2', '::1'] }],
    });
    await fixture.submit({ to: ['u@a.example'], gateway: 'six' });
    await until(() => exchange.accepted === 1);
    expect(exchange.messages[0]!.client.address).toBe('::1');
  });
});
