import { describe, expect, it } from 'vitest';
import { delivery, deadPort, passUntil, people, sink, until } from './delivery-fixture.suite.ts';

describe('bodies', () => {
  it('are read from the log again when memory had no room for them', async () => {
    const host = await sink();
    const fixture = await delivery({
      routes: [`example.com 127.0.0.1:${host.port}`],
      settings: { hotBodyOctets: 0 },
    });
    const content = 'Subject: cold\r\n\r\nBody\r\n';
    await fixture.submit({ to: people(1), content });
    await until(() => host.accepted === 1);
    expect(host.messages[0]!.content.toString()).toBe(content);
  });

  it('are read from the store, and deleted after the last recipient has closed (I10)', async () => {
    const host = await sink();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port}`] });
    const content = `Subject: stored\r\n\r\n${'0123456789abcdef\r\n'.repeat(100_000)}`;
    await fixture.submit({ to: people(2), content, stored: true });
    await until(() => fixture.count('RecipientDelivered') === 2);
    expect(host.messages[0]!.content.toString('latin1')).toBe(content);
    await until(() => fixture.bodies.keys.length === 0);
  });

  it('that are missing defer and alarm, and never bounce (I10)', async () => {
    const host = await sink();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port}`, 'sender.example /dev/null'] });
    await fixture.submit({ to: people(1), stored: true, loseBody: true });
    await until(() => fixture.count('RecipientDeferred') === 1);
    expect(fixture.outcomes[0]!.record).toMatchObject({ stage: 'body', countsAsRetry: false });
    expect(fixture.alarms).toContain('body-missing');
    expect(host.accepted).toBe(0);
  });

  it('that are damaged are never ended with a dot (I10)', async () => {
    const host = await sink();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port}`] });
    const large = `Subject: x\r\n\r\n${'0123456789abcdef\r\n'.repeat(100_000)}`;
    await fixture.submit({ to: people(1), content: large, stored: true, damageBody: true });
    await fixture.submit({ to: people(1), content: 'Subject: y\r\n\r\nsmall\r\n', stored: true, damageBody: true });
    await until(() => fixture.count('RecipientDeferred') === 2);
    expect(host.accepted).toBe(0);
    expect(fixture.waiting).toBe(2);
  });

  it('wait while the store is away', async () => {
    const host = await sink();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port}`] });
    await fixture.submit({ to: people(1), stored: true, thenStoreAway: true });
    await until(() => fixture.count('RecipientDeferred') === 1);
    fixture.bodies.fault = undefined;
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 1, 30_000, 4);
  });

  it('that no message names are swept when a day old (I10)', async () => {
    const fixture = await delivery({});
    const orphan = '0/01jdf0k3v8pq4r5s6t7v8w9xyz/0';
    await fixture.bodies.put(orphan, [Buffer.from('x')]);
    await fixture.clock.advance(7_200_000);
    expect(fixture.bodies.keys).toEqual([orphan]);
    await passUntil(fixture.clock, () => fixture.bodies.keys.length === 0, 3_600_000, 26);
  });
});

describe('the log', () => {
  it('is restated and trimmed while mail waits in it, its inline bodies put into the store first (I7, I12)', async () => {
    const port = await deadPort();
    const host = await sink({ keep: 'none' });
    const fixture = await delivery({
      routes: [`old.example 127.0.0.1:${port}`, `example.com 127.0.0.1:${host.port}`],
    });
    await fixture.submit({ to: ['x@old.example'] });
    await until(() => fixture.count('RecipientDeferred') === 1);
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 25; i++) await fixture.submit({ to: people(1) });
      await until(() => fixture.count('RecipientDelivered') === 25 * (round + 1));
      await fixture.clock.advance(700_000);
    }
    await passUntil(
      fixture.clock,
      () => fixture.records.some(({ record }) => record.type === 'MessageRestated'),
      60_000,
      60,
    );
    expect(fixture.bodies.keys).toHaveLength(1);
    await passUntil(fixture.clock, () => fixture.trimmedTo > 50, 60_000, 60);
    const back = await sink({ port });
    await passUntil(fixture.clock, () => back.accepted === 1, 600_000, 20);
    expect(back.messages[0]!.content.toString()).toContain('Hello.');
    await until(() => fixture.bodies.keys.length === 0);
  });

  it('that refuses appends loses nothing: outcomes are written when it takes them again (I8)', async () => {
    const host = await sink();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port}`] });
    fixture.appendFault = (records) =>
      records.some(({ type }) => type === 'RecipientDelivered') ? { error: 'LOG_REFUSED' } : undefined;
    await fixture.submit({ to: people(1) });
    await until(() => host.accepted === 1);
    await fixture.clock.advance(5_000);
    expect(fixture.waiting).toBe(1);
    fixture.appendFault = undefined;
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 1, 1_000, 5);
    expect(host.accepted).toBe(1);
  });

  it('whose answers get lost gets outcomes again until they are read back, each counted once (I8)', async () => {
    const host = await sink();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port}`] });
    let lost = 0;
    fixture.appendFault = (records) =>
      records.some(({ type }) => type === 'RecipientDelivered') && lost++ < 2
        ? { error: 'LOG_UNCERTAIN', lands: lost === 2 }
        : undefined;
    await fixture.submit({ to: people(1) });
    await until(() => host.accepted === 1);
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 1, 1_000, 30);
    await fixture.clock.advance(30_000);
    expect(fixture.count('RecipientDelivered')).toBe(1);
    expect(host.accepted).toBe(1);
  });

  it('that swallows an intent makes nothing be sent; it is decided again (I8)', async () => {
    const host = await sink();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port}`] });
    let lost = 0;
    fixture.appendFault = (records) =>
      records.some(({ type }) => type === 'AttemptIntended') && lost++ === 0 ? { error: 'LOG_UNCERTAIN' } : undefined;
    await fixture.submit({ to: people(1) });
    await until(() => lost === 1);
    await fixture.clock.advance(5_000);
    expect(host.transactions).toBe(0);
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 1, 1_000, 20);
    expect(host.transactions).toBe(1);
  });
});

describe('alarms', () => {
  it('name whoever keeps the log from being trimmed (I7)', async () => {
    const fixture = await delivery({ trackerPosition: () => 0 });
    for (let i = 0; i < 60; i++)
      await fixture.log.append(
        0,
        Array.from({ length: 2_000 }, (_, claim) => ({
          type: 'PartitionClaimed' as const,
          worker: 'worker-1',
          incarnation: 'another' as never,
          claim: claim + 1,
          mark: 0,
          at: fixture.started,
        })),
      );
    await passUntil(fixture.clock, () => fixture.alarms.includes('log-held'), 60_000, 20);
  });
});

describe('the gauges', () => {
  it.each([
    ['the octets that wait', { openBytes: 10_000, logBytes: 1_000_000, lagSeconds: 60 }, 1],
    ['the octets of log', { openBytes: 1_000_000, logBytes: 12_000, lagSeconds: 60 }, 1],
  ])('publish how full a partition is, by %s', async (_name, limits, share) => {
    const port = await deadPort();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${port}`], settings: { limits } });
    for (let i = 0; i < 20; i++) await fixture.submit({ to: people(1), content: `${'x'.repeat(244)}\r\n` });
    await until(() => fixture.count('RecipientDeferred') === 20);
    await fixture.clock.advance(3_000);
    expect(fixture.pressure.read(0)).toBeGreaterThan(share - 0.05);
  });
});
