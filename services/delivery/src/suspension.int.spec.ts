import { Suspensions } from '@mailyard/configuration';
import type { DeliverySuspension } from '@mailyard/delivery-rules';
import { describe, expect, it } from 'vitest';
import { delivery, passUntil, sink, until } from './delivery-fixture.suite.ts';

/** Suspensions that the test sets, as an operator would. */
class TestSuspension implements DeliverySuspension {
  #now = new Suspensions([], 0);
  readonly #listeners: Parameters<DeliverySuspension['onChange']>[0][] = [];

  set(...named: readonly { readonly domain?: string; readonly destination?: string }[]): void {
    const before = this.#now;
    this.#now = new Suspensions(
      named.map((one) => ({ part: 'delivery', reason: 'r', author: 'a', ...one })),
      0,
    );
    const after = this.#now;
    for (const listener of this.#listeners)
      listener((domain, key) => before.isDeliverySuspended(domain, key) !== after.isDeliverySuspended(domain, key));
  }

  isSuspended(domain: string, destination: string | undefined): boolean {
    return this.#now.isDeliverySuspended(domain, destination);
  }

  onChange(listener: Parameters<DeliverySuspension['onChange']>[0]): void {
    this.#listeners.push(listener);
  }
}

describe('R211 suspended delivery', () => {
  it('begins nothing new, by domain, by destination and for all, and goes on at once when it is resumed', async () => {
    const [a, b] = [await sink(), await sink()];
    const suspension = new TestSuspension();
    const fixture = await delivery({
      routes: [`a.example 127.0.0.1:${a.port}`, `aa.example 127.0.0.1:${a.port}`, `b.example 127.0.0.1:${b.port}`],
      suspension,
    });
    const send = () => fixture.submit({ to: ['u@a.example', 'u@aa.example', 'u@b.example'] });
    suspension.set({ domain: 'a.example' });
    await send();
    await until(() => fixture.count('RecipientDelivered') === 2);
    expect(fixture.waiting).toBe(1);
    suspension.set({ destination: `127.0.0.1:${a.port}` });
    await send();
    await until(() => fixture.count('RecipientDelivered') === 3);
    expect(fixture.waiting).toBe(3);
    suspension.set({});
    await send();
    await fixture.clock.advance(3_600_000);
    expect(fixture.waiting).toBe(6);
    await fixture.worker.queues.retryNow({ kind: 'all' });
    await fixture.clock.advance(1_000);
    expect(fixture.waiting).toBe(6);
    suspension.set();
    await until(() => fixture.waiting === 0);
    expect(fixture.count('RecipientDelivered')).toBe(9);
    expect(fixture.count('RecipientDeferred')).toBe(0);
  });

  it('takes back what is ready, and leaves what is being sent alone', async () => {
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
    const suspension = new TestSuspension();
    const fixture = await delivery({
      routes: [`a.example 127.0.0.1:${host.port}`],
      settings: { maxConnectionsPerDestination: 1 },
      suspension,
    });
    for (let n = 0; n < 20; n++) await fixture.submit({ to: [`u${n}@a.example`] });
    await until(() => atDot === 1);
    suspension.set({ domain: 'a.example' });
    resolve();
    await until(() => fixture.openIntents().length === 0);
    await fixture.clock.advance(10_000);
    const sent = host.accepted;
    expect(sent).toBeLessThan(10);
    expect(fixture.waiting).toBe(20 - sent);
    suspension.set();
    await until(() => fixture.waiting === 0);
    expect(host.accepted).toBe(20);
  });

  it('keeps the retries of what waits, and expiry holds all the same', async () => {
    const suspension = new TestSuspension();
    const fixture = await delivery({ routes: ['sender.example /dev/null'], suspension });
    suspension.set({ domain: 'a.example' });
    for (let n = 0; n < 3; n++) await fixture.submit({ to: [`u${n}@a.example`], maxAgeMs: 7_200_000 });
    await fixture.clock.advance(3_600_000);
    expect(fixture.waiting).toBe(3);
    await passUntil(fixture.clock, () => fixture.count('RecipientExpired') === 3, 600_000, 20);
    expect(fixture.intents()).toEqual([]);
  });
});
