import { describe, expect, it } from 'vitest';
import { deadPort, delivery, passUntil, people, sink, until } from './delivery-fixture.suite.ts';

describe('hosts in trouble', () => {
  it('cost the others of their destination next to nothing: one dead of two (design, section 4)', async () => {
    const port = await deadPort();
    const alive = await sink({ keep: 'none' });
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${port},127.0.0.1:${alive.port}`] });
    for (let i = 0; i < 500; i++) await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDelivered') === 500);
    // Each failed try is a transaction's worth of work at most.
    const failed = fixture.events.filter(({ kind }) => kind === 'connectionFailed').length;
    expect(failed).toBeLessThanOrEqual(5);
    expect(fixture.intents()).toHaveLength(500);
  });

  it('do not hold up a destination whose other host is silent', async () => {
    const silent = await sink({ onStep: ({ step }) => (step === 'connect' ? { end: 'hang' } : undefined) });
    const alive = await sink({ keep: 'none' });
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${silent.port},127.0.0.1:${alive.port}`] });
    for (let i = 0; i < 20; i++) await fixture.submit({ to: people(1) });
    await until(() => silent.connections === 1);
    await fixture.clock.advance(2_000);
    await until(() => fixture.count('RecipientDelivered') === 20);
    const before = silent.connections;
    for (let i = 0; i < 500; i++) await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDelivered') === 520);
    expect(alive.connections).toBeGreaterThanOrEqual(10);
    expect(silent.connections).toBe(before);
  });

  it('hold at most one message a connection while they take for ever, and the other host goes on', async () => {
    const slow = await sink({ onStep: ({ step }) => (step === 'dot' ? { end: 'hang' } : undefined) });
    const alive = await sink({ keep: 'none' });
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${slow.port},127.0.0.1:${alive.port}`] });
    for (let i = 0; i < 100; i++) await fixture.submit({ to: people(1) });
    await until(() => slow.transactions === 1);
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') >= 90, 1_000, 60);
    await passUntil(fixture.clock, () => fixture.waiting === slow.openConnections, 1_000, 30);
    expect(fixture.waiting).toBeLessThanOrEqual(10);
  });

  it('leave other destinations alone: a hundred dead domains', async () => {
    const port = await deadPort();
    const alive = await sink({ keep: 'none' });
    const fixture = await delivery({
      routes: [
        ...Array.from({ length: 100 }, (_, i) => `dead${i}.example 127.0.0.${i + 1}:${port}`),
        `example.com 127.0.0.1:${alive.port}`,
      ],
    });
    for (let i = 0; i < 100; i++) {
      await fixture.submit({ to: [`x@dead${i}.example`] });
      await fixture.submit({ to: people(1) });
    }
    // Time stands still: the healthy one needs none of it, while the dead ones take turns.
    await until(() => fixture.count('RecipientDelivered') === 100);
    await passUntil(fixture.clock, () => fixture.count('RecipientDeferred') === 100, 50, 100);
    expect(fixture.waiting).toBe(100);
    expect(fixture.intents()).toHaveLength(100);
  });

  it('take turns when all are due at once, and write nothing that is known: dead domains after a takeover (R76, R77)', async () => {
    const domains = 300;
    const port = await deadPort();
    const alive = await sink({ keep: 'none' });
    const fixture = await delivery({
      routes: [
        ...Array.from({ length: domains }, (_, i) => `dead${i}.example 127.0.${1 + (i >> 7)}.${(i & 127) + 1}:${port}`),
        `example.com 127.0.0.1:${alive.port}`,
      ],
    });
    for (let i = 0; i < domains; i++)
      for (const user of ['x', 'y']) await fixture.submit({ to: [`${user}@dead${i}.example`] });
    await passUntil(fixture.clock, () => fixture.count('RecipientDeferred') === 2 * domains, 50, 200);
    await fixture.kill(0);
    const failed = (): number => fixture.events.filter(({ kind }) => kind === 'connectionFailed').length;
    const before = failed();
    const written = fixture.records.length;
    await fixture.clock.advance(3_600_000);
    await fixture.startWorker();
    await until(() => fixture.worker.queues.status().waiting === 2 * domains);
    for (let i = 0; i < 5; i++) await fixture.clock.advance(20);
    expect(failed() - before).toBeLessThan(domains / 2);
    await fixture.submit({ to: people(1) });
    // Time stands still: it does not wait for their turns.
    await until(() => fixture.count('RecipientDelivered') === 1, 'new mail is delivered');
    expect(failed() - before).toBeLessThan(domains / 2);
    await passUntil(fixture.clock, () => failed() - before === domains, 100, 300);
    await fixture.clock.advance(10_000);
    // One connection for both recipients of a domain, and no record for either.
    expect(failed() - before).toBe(domains);
    const since = fixture.records.slice(written).map(({ record }) => record.type);
    expect(since.filter((type) => type === 'RecipientDeferred')).toEqual([]);
  });

  it('gets a backlog out over no more connections than allowed once it is back (R76, faults row 34)', async () => {
    const port = await deadPort();
    const fixture = await delivery({
      routes: [`example.com 127.0.0.1:${port}`],
      settings: { maxConnectionsPerDestination: 4, readyLimit: 50 },
    });
    for (let i = 0; i < 1_000; i++) await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDeferred') === 1_000);
    const back = await sink({ port, keep: 'none' });
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') > 0, 1_000, 65);
    const began = fixture.clock.elapsed;
    await until(() => fixture.count('RecipientDelivered') === 1_000, 'the backlog is out', 30_000);
    // No time had to pass: whoever has ended makes room for the next.
    expect(fixture.clock.elapsed).toBe(began);
    let open = 0;
    let most = 0;
    for (const { kind } of fixture.events) {
      if (kind === 'connectionOpened') most = Math.max(most, ++open);
      else if (kind === 'connectionClosed') open -= 1;
    }
    expect(most).toBe(4);
    expect(back.accepted).toBe(1_000);
  });

  it('is not asked for ever about recipients that it takes none of (R106)', async () => {
    const host = await sink({ onStep: ({ step }) => (step === 'rcpt' ? '452 4.5.3 too many' : undefined) });
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port}`] });
    await fixture.submit({ to: people(3) });
    await until(() => fixture.count('RecipientDeferred') === 3);
    await fixture.clock.advance(5_000);
    expect(host.transactions).toBe(1);
  });
});
