import { describe, expect, it } from 'vitest';
import { delivery, sink, until } from './delivery-fixture.suite.ts';
import type { OutgoingCredentials } from './settings.ts';

/** One profile, `edge`, whose password a test sets. */
class Edge implements OutgoingCredentials {
  readonly #listeners: ((profiles: ReadonlySet<string>) => void)[] = [];
  #password: string | undefined;
  #username = 'gateway';

  constructor(password: string | undefined) {
    this.#password = password;
  }

  of(): ReturnType<OutgoingCredentials['of']> {
    return this.#password === undefined
      ? undefined
      : { username: this.#username, password: this.#password, allowClear: true };
  }

  onChange(listener: (profiles: ReadonlySet<string>) => void): void {
    this.#listeners.push(listener);
  }

  set(password: string | undefined, username = 'gateway', name = 'edge'): void {
    this.#password = password;
    this.#username = username;
    for (const listener of this.#listeners) listener(new Set([name]));
  }
}

const RIGHT = 'open sesame';
const demanding = { authentication: { username: 'gateway', password: RIGHT, mechanisms: ['PLAIN'] as const } };

describe('a change of an outgoing authentication profile', () => {
  it.each([
    ['could not be read', undefined],
    ['was refused', 'wrong'],
  ])('sends at once what waits because its secret %s (I11, R152)', async (_why, before) => {
    const exchange = await sink(demanding);
    const edge = new Edge(before);
    const fixture = await delivery({
      routes: [`example.com 127.0.0.1:${exchange.port}/auth=edge`],
      credentials: edge,
    });
    await fixture.submit({ to: ['u@example.com', 'v@example.com'] });
    await until(() => fixture.count('RecipientDeferred') === 2);
    const { wall } = fixture.clock.now();
    edge.set(RIGHT, 'gateway', 'another');
    expect(exchange.accepted).toBe(0);
    edge.set(RIGHT);
    await until(() => fixture.count('RecipientDelivered') === 2);
    expect(fixture.clock.now().wall).toBe(wall);
    expect(exchange.messages[0]).toMatchObject({ username: 'gateway' });
  });

  it('is asked for by one alarm for host and profile while the host refuses or offers nothing, until it works (R152)', async () => {
    const exchange = await sink(demanding);
    const bare = await sink();
    const edge = new Edge('wrong');
    const fixture = await delivery({
      routes: [`example.com 127.0.0.1:${exchange.port}/auth=edge`, `other.example 127.0.0.1:${bare.port}/auth=edge`],
      credentials: edge,
    });
    const alarms = (): readonly string[] =>
      fixture.events.flatMap((event) =>
        event.kind === 'alarm' && event.name === 'authentication-failed' ? [event.detail] : [],
      );
    await fixture.submit({ to: ['u@example.com'] });
    await fixture.submit({ to: ['u@other.example'] });
    await until(() => fixture.count('RecipientDeferred') === 2);
    await fixture.clock.advance(200_000);
    expect(exchange.connections).toBeGreaterThan(1);
    expect(alarms().toSorted()).toEqual([
      expect.stringMatching(`^profile edge at .*${Math.min(exchange.port, bare.port)}`),
      expect.stringMatching(`^profile edge at .*${Math.max(exchange.port, bare.port)}`),
    ]);
    edge.set(RIGHT);
    await until(() => fixture.count('RecipientDelivered') === 1);
    edge.set('wrong');
    await fixture.submit({ to: ['v@example.com'] });
    await until(() => alarms().filter((detail) => detail.includes(String(exchange.port))).length === 2);
  });

  it('uses no connection on that authenticated as before (R153)', async () => {
    const exchange = await sink(demanding);
    const edge = new Edge(RIGHT);
    const fixture = await delivery({
      routes: [`example.com 127.0.0.1:${exchange.port}/auth=edge`],
      credentials: edge,
    });
    await fixture.submit({ to: ['u@example.com'] });
    await until(() => fixture.count('RecipientDelivered') === 1);
    edge.set(RIGHT);
    await fixture.submit({ to: ['v@example.com'] });
    await until(() => fixture.count('RecipientDelivered') === 2);
    expect(exchange.connections).toBe(2);
  });

  it('that comes while a connection is being opened leaves no mark of the old one', async () => {
    let opened = 0;
    const edge = new Edge('wrong');
    const exchange = await sink({
      ...demanding,
      onStep: ({ step }) => {
        if (step === 'connect' && ++opened === 1) edge.set(RIGHT);
        return undefined;
      },
    });
    const fixture = await delivery({
      routes: [`example.com 127.0.0.1:${exchange.port}/auth=edge`],
      credentials: edge,
    });
    await fixture.submit({ to: ['u@example.com'] });
    await until(() => fixture.count('RecipientDelivered') === 1);
    expect(fixture.count('RecipientDeferred')).toBe(0);
  });
});
