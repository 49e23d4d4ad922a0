import type { MailScope, OperatorEnding } from '@mailyard/delivery-rules';
import type { Address, Domain } from '@mailyard/mail';
import { describe, expect, it } from 'vitest';
import { delivery, DeliveryFixture, deadPort, people, sink, stopAfterTest, until } from './delivery-fixture.suite.ts';
import type { QueueView } from './views/queue-view.ts';

const REMOVE: OperatorEnding = { kind: 'remove', reason: 'spam run', author: 'ann' };
const BOUNCE: OperatorEnding = { kind: 'bounce', reason: 'left the company', author: 'ann' };
const ALL: MailScope = { kind: 'all' };

/** Part after part, to the end. */
async function end(queues: QueueView, scope: MailScope, ending: OperatorEnding | undefined) {
  const sum = { recipients: 0, leftAlone: 0 };
  let after: string | undefined;
  do {
    const part = await queues.end(scope, ending, after);
    sum.recipients += part.recipients;
    sum.leftAlone += part.leftAlone;
    after = part.next;
  } while (after !== undefined);
  return sum;
}

async function stuck(domains: readonly string[] = ['a.example', 'b.example']) {
  const port = await deadPort();
  const fixture = await delivery({ routes: domains.map((domain) => `${domain} 127.0.0.1:${port}`) });
  return { fixture, destination: `127.0.0.1:${port}` };
}

