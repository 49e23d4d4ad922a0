import { describe, expect, it } from 'vitest';
import { delivery, deadPort, type DeliveryFixture, passUntil, people, sink, until } from './delivery-fixture.suite.ts';

/** When the sink was asked, in seconds, rounded to the clock's steps. */
function attempts(fixture: DeliveryFixture): number[] {
  return fixture.intents().map(({ at }) => Math.round((at - fixture.started) / 1_000));
}

describe('retry and expiry', () => {
  it('tries at 0, 60 and 120 s and bounces right after the third when two retries are allowed (R72)', async () => {
    const host = await sink({ onStep: ({ step }) => (step === 'rcpt' ? '450 4.2.0 later' : undefined) });
    const fixture = await delivery({
      routes: [`example.com 127.0.0.1:${host.port}`, 'sender.example /dev/null'],
      bounce: { maxRetries: 2, maxWaitMs: 60_000 },
    });
    await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDeferred') === 1);
    await passUntil(fixture.clock, () => fixture.count('RecipientDeferred') === 2, 1_000, 70);
    await passUntil(fixture.clock, () => fixture.count('RecipientExpired') === 1, 1_000, 70);
    expect(attempts(fixture)).toEqual([0, 60, 120]);
    expect(fixture.reports).toHaveLength(1);
    expect(fixture.outcomes.find(({ type }) => type === 'RecipientExpired')!.record).toMatchObject({
      reply: { code: 450 },
    });
  });

  it('looks at the age when an attempt falls due, and bounces instead of making it (R73)', async () => {
    const host = await sink({ onStep: ({ step }) => (step === 'rcpt' ? '450 4.2.0 later' : undefined) });
    const fixture = await delivery({
      routes: [`example.com 127.0.0.1:${host.port}`, 'sender.example /dev/null'],
      bounce: { maxWaitMs: 60_000 },
    });
    await fixture.submit({ to: people(1), maxAgeMs: 100_000 });
    await until(() => fixture.count('RecipientDeferred') === 1);
    await passUntil(fixture.clock, () => fixture.count('RecipientDeferred') === 2, 1_000, 70);
    await fixture.clock.advance(50_000);
    expect(fixture.count('RecipientExpired')).toBe(0);
    await passUntil(fixture.clock, () => fixture.count('RecipientExpired') === 1, 1_000, 20);
    expect(attempts(fixture)).toEqual([0, 60]);
    expect(fixture.outcomes.at(-1)!.at).toBeGreaterThanOrEqual(120);
    await until(() => fixture.reports.length === 1);
  });

  it('warns the sender once, at the second soft bounce, and goes on trying (R80)', async () => {
    const host = await sink({ onStep: ({ step }) => (step === 'rcpt' ? '450 4.2.0 later' : undefined) });
    const fixture = await delivery({
      routes: [`example.com 127.0.0.1:${host.port}`, 'sender.example /dev/null'],
      bounce: { delayWarnings: 1, maxRetries: 3, maxWaitMs: 60_000 },
    });
    await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDeferred') === 1);
    expect(fixture.warnings).toEqual([]);
    await passUntil(fixture.clock, () => fixture.count('RecipientDeferred') === 2, 1_000, 70);
    await passUntil(fixture.clock, () => fixture.count('RecipientExpired') === 1, 1_000, 200);
    expect(fixture.count('RecipientDeferred')).toBe(3);
    expect(fixture.warnings).toHaveLength(1);
    expect(fixture.warnings[0]).toMatch(/^Action: delayed\r$/m);
    expect(fixture.warnings[0]).toMatch(/^Will-Retry-Until: /m);
    expect(fixture.warnings[0]).toContain('450 4.2.0 later');
    expect(fixture.reports).toHaveLength(1);
    const records = fixture.records.map(({ record }) => record);
    const second = records.filter(({ type }) => type === 'RecipientDeferred')[1]!;
    expect(second).toMatchObject({ warning: expect.stringMatching(/./) });
    expect(records[records.indexOf(second) + 1]).toMatchObject({
      type: 'MessageAccepted',
      message: (second as { warning: string }).warning,
      reversePath: null,
    });
  });

  it.each([
    ['where the bounce profile allows none', {}, {}],
    ['at the null reverse-path', { delayWarnings: 1 }, { from: null }],
    ['against NOTIFY', { delayWarnings: 1 }, { notify: 'FAILURE' }],
  ] as const)('makes no delay warning %s (R80)', async (_name, bounce, submission) => {
    const host = await sink({ onStep: ({ step }) => (step === 'rcpt' ? '450 4.2.0 later' : undefined) });
    const fixture = await delivery({
      routes: [`example.com 127.0.0.1:${host.port}`],
      bounce: { maxWaitMs: 60_000, ...bounce },
    });
    await fixture.submit({ to: people(1), ...submission });
    await until(() => fixture.count('RecipientDeferred') === 1);
    await passUntil(fixture.clock, () => fixture.count('RecipientDeferred') === 3, 1_000, 300);
    expect(fixture.warnings).toEqual([]);
  });

  it('expires mail for a host that never came back, by age alone (R77)', async () => {
    const port = await deadPort();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${port}`] });
    await fixture.submit({ from: null, to: people(3), maxAgeMs: 600_000 });
    await until(() => fixture.count('RecipientDeferred') === 3);
    await passUntil(fixture.clock, () => fixture.count('RecipientExpired') === 3, 60_000, 20);
    expect(fixture.intents()).toHaveLength(0);
    await until(() => fixture.waiting === 0);
  });

  it('makes deferred mail of a domain due at once when another delivery to it succeeds (R74)', async () => {
    let refuses = true;
    const host = await sink({ onStep: ({ step }) => (step === 'rcpt' && refuses ? '450 4.2.0 later' : undefined) });
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port}`] });
    await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDeferred') === 1);
    refuses = false;
    await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDelivered') === 2);
    expect(fixture.clock.elapsed).toBe(0);
  });

  it('keeps the schedule of what was tried before its time in vain', async () => {
    const host = await sink({ onStep: ({ line }) => (line.includes('full') ? '452 4.2.2 full' : undefined) });
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port}`] });
    await fixture.submit({ to: ['full@example.com'] });
    await until(() => fixture.count('RecipientDeferred') === 1);
    await fixture.submit({ to: ['ok@example.com'] });
    await until(() => fixture.count('RecipientDeferred') === 2);
    expect((await fixture.worker.queues.waiting({ kind: 'all' }, 10, undefined)).recipients[0]).toMatchObject({
      retries: 1,
    });
    await fixture.submit({ to: ['ok@example.com'] });
    await until(() => fixture.count('RecipientDelivered') === 2);
    expect(fixture.count('RecipientDeferred')).toBe(2);
  });

  it('expires nothing when the wall clock jumps a day ahead, and goes on when it jumps an hour back', async () => {
    let refuses = true;
    const host = await sink({ onStep: ({ step }) => (step === 'rcpt' && refuses ? '450 4.2.0 later' : undefined) });
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port}`] });
    await fixture.submit({ to: people(1), maxAgeMs: 3_600_000 });
    await until(() => fixture.count('RecipientDeferred') === 1);
    fixture.clock.jump = 86_400_000;
    await fixture.clock.advance(30_000);
    expect(fixture.count('RecipientExpired')).toBe(0);
    expect(fixture.intents()).toHaveLength(1);
    fixture.clock.jump = -3_600_000;
    refuses = false;
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 1, 5_000, 10);
  });

  it('moves waiting mail at once when its route changes, and none other (I11)', async () => {
    const port = await deadPort();
    const host = await sink();
    const fixture = await delivery({ routes: [`a.example 127.0.0.1:${port}`, `b.example 127.0.0.1:${port}`] });
    await fixture.submit({ to: ['x@a.example', 'y@b.example'] });
    await until(() => fixture.count('RecipientDeferred') === 2);
    fixture.routes.set(`a.example 127.0.0.1:${host.port}`);
    await until(() => fixture.count('RecipientDelivered') === 1);
    expect(fixture.clock.elapsed).toBeLessThan(1_000);
    expect(host.messages[0]!.recipients[0]!.forwardPath).toBe('x@a.example');
    expect(fixture.waiting).toBe(1);
    expect(fixture.outcomes.find(({ type }) => type === 'RecipientDelivered')!.record).toMatchObject({
      route: 'a.example',
      routeVersion: 2,
    });
  });

  it('waits while routing does not know, and never asks for MX (I11; faults, row 9)', async () => {
    const trap = await sink();
    const host = await sink();
    const fixture = await delivery({
      routes: [`example.com 127.0.0.1:${host.port}`],
      zone: { 'example.com': { mx: [[10, 'trap.example']] }, 'trap.example': { a: ['127.0.0.1'] } },
    });
    fixture.routes.isAway = true;
    await fixture.submit({ to: people(2) });
    await until(() => fixture.waiting === 2);
    await fixture.clock.advance(10_000);
    expect(fixture.outcomes).toEqual([]);
    fixture.routes.isAway = false;
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 2, 1_000, 5);
    expect(host.transactions).toBe(1);
    expect(trap.connections).toBe(0);
  });

  it('tries now what an operator asks for (R210)', async () => {
    const port = await deadPort();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${port}`] });
    await fixture.submit({ to: people(2) });
    await until(() => fixture.count('RecipientDeferred') === 2);
    const host = await sink({ port });
    expect(await fixture.worker.queues.retryNow({ kind: 'domain', domain: 'example.com' as never })).toBe(2);
    await until(() => fixture.count('RecipientDelivered') === 2);
    expect(host.transactions).toBe(1);
    expect(fixture.clock.elapsed).toBeLessThan(1_000);
  });
});
