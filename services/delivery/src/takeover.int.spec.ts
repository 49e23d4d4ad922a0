import { describe, expect, it } from 'vitest';
import {
  delivery,
  DeliveryFixture,
  deadPort,
  passUntil,
  people,
  sink,
  stopAfterTest,
  until,
} from './delivery-fixture.suite.ts';

const ROUTES = (port: number): string[] => [`example.com 127.0.0.1:${port}`, 'sender.example /dev/null'];

/** A sink that answers the final dot when the test lets it. */
async function gatedSink() {
  const { promise, resolve } = Promise.withResolvers<void>();
  let reached = 0;
  const host = await sink({
    onStep: async ({ step }) => {
      if (step !== 'dot') return undefined;
      reached += 1;
      await promise;
      return undefined;
    },
  });
  return { host, open: resolve, reached: () => reached };
}

describe('several workers', () => {
  it('share the partitions, each delivering its own', async () => {
    const host = await sink();
    const fixture = await DeliveryFixture.start({
      routes: ROUTES(host.port),
      partitions: 4,
      settings: { exclusive: false },
    });
    stopAfterTest(() => fixture.stop());
    await fixture.startWorker();
    await until(() => fixture.workers.every(({ queues }) => queues.status().partitions.length === 2));
    for (let i = 0; i < 20; i++) await fixture.submit({ to: people(1), partition: i % 4 });
    await until(() => fixture.count('RecipientDelivered') === 20);
    expect(host.accepted).toBe(20);
  });

  it('go on with the waiting mail of one that died, at once, and keep its due times (R82, I5)', async () => {
    let refuses = true;
    const host = await sink({ onStep: ({ step }) => (step === 'rcpt' && refuses ? '450 4.2.0 later' : undefined) });
    const fixture = await DeliveryFixture.start({ routes: ROUTES(host.port), settings: { exclusive: false } });
    stopAfterTest(() => fixture.stop());
    await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDeferred') === 1);
    await fixture.kill(0);
    refuses = false;
    await fixture.startWorker();
    await until(() => fixture.worker.queues.status().partitions.length === 1);
    await until(() => !fixture.worker.isTakingOver, 'it has looked at all that waits');
    await fixture.clock.advance(50_000);
    expect(host.accepted).toBe(0);
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 1, 1_000, 15);
    await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDelivered') === 2);
  });

  it('wait for the open attempt of one that died, 65 s after its presence ended (I5)', async () => {
    const gated = await gatedSink();
    const other = await sink();
    const fixture = await DeliveryFixture.start({ routes: ROUTES(gated.host.port), settings: { exclusive: false } });
    stopAfterTest(() => fixture.stop());
    fixture.presence.set('worker-1', 'present');
    await fixture.submit({ to: people(1) });
    await until(() => gated.reached() === 1);
    await fixture.kill(0);
    fixture.routes.set(`example.com 127.0.0.1:${other.port}`);
    await fixture.startWorker();
    await until(() => fixture.worker.queues.status().partitions.length === 1);
    await fixture.clock.advance(30_000);
    fixture.presence.set('worker-1', 'absent');
    await fixture.clock.advance(60_000);
    expect(other.accepted).toBe(0);
    await passUntil(fixture.clock, () => other.accepted === 1, 1_000, 20);
    expect(fixture.clock.elapsed).toBeGreaterThanOrEqual(95_000);
    gated.open();
  });

  it('hear the outcome of one that was paused and deliver nothing twice', async () => {
    const gated = await gatedSink();
    const fixture = await DeliveryFixture.start({ routes: ROUTES(gated.host.port), settings: { exclusive: false } });
    stopAfterTest(() => fixture.stop());
    fixture.presence.set('worker-1', 'present');
    await fixture.submit({ to: people(1) });
    await until(() => gated.reached() === 1);
    const second = await fixture.startWorker();
    await fixture.deal(0, 1);
    await until(() => second.queues.status().partitions.length === 1);
    await fixture.clock.advance(20_000);
    gated.open();
    await until(() => fixture.count('RecipientDelivered') === 1);
    await fixture.clock.advance(700_000);
    expect(gated.host.accepted).toBe(1);
    expect(second.queues.status().waiting).toBe(0);
  });

  it('send no dot once another has claimed and the proof is old (I4)', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let held = 0;
    const slow = await sink({
      onStep: async ({ step }) => {
        if (step !== 'data' || held++ > 0) return undefined;
        await promise;
        return undefined;
      },
    });
    const fixture = await DeliveryFixture.start({ routes: ROUTES(slow.port), settings: { exclusive: false } });
    stopAfterTest(() => fixture.stop());
    await fixture.submit({ to: people(1) });
    await until(() => held === 1);
    const second = await fixture.startWorker();
    await fixture.deal(0, 1);
    await until(() => second.queues.status().partitions.length === 1);
    await fixture.clock.advance(40_000);
    resolve();
    // The zombie resets its connection; its end of the attempt lets the other go on.
    await passUntil(fixture.clock, () => slow.accepted === 1, 1_000, 80);
    await until(() => fixture.count('RecipientDelivered') === 1);
    expect(slow.accepted).toBe(1);
    expect(slow.messages[0]!.session).toBe(2);
  });

  it('start over after a stop in order without waiting: every intent has its outcome (I5)', async () => {
    const gated = await gatedSink();
    const fixture = await DeliveryFixture.start({ routes: ROUTES(gated.host.port), settings: { exclusive: false } });
    stopAfterTest(() => fixture.stop());
    for (let i = 0; i < 5; i++) await fixture.submit({ to: people(1) });
    await until(() => gated.reached() === 1);
    const stopped = fixture.workers[0]!.stop();
    setTimeout(() => gated.open(), 50);
    await stopped;
    expect(gated.host.accepted).toBe(1);
    expect(fixture.openIntents()).toEqual([]);
    await fixture.startWorker();
    await until(() => fixture.count('RecipientDelivered') === 5);
    expect(gated.host.accepted).toBe(5);
    expect(fixture.clock.elapsed).toBe(0);
  });

  it('leave no intent open that was written and never read back (I5)', async () => {
    const host = await sink();
    const fixture = await DeliveryFixture.start({ routes: ROUTES(host.port), settings: { exclusive: false } });
    stopAfterTest(() => fixture.stop());
    fixture.presence.set('worker-1', 'present');
    const { promise, resolve } = Promise.withResolvers<void>();
    let held = 0;
    fixture.appendFault = (records) =>
      records.some(({ type }) => type === 'AttemptIntended') && held++ === 0 ? { after: promise } : undefined;
    await fixture.submit({ to: people(1) });
    await until(() => held === 1);
    await fixture.deal(0, undefined);
    resolve();
    await until(() => fixture.openIntents().length === 0 && fixture.intents().length === 1);
    await fixture.startWorker();
    await fixture.deal(0, 1);
    await until(() => fixture.count('RecipientDelivered') === 1);
    expect(fixture.clock.elapsed).toBeLessThan(5_000);
  });

  it('end by force what a host does not answer within the drain time, and say that the outcome is unknown', async () => {
    const gated = await gatedSink();
    const fixture = await DeliveryFixture.start({ routes: ROUTES(gated.host.port) });
    stopAfterTest(() => fixture.stop());
    await fixture.submit({ to: people(1) });
    await until(() => gated.reached() === 1);
    const stopped = fixture.workers[0]!.stop();
    await fixture.clock.advance(3_000);
    await stopped;
    expect(fixture.openIntents()).toEqual([]);
    const record = fixture.records.findLast(({ record }) => record.type === 'RecipientDeferred')!.record;
    expect(record).toMatchObject({ outcomeUnknown: true });
    gated.open();
  });

  it('tries again at once what a former owner put off under an older route (I11)', async () => {
    const port = await deadPort();
    const host = await sink();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${port}`] });
    await fixture.submit({ to: people(2) });
    await until(() => fixture.count('RecipientDeferred') === 2);
    await fixture.kill(0);
    fixture.routes.set(`example.com 127.0.0.1:${host.port}`);
    await fixture.startWorker();
    await until(() => fixture.count('RecipientDelivered') === 2);
    expect(fixture.clock.elapsed).toBe(0);
    expect(host.transactions).toBe(1);
  });
});
