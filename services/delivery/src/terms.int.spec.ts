import { describe, expect, it } from 'vitest';
import { Controls } from './controls.suite.ts';
import { delivery, passUntil, people, sink, until } from './delivery-fixture.suite.ts';

const addresses = (domain: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `u${i}@${domain}`);

describe('destination controls', () => {
  it('bound the connections of a domain, and follow a change at once (R140)', async () => {
    // Between greeting and QUIT: a socket that we have closed is open at the other side for a moment longer.
    let open = 0;
    let most = 0;
    const host = await sink({
      onStep: ({ step }) => {
        if (step === 'connect') most = Math.max(most, ++open);
        if (step === 'quit') open -= 1;
        return step === 'dot' ? { delayMs: 20 } : undefined;
      },
    });
    const controls = new Controls([{ domain: 'example.com', maxConnections: 2, maxMessagesPerConnection: 1 }]);
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port}`], terms: controls });
    for (const to of addresses('example.com', 12)) await fixture.submit({ to: [to] });
    await until(() => fixture.count('RecipientDelivered') === 12);
    expect(most).toBe(2);
    expect(host.connections).toBe(12);
    controls.set([{ domain: 'example.com', maxMessagesPerConnection: 6 }]);
    for (const to of addresses('example.com', 6)) await fixture.submit({ to: [to] });
    await until(() => fixture.count('RecipientDelivered') === 18);
    expect(host.connections).toBeLessThan(18);
  });

  it('keep recipients of domains under different rows out of one transaction (A9)', async () => {
    const host = await sink();
    const fixture = await delivery({
      routes: [`ALL 127.0.0.1:${host.port}`],
      terms: new Controls([{ domain: 'one.example', maxConnections: 3 }]),
    });
    await fixture.submit({ to: ['u@one.example', 'u@two.example', 'u@three.example'] });
    await until(() => fixture.count('RecipientDelivered') === 3);
    const groups = host.messages.map(({ recipients }) => recipients.map(({ forwardPath }) => forwardPath).sort());
    expect(groups).toHaveLength(2);
    expect(groups).toEqual(expect.arrayContaining([['u@one.example'], ['u@three.example', 'u@two.example']]));
  });

  it('let so many recipients of a domain go in a window, the rest in the next ones (R140)', async () => {
    const host = await sink();
    const controls = new Controls([{ domain: 'DEFAULT', maxRecipients: 4, windowMinutes: 2 }]);
    const fixture = await delivery({ routes: [`ALL 127.0.0.1:${host.port}`], terms: controls });
    await fixture.submit({ to: addresses('example.com', 10) });
    await fixture.submit({ to: addresses('other.example', 3) });
    await until(() => fixture.count('RecipientDelivered') === 7);
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 11, 10_000, 13);
    expect(Math.round((fixture.clock.now().wall - fixture.started) / 1_000)).toBeGreaterThanOrEqual(119);
    const put = fixture.outcomes.find(({ type }) => type === 'RecipientDeferred')!;
    expect(put.record).toMatchObject({ countsAsRetry: false, reply: { enhancedStatus: '4.7.1' } });
    // Without the limit nothing waits any longer.
    controls.set([]);
    await until(() => fixture.count('RecipientDelivered') === 13);
  });

  it('demand TLS for a domain from now on', async () => {
    const host = await sink();
    const controls = new Controls();
    const fixture = await delivery({ routes: [`ALL 127.0.0.1:${host.port}`], terms: controls });
    await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDelivered') === 1);
    controls.set([{ domain: 'example.com', tls: 'required' }]);
    await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDeferred') === 1);
    expect(fixture.outcomes.at(-1)!.record).toMatchObject({ stage: 'starttls' });
    expect(host.accepted).toBe(1);
  });
});

describe('TLS that is demanded and not to be had (R144)', () => {
  const alarmsOf = (fixture: Awaited<ReturnType<typeof delivery>>): readonly string[] =>
    fixture.events.flatMap((event) => (event.kind === 'alarm' && event.name === 'tls-failed' ? [event.detail] : []));

  it('keeps the mail of that domain alone; the host serves others. One alarm until it can be had again', async () => {
    const host = await sink({ tls: true });
    const controls = new Controls([{ domain: 'strict.example', tls: 'requiredVerify' }]);
    const fixture = await delivery({ routes: [`ALL 127.0.0.1:${host.port}`], terms: controls });
    await fixture.submit({ to: ['u@strict.example'] });
    await until(() => fixture.count('RecipientDeferred') === 1);
    expect(fixture.outcomes.at(-1)!.record).toMatchObject({
      stage: 'starttls',
      reply: { code: 451, enhancedStatus: '4.7.5', text: 'certificate not verified: self-signed' },
      countsAsRetry: false,
    });
    await fixture.submit({ to: ['u@other.example'] });
    await until(() => fixture.count('RecipientDelivered') === 1);
    expect(host.messages.map(({ secure }) => secure)).toEqual([false]);
    const before = host.connections;
    await passUntil(fixture.clock, () => host.connections > before, 10_000, 30);
    await passUntil(fixture.clock, () => host.connections > before + 1, 30_000, 30);
    expect(alarmsOf(fixture)).toEqual([
      `127.0.0.1 [127.0.0.1]:${host.port} for strict.example: certificate not verified: self-signed`,
    ]);
    controls.set([{ domain: 'strict.example', tls: 'required' }]);
    // At once, but for its turn among those that do not answer.
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 2, 100, 20);
    expect(host.messages.map(({ secure }) => secure)).toEqual([false, true]);
    controls.set([{ domain: 'strict.example', tls: 'requiredVerify' }]);
    await fixture.submit({ to: ['u@strict.example'] });
    await until(() => alarmsOf(fixture).length === 2);
    expect(host.accepted).toBe(2);
  });

  it('goes on to the next host, and says nothing where alarms are off', async () => {
    const authority = await sink({ tls: true });
    const bare = await sink();
    const fixture = await delivery({
      routes: [`ALL 127.0.0.1:${bare.port},127.0.0.1:${authority.port}/pri=1`],
      terms: new Controls([{ domain: 'DEFAULT', tls: 'required' }]),
      settings: { tlsAlarm: false },
    });
    await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDelivered') === 1);
    expect([bare.transactions, authority.messages[0]?.secure]).toEqual([0, true]);
    expect(alarmsOf(fixture)).toEqual([]);
    expect(fixture.events).toContainEqual(
      expect.objectContaining({ kind: 'connectionTls', protocol: 'TLSv1.3', certificate: 'unjudged' }),
    );
  });
});

describe('bounce profiles', () => {
  const refusing = { onStep: ({ step }: { step: string }) => (step === 'rcpt' ? '450 4.2.0 later' : undefined) };
  const row = { domain: 'example.com', bounceProfile: 'quick' };

  it('give up by their own schedule, without a notice where they say so (R70, R78)', async () => {
    const host = await sink(refusing);
    const fixture = await delivery({
      routes: [`ALL 127.0.0.1:${host.port}`, 'sender.example /dev/null'],
      terms: new Controls(
        [row],
        [{ name: 'quick', maxRetries: 2, initialWaitSeconds: 5, maxWaitSeconds: 5, notices: false }],
      ),
    });
    await fixture.submit({ to: ['u@example.com', 'u@other.example'] });
    await until(() => fixture.count('RecipientDeferred') === 2);
    await passUntil(fixture.clock, () => fixture.count('RecipientExpired') === 1, 1_000, 15);
    expect(fixture.clock.now().wall - fixture.started).toBeLessThan(20_000);
    expect(fixture.reports).toEqual([]);
    expect(fixture.waiting).toBe(1);
  });

  it('say how old mail may become, also mail that waits already (R73)', async () => {
    const host = await sink(refusing);
    const controls = new Controls();
    const fixture = await delivery({
      routes: [`ALL 127.0.0.1:${host.port}`, 'sender.example /dev/null'],
      terms: controls,
    });
    await fixture.submit({ to: ['u@example.com'] });
    await until(() => fixture.count('RecipientDeferred') === 1);
    await fixture.clock.advance(20_000);
    controls.set([row], [{ name: 'quick', maxAgeSeconds: 10 }]);
    await until(() => fixture.count('RecipientExpired') === 1);
    expect(fixture.intents()).toHaveLength(1);
  });

  it('shorten the wait of what waits by a longer one', async () => {
    const host = await sink(refusing);
    const controls = new Controls([row], [{ name: 'quick', initialWaitSeconds: 3_000, maxWaitSeconds: 3_000 }]);
    const fixture = await delivery({ routes: [`ALL 127.0.0.1:${host.port}`], terms: controls });
    await fixture.submit({ to: ['u@example.com'] });
    await until(() => fixture.count('RecipientDeferred') === 1);
    controls.set([row], [{ name: 'quick', initialWaitSeconds: 5, maxWaitSeconds: 5 }]);
    await until(() => fixture.count('RecipientDeferred') === 2);
    await passUntil(fixture.clock, () => fixture.count('RecipientDeferred') === 3, 1_000, 8);
  });
});