describe('R212 an operator', () => {
  it('removes what waits, by each scope; who did it and why is in the log, and nobody is told', async () => {
    const { fixture, destination } = await stuck();
    const first = await fixture.submit({ from: 'x@s.example', to: ['u@a.example', 'v@a.example', 'u@b.example'] });
    await fixture.submit({ from: null, to: ['u@a.example'] });
    await fixture.submit({ from: 'y@s.example', to: ['w@b.example', 'u@b.example'] });
    await until(() => fixture.count('RecipientDeferred') === 6);
    const { queues } = fixture.worker;
    const scopes: [MailScope, number][] = [
      [{ kind: 'message', message: first, recipient: 1 }, 1],
      [{ kind: 'message', message: first, copy: 1 }, 0],
      [{ kind: 'sender', reversePath: null }, 1],
      [{ kind: 'sender', reversePath: 'X@s.example' as Address }, 0],
      [{ kind: 'recipient', forwardPath: 'u@b.example' as Address }, 2],
      [{ kind: 'domain', domain: 'a.example' as Domain }, 1],
      [{ kind: 'destination', destination: 'elsewhere:25' }, 0],
      [{ kind: 'destination', destination }, 1],
    ];
    for (const [scope, recipients] of scopes) {
      const listed = await queues.waiting(scope, 100, undefined);
      expect(listed.recipients, JSON.stringify(scope)).toHaveLength(recipients);
      expect(await end(queues, scope, undefined)).toEqual({ recipients, leftAlone: 0 });
      expect(await end(queues, scope, REMOVE), JSON.stringify(scope)).toEqual({ recipients, leftAlone: 0 });
      // Once more does nothing.
      expect(await end(queues, scope, REMOVE)).toEqual({ recipients: 0, leftAlone: 0 });
    }
    expect(fixture.waiting).toBe(0);
    expect(fixture.reports).toEqual([]);
    expect(queues.status().ledger).toMatchObject({ accepted: 6, removed: 6 });
    const removed = fixture.outcomes.filter(({ type }) => type === 'RecipientRemoved');
    expect(removed.map(({ recipient }) => recipient).toSorted()).toEqual([
      ...['u@a.example', 'u@a.example', 'u@b.example', 'u@b.example', 'v@a.example', 'w@b.example'],
    ]);
    for (const { record } of removed) expect(record).toMatchObject({ reason: 'spam run', author: 'ann' });
  });

  it('bounces what waits: each recipient with its report, as final, in one batch (I9)', async () => {
    const { fixture } = await stuck();
    fixture.routes.set('sender.example /dev/null');
    await fixture.submit({ to: ['u@a.example', 'v@b.example'] });
    await fixture.submit({ from: null, to: ['u@a.example'] });
    await until(() => fixture.count('RecipientDeferred') === 3);
    expect(await end(fixture.worker.queues, ALL, BOUNCE)).toEqual({ recipients: 3, leftAlone: 0 });
    await until(() => fixture.waiting === 0);
    expect(fixture.reports).toHaveLength(2);
    for (const report of fixture.reports) {
      expect(report).toMatch(/^Action: failed\r\nStatus: 5\.0\.0\r$/m);
      expect(report).not.toContain('left the company');
    }
    const bounced = fixture.outcomes.filter(({ type }) => type === 'RecipientBounced');
    for (const { record } of bounced)
      expect(record).toMatchObject({ cause: 'other', stage: 'operator', reason: 'left the company', author: 'ann' });
  });

  it('bounces a message of many recipients without reading its body for all of them at once', async () => {
    const { fixture } = await stuck();
    fixture.routes.set('sender.example /dev/null');
    const to = Array.from({ length: 100 }, (_, n) => `u${n}@a.example`);
    await fixture.submit({ to, stored: true });
    await until(() => fixture.count('RecipientDeferred') === 100);
    let [reading, most] = [0, 0];
    const get = fixture.bodies.get.bind(fixture.bodies);
    fixture.bodies.get = async (...key) => {
      reading += 1;
      most = Math.max(most, reading);
      await new Promise(setImmediate);
      reading -= 1;
      return get(...key);
    };
    expect(await end(fixture.worker.queues, ALL, BOUNCE)).toEqual({ recipients: 100, leftAlone: 0 });
    await until(() => fixture.waiting === 0);
    expect(fixture.reports).toHaveLength(100);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(16);
  });

  it('does not bounce the reports that it has just made (I9)', async () => {
    const { fixture } = await stuck(['a.example', 'sender.example']);
    for (let n = 0; n < 3; n++) await fixture.submit({ to: people(100, 'a.example') });
    await fixture.submit({ from: null, to: ['u@a.example'] });
    await until(() => fixture.count('RecipientDeferred') === 301);
    expect(await end(fixture.worker.queues, ALL, BOUNCE)).toEqual({ recipients: 301, leftAlone: 0 });
    // They wait for a host that is away, as they would without this.
    await until(() => fixture.waiting === 300);
    expect(fixture.reports).toHaveLength(300);
    // A new command is for all that waits then.
    await fixture.clock.advance(1);
    await until(async () => (await end(fixture.worker.queues, ALL, undefined)).leftAlone === 0);
    expect(await end(fixture.worker.queues, ALL, BOUNCE)).toEqual({ recipients: 300, leftAlone: 0 });
    await until(() => fixture.waiting === 0);
    expect(fixture.reports).toHaveLength(300);
  });

  it('leaves alone what is being sent, and takes what is ready behind it', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let atDot = 0;
    const host = await sink({
      onStep: async ({ step }) => {
        if (step !== 'dot') return undefined;
        atDot += 1;
        await promise;
        return undefined;
      },
    });
    const fixture = await delivery({
      routes: [`a.example 127.0.0.1:${host.port}`],
      settings: { maxConnectionsPerDestination: 1 },
    });
    for (let n = 0; n < 20; n++) await fixture.submit({ to: [`u${n}@a.example`] });
    await until(() => atDot === 1);
    const { recipients, leftAlone } = await end(fixture.worker.queues, ALL, REMOVE);
    expect(recipients + leftAlone).toBe(20);
    expect(leftAlone).toBeGreaterThanOrEqual(1);
    expect(recipients).toBeGreaterThanOrEqual(10);
    resolve();
    await until(() => fixture.waiting === 0);
    expect(host.accepted).toBe(leftAlone);
    expect(fixture.count('RecipientRemoved')).toBe(recipients);
    expect(fixture.openIntents()).toEqual([]);
    // What comes afterwards goes on as before.
    await fixture.submit({ to: ['later@a.example'] });
    await until(() => host.accepted === leftAlone + 1);
  });

  it('ends each recipient once while mail comes and goes at full speed', async () => {
    const host = await sink();
    const fixture = await delivery({ routes: [`a.example 127.0.0.1:${host.port}`] });
    const submitting = (async () => {
      for (let n = 0; n < 200; n++) await fixture.submit({ to: people(3, 'a.example') });
    })();
    let removed = 0;
    for (let n = 0; n < 20; n++) removed += (await end(fixture.worker.queues, ALL, REMOVE)).recipients;
    await submitting;
    await until(() => fixture.waiting === 0);
    const { ledger } = fixture.worker.queues.status();
    expect(ledger.removed).toBe(removed);
    expect(ledger.delivered + ledger.removed).toBe(600);
    expect(host.messages.reduce((sum, { recipients }) => sum + recipients.length, 0)).toBe(ledger.delivered);
  });

  it('hears when an owner dies in the middle, and does nothing twice when it is run again', async () => {
    const port = await deadPort();
    const fixture = await DeliveryFixture.start({
      routes: [`a.example 127.0.0.1:${port}`],
      settings: { exclusive: false },
    });
    stopAfterTest(() => fixture.stop());
    for (let n = 0; n < 40; n++) await fixture.submit({ to: people(10, 'a.example') });
    await until(() => fixture.count('RecipientDeferred') === 400);
    let batches = 0;
    fixture.appendFault = (records) =>
      records[0]?.type === 'RecipientRemoved' && (batches += 1) === 2 ? { error: 'LOG_UNCERTAIN' } : undefined;
    const ending = fixture.worker.queues.end(ALL, REMOVE, undefined);
    await until(() => batches >= 2);
    await fixture.kill(0);
    const broken = await ending;
    expect(broken).toMatchObject({ leftAlone: 0, next: undefined, problem: expect.stringContaining('in time') });
    // What it counted is what the log has.
    expect(broken.recipients).toBe(fixture.count('RecipientRemoved'));
    expect(broken.recipients).toBeGreaterThan(0);
    fixture.appendFault = undefined;
    await fixture.startWorker();
    await until(() => !fixture.worker.isTakingOver && fixture.worker.queues.status().partitions.length === 1);
    const left = fixture.waiting;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(400);
    expect(await end(fixture.worker.queues, ALL, REMOVE)).toEqual({ recipients: left, leftAlone: 0 });
    const ends = fixture.records.filter(({ record }) => record.type === 'RecipientRemoved');
    expect(ends).toHaveLength(400);
  });
});
