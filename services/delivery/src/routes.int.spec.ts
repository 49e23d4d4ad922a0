import { describe, expect, it } from 'vitest';
import { deadPort, delivery, passUntil, people, sink, until } from './delivery-fixture.suite.ts';

describe('routing, by the chapter', () => {
  it('sends 10 recipients of one Exchange in one transaction over one connection (R100)', async () => {
    const exchange = await sink();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${exchange.port}`] });
    await fixture.submit({ to: people(10) });
    await until(() => fixture.count('RecipientDelivered') === 10);
    expect(exchange).toMatchObject({ connections: 1, transactions: 1, recipients: 10 });
    expect(exchange.messages[0]!.recipients.map(({ forwardPath }) => forwardPath)).toEqual(people(10));
    expect(exchange.messages[0]!.reversePath).toBe('sender@sender.example');
  });

  it('sends 10 recipients in 10 domains with 10 hosts as 10 deliveries (R101)', async () => {
    const sinks = await Promise.all(Array.from({ length: 10 }, () => sink()));
    const fixture = await delivery({ routes: sinks.map(({ port }, i) => `d${i}.example 127.0.0.1:${port}`) });
    await fixture.submit({ to: sinks.map((_, i) => `user@d${i}.example`) });
    await until(() => fixture.count('RecipientDelivered') === 10);
    for (const { connections, transactions } of sinks) expect([connections, transactions]).toEqual([1, 1]);
  });

  it('sends two domains behind one destination in one transaction (R103)', async () => {
    const exchange = await sink();
    const fixture = await delivery({
      routes: [`a.example 127.0.0.1:${exchange.port}`, `b.example 127.0.0.1:${exchange.port}`],
    });
    await fixture.submit({ to: ['x@a.example', 'y@b.example'] });
    await until(() => fixture.count('RecipientDelivered') === 2);
    expect(exchange).toMatchObject({ connections: 1, transactions: 1 });
  });

  it('sends one copy a domain when batching is by domain (R102)', async () => {
    const exchange = await sink();
    const fixture = await delivery({
      routes: [`ALL 127.0.0.1:${exchange.port}`],
      settings: { batchBy: 'domain' },
    });
    await fixture.submit({ to: ['x@a.example', 'y@b.example', 'z@b.example'] });
    await until(() => fixture.count('RecipientDelivered') === 3);
    expect(exchange.transactions).toBe(2);
  });

  it('sends 10 splinters of one message in order over one connection (R90, R105)', async () => {
    const exchange = await sink();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${exchange.port}`] });
    const to = people(10);
    await fixture.submit({ to, copies: to.map((_, i) => ({ policy: `p${i}`, to: [i], prefix: `X-Copy: ${i}\r\n` })) });
    await until(() => fixture.count('RecipientDelivered') === 10);
    expect(exchange).toMatchObject({ connections: 1, transactions: 10 });
    expect(exchange.messages.map(({ content }) => content.toString().slice(0, 9))).toEqual(
      to.map((_, i) => `X-Copy: ${i}`),
    );
  });

  it('opens at least 3 connections for 120 messages, 50 each (R104, R105)', async () => {
    const exchange = await sink({ keep: 'envelope' });
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${exchange.port}`] });
    await Promise.all(people(120).map((to) => fixture.submit({ to: [to] })));
    await until(() => fixture.count('RecipientDelivered') === 120);
    expect(exchange.connections).toBeGreaterThanOrEqual(3);
    const bySession = Map.groupBy(exchange.messages, ({ session }) => session);
    for (const messages of bySession.values()) expect(messages.length).toBeLessThanOrEqual(50);
  });

  it('keeps mail whose hosts are all down, never falls back to MX, and delivers when one is back (R58)', async () => {
    const trap = await sink();
    const port = await deadPort();
    const fixture = await delivery({
      routes: [`example.com 127.0.0.1:${port},127.0.0.2:${port}`],
      zone: { 'example.com': { mx: [[10, 'trap.example']] }, 'trap.example': { a: ['127.0.0.1'] } },
    });
    await fixture.submit({ to: people(3) });
    await until(() => fixture.count('RecipientDeferred') === 3);
    await fixture.clock.advance(200_000);
    expect(trap.connections).toBe(0);
    expect(fixture.waiting).toBe(3);
    const back = await sink({ port });
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 3, 60_000, 10);
    expect(back.transactions).toBe(1);
    expect(trap.connections).toBe(0);
  });

  it('counts no retry while hosts are down (R77)', async () => {
    const port = await deadPort();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${port}`], bounce: { maxRetries: 1 } });
    await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDeferred') === 1);
    await fixture.clock.advance(3_600_000);
    expect((await fixture.worker.queues.waiting({ kind: 'all' }, 10, undefined)).recipients[0]).toMatchObject({
      retries: 0,
    });
    expect(fixture.count('RecipientExpired')).toBe(0);
  });

  it('looks at a host that is down with one connection, whatever waits for it (R76)', async () => {
    const port = await deadPort();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${port}`] });
    for (let i = 0; i < 30; i++) await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDeferred') === 30);
    const tries = () => fixture.events.filter(({ kind }) => kind === 'connectionFailed').length;
    expect(tries()).toBe(1);
    await fixture.clock.advance(59_000);
    expect(tries()).toBe(1);
    await passUntil(fixture.clock, () => tries() === 2, 1_000, 5);
    await fixture.clock.advance(119_000);
    expect(tries()).toBe(2);
  });

  it('goes on to a host that answers in the same attempt (R57)', async () => {
    const port = await deadPort();
    const alive = await sink();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${port},127.0.0.1:${alive.port}/pri=10`] });
    await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDelivered') === 1);
    expect(fixture.count('RecipientDeferred')).toBe(0);
  });

  it('sends a to the MX of b and b to the MX of a, once each (R51)', async () => {
    const [mxA, mxB] = [await sink(), await sink()];
    const fixture = await delivery({
      routes: [`a.domain b.domain:${mxB.port}`, `b.domain a.domain:${mxA.port}`],
      zone: {
        'a.domain': { mx: [[10, 'mx.a.domain']] },
        'b.domain': { mx: [[10, 'mx.b.domain']] },
        'mx.a.domain': { a: ['127.0.0.1'] },
        'mx.b.domain': { a: ['127.0.0.1'] },
      },
    });
    await fixture.submit({ to: ['x@a.domain', 'y@b.domain'] });
    await until(() => fixture.count('RecipientDelivered') === 2);
    expect(mxB.messages.map(({ recipients }) => recipients[0]!.forwardPath)).toEqual(['x@a.domain']);
    expect(mxA.messages.map(({ recipients }) => recipients[0]!.forwardPath)).toEqual(['y@b.domain']);
  });

  it('drops what /dev/null takes and delivers the others of the message, without a report (R64, R65)', async () => {
    const exchange = await sink();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${exchange.port}`, 'ALL /dev/null'] });
    await fixture.submit({ to: ['a@example.com', 'b@other.example'] });
    await until(() => fixture.count('RecipientDelivered') === 1 && fixture.count('RecipientDropped') === 1);
    expect(fixture.reports).toEqual([]);
    await until(() => fixture.waiting === 0);
  });

  it('takes turns between equal hosts by connection, not by message (R55)', async () => {
    const [one, two] = [await sink(), await sink()];
    const fixture = await delivery({
      routes: [`example.com 127.0.0.1:${one.port},127.0.0.1:${two.port}`],
      settings: { messagesPerConnection: 1 },
    });
    for (let i = 1; i <= 4; i++) {
      await fixture.submit({ to: people(1) });
      await until(() => fixture.count('RecipientDelivered') === i);
    }
    expect([one.connections, two.connections]).toEqual([2, 2]);
  });

  it('keeps 20 messages on one connection to one of two equal hosts (R55)', async () => {
    const [one, two] = [await sink(), await sink()];
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${one.port},127.0.0.1:${two.port}`] });
    for (let i = 0; i < 20; i++) await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDelivered') === 20);
    expect([one.transactions, two.transactions].sort((a, b) => a - b)).toEqual([0, 20]);
  });

  it('bounces a domain that does not exist and one with a null MX, each with its report (R63, R79)', async () => {
    const sender = await sink();
    const fixture = await delivery({
      routes: [`sender.example 127.0.0.1:${sender.port}`],
      zone: { 'null.example': { mx: [[0, '']] } },
    });
    await fixture.submit({ to: ['a@gone.example', 'b@null.example'] });
    await until(() => fixture.count('RecipientBounced') === 2);
    await until(() => sender.accepted === 2);
    for (const { reversePath, recipients, content } of sender.messages) {
      expect(reversePath).toBe('');
      expect(recipients[0]!.forwardPath).toBe('sender@sender.example');
      expect(content.toString()).toContain('multipart/report');
    }
    const causes = fixture.outcomes.filter(({ type }) => type === 'RecipientBounced').map(({ record }) => record);
    expect(causes).toMatchObject([{ cause: 'dns' }, { cause: 'dns' }]);
  });

  it('defers what the DNS does not answer (R63)', async () => {
    const fixture = await delivery({ zone: { 'example.com': { fault: 'servfail' } } });
    await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDeferred') === 1);
    expect(fixture.outcomes[0]!.record).toMatchObject({ stage: 'resolve', countsAsRetry: false });
  });

  it('sends a policy its edited header and the shared body', async () => {
    const exchange = await sink();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${exchange.port}`] });
    const content = 'Subject: old\r\n\r\nBody\r\n';
    await fixture.submit({
      to: people(1),
      content,
      copies: [{ policy: 'tagged', to: [0], prefix: 'Subject: [tag] old\r\n', skipOctets: 'Subject: old\r\n'.length }],
    });
    await until(() => exchange.accepted === 1);
    expect(exchange.messages[0]!.content.toString()).toBe('Subject: [tag] old\r\n\r\nBody\r\n');
  });
});
