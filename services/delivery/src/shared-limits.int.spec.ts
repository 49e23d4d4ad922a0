import type { ControlRow } from '@mailyard/delivery-rules';
import { InProcessLimitBoard } from '@mailyard/memory';
import type { SinkOptions } from '@mailyard/testkit/smtp-sink';
import { describe, expect, it } from 'vitest';
import { Controls } from './controls.suite.ts';
import { DeliveryFixture, passUntil, sink, stopAfterTest, until } from './delivery-fixture.suite.ts';

/** A host that tells how many sessions it had at once, and lets transactions end when the test says so. */
class Host {
  open = 0;
  most = 0;
  isHolding = true;
  #release = Promise.withResolvers<void>();

  readonly options: SinkOptions = {
    onStep: async ({ step }) => {
      if (step === 'connect') this.most = Math.max(this.most, ++this.open);
      if (step === 'quit') this.open -= 1;
      if (step === 'dot' && this.isHolding) await this.#release.promise;
      return undefined;
    },
  };

  release(): void {
    this.isHolding = false;
    this.#release.resolve();
  }
}

/** Two workers, each with one of two partitions, a while after they began. */
async function twoWorkers(routes: readonly string[], row: ControlRow) {
  let fixture: DeliveryFixture | undefined = undefined;
  const limits = new InProcessLimitBoard(() => (fixture as DeliveryFixture | undefined)?.clock.elapsed ?? 0);
  const terms = new Controls([row]);
  const made = await DeliveryFixture.start({ routes, partitions: 2, terms, limits });
  fixture = made;
  stopAfterTest(() => made.stop());
  await made.startWorker();
  await made.deal(0, 0);
  await made.deal(1, 1);
  await until(() => made.workers.every(({ queues }) => queues.status().partitions.length === 1));
  await made.clock.advance(12_000);
  return { fixture: made, limits, terms };
}

const addresses = (count: number): string[] => Array.from({ length: count }, (_, i) => `u${i}@example.com`);
const connections = ({ workers }: DeliveryFixture): number[] =>
  workers.map(({ queues }) => queues.status().connections);

describe('limits that two workers share', () => {
  it('let one have all connections, and both as many as they need of them (R140)', async () => {
    const host = new Host();
    const { port } = await sink(host.options);
    const row = { domain: 'example.com', maxConnections: 4, maxMessagesPerConnection: 1 };
    const { fixture } = await twoWorkers([`example.com 127.0.0.1:${port}`], row);
    for (const to of addresses(8)) await fixture.submit({ to: [to], partition: 0 });
    await passUntil(fixture.clock, () => host.open === 4, 100, 30);
    expect(connections(fixture)).toEqual([4, 0]);
    const shown = () => fixture.worker.queues.destinations();
    await until(async () => (await shown())[0]?.connections === 4);
    expect((await shown())[0]).toMatchObject({ maxConnections: 4 });
    for (const to of addresses(8)) await fixture.submit({ to: [to], partition: 1 });
    await fixture.clock.advance(1_000);
    expect(host.open).toBe(4);
    host.release();
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 16, 200, 60);
    expect(host.most).toBe(4);
  });

  it('let so many recipients go in a window from both together (R140)', async () => {
    const host = await sink();
    const row = { domain: 'DEFAULT', maxRecipients: 6, windowMinutes: 2 };
    const { fixture, terms } = await twoWorkers([`ALL 127.0.0.1:${host.port}`], row);
    for (const partition of [0, 1]) for (const to of addresses(5)) await fixture.submit({ to: [to], partition });
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 6, 500, 20);
    await fixture.clock.advance(60_000);
    expect(host.recipients).toBe(6);
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 10, 10_000, 10);
    // The next window has begun with four: two more, and the rest once there is no limit any more.
    for (const to of addresses(5)) await fixture.submit({ to: [to], partition: 1 });
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 12, 500, 20);
    await fixture.clock.advance(5_000);
    expect(host.recipients).toBe(12);
    terms.set([]);
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 15, 500, 20);
  });

  it('begin a new window when an operator wants all mail tried now, one for both, not for one domain (R210)', async () => {
    const host = await sink();
    const row = { domain: 'DEFAULT', maxRecipients: 4, windowMinutes: 60 };
    const { fixture } = await twoWorkers([`ALL 127.0.0.1:${host.port}`], row);
    for (const partition of [0, 1]) for (const to of addresses(6)) await fixture.submit({ to: [to], partition });
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 4, 500, 20);
    for (const { queues } of fixture.workers) await queues.retryNow({ kind: 'domain', domain: 'example.com' as never });
    await fixture.clock.advance(5_000);
    expect(host.recipients).toBe(4);
    for (const { queues } of fixture.workers) await queues.retryNow({ kind: 'all' });
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 8, 500, 20);
    await fixture.clock.advance(15_000);
    expect(host.recipients).toBe(8);
  });

  it('are the share of the partitions while the board is away', async () => {
    const host = new Host();
    const { port } = await sink(host.options);
    const row = { domain: 'example.com', maxConnections: 6, maxMessagesPerConnection: 1 };
    const { fixture, limits } = await twoWorkers([`example.com 127.0.0.1:${port}`], row);
    limits.isAway = true;
    await fixture.clock.advance(11_000);
    for (const partition of [0, 1]) for (const to of addresses(8)) await fixture.submit({ to: [to], partition });
    await passUntil(fixture.clock, () => host.open === 6, 200, 30);
    await fixture.clock.advance(3_000);
    expect(connections(fixture)).toEqual([3, 3]);
    host.release();
    limits.isAway = false;
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 16, 200, 60);
    expect(host.most).toBe(6);
  });
});
