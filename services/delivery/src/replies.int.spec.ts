import { describe, expect, it } from 'vitest';
import { delivery, passUntil, people, sink, until } from './delivery-fixture.suite.ts';

describe('what hosts answer', () => {
  it('sends to those that are taken, retries 4yz and bounces 5yz, in one transaction (R107)', async () => {
    const host = await sink({
      onStep: ({ step, line }) => {
        if (step !== 'rcpt') return undefined;
        if (line.includes('later')) return '450 4.2.0 later';
        return line.includes('never') ? '550 5.1.1 no such user' : undefined;
      },
    });
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port}`, 'sender.example /dev/null'] });
    await fixture.submit({ to: ['ok@example.com', 'later@example.com', 'never@example.com'] });
    await until(() => fixture.outcomes.length >= 3 && fixture.count('RecipientBounced') === 1);
    expect(host.transactions).toBe(1);
    expect(host.messages[0]!.recipients).toHaveLength(1);
    const byPath = new Map(fixture.outcomes.map(({ recipient, record }) => [recipient, record]));
    expect(byPath.get('ok@example.com')).toMatchObject({ type: 'RecipientDelivered' });
    expect(byPath.get('later@example.com')).toMatchObject({
      type: 'RecipientDeferred',
      stage: 'rcpt',
      countsAsRetry: true,
      reply: { code: 450 },
    });
    expect(byPath.get('never@example.com')).toMatchObject({ type: 'RecipientBounced', cause: '5xx', stage: 'rcpt' });
    expect(fixture.reports).toHaveLength(1);
    expect(fixture.reports[0]).toContain('never@example.com');
    expect(fixture.reports[0]).toContain('550 5.1.1 no such user');
  });

  it('sends what is over the recipient limit in further transactions on the same connection (R106)', async () => {
    const host = await sink({ recipientLimit: 4 });
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port}`] });
    await fixture.submit({ to: people(10) });
    await until(() => fixture.count('RecipientDelivered') === 10);
    expect(host.connections).toBe(1);
    expect(host.messages.map(({ recipients }) => recipients.length)).toEqual([4, 4, 2]);
    const deferred = fixture.outcomes.filter(({ type }) => type === 'RecipientDeferred');
    for (const { record } of deferred) expect(record).toMatchObject({ countsAsRetry: false });
  });

  it('puts no more than its own limit of recipients into one transaction (R106)', async () => {
    const host = await sink();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port}`] });
    await fixture.submit({ to: people(250) });
    await until(() => fixture.count('RecipientDelivered') === 250);
    expect(host.messages.map(({ recipients }) => recipients.length)).toEqual([100, 100, 50]);
    expect(host.connections).toBe(1);
  });

  it('goes to the next host on 4yz to MAIL, as another attempt of the same try (R60)', async () => {
    const busy = await sink({ onStep: ({ step }) => (step === 'mail' ? '451 4.3.2 busy' : undefined) });
    const free = await sink();
    const fixture = await delivery({
      routes: [`example.com 127.0.0.1:${busy.port},127.0.0.1:${free.port}/pri=10`],
    });
    await fixture.submit({ to: people(2) });
    await until(() => fixture.count('RecipientDelivered') === 2);
    expect(free.transactions).toBe(1);
    expect(fixture.intents().map(({ host }) => host)).toEqual([
      `127.0.0.1 [127.0.0.1]:${busy.port}`,
      `127.0.0.1 [127.0.0.1]:${free.port}`,
    ]);
    for (const { record } of fixture.outcomes.filter(({ type }) => type === 'RecipientDeferred'))
      expect(record).toMatchObject({ stage: 'mail', countsAsRetry: false });
  });

  it('counts one retry when every host says 4yz to MAIL (R60, R70)', async () => {
    const onStep = ({ step }: { step: string }) => (step === 'mail' ? '451 4.3.2 busy' : undefined);
    const [one, two] = [await sink({ onStep }), await sink({ onStep })];
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${one.port},127.0.0.1:${two.port}/pri=10`] });
    await fixture.submit({ to: people(1) });
    await until(() => fixture.outcomes.some(({ record }) => 'countsAsRetry' in record && record.countsAsRetry));
    expect((await fixture.worker.queues.waiting({ kind: 'all' }, 10, undefined)).recipients[0]).toMatchObject({
      retries: 1,
    });
  });

  it('stays with the host on 4yz to RCPT and to DATA (R60)', async () => {
    const host = await sink({ onStep: ({ step }) => (step === 'data' ? '451 4.3.0 later' : undefined) });
    const other = await sink();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port},127.0.0.1:${other.port}/pri=10`] });
    await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDeferred') === 1);
    expect(fixture.outcomes[0]!.record).toMatchObject({ stage: 'data', countsAsRetry: true });
    expect(other.connections).toBe(0);
  });

  it('goes to the next host on a greeting of 4yz and of 5yz, and keeps the mail when all refuse (R59, R60)', async () => {
    const refusing = await sink({ onStep: ({ step }) => (step === 'connect' ? '554 5.3.2 go away' : undefined) });
    const busy = await sink({ onStep: ({ step }) => (step === 'connect' ? '431 4.3.1 busy' : undefined) });
    const free = await sink();
    const routes = [
      `a.example 127.0.0.1:${refusing.port},127.0.0.1:${busy.port}/pri=1,127.0.0.1:${free.port}/pri=2`,
      `b.example 127.0.0.1:${refusing.port},127.0.0.1:${busy.port}`,
    ];
    const fixture = await delivery({ routes });
    await fixture.submit({ to: ['x@a.example', 'y@b.example'] });
    await until(() => fixture.count('RecipientDelivered') === 1 && fixture.count('RecipientDeferred') === 1);
    expect(fixture.waiting).toBe(1);
    expect(fixture.count('RecipientBounced')).toBe(0);
  });

  it('never tries another host after the dot, and retries the same one first (R61)', async () => {
    let drops = 1;
    const host = await sink({
      onStep: ({ step }) => (step === 'dot' && drops-- > 0 ? { end: 'reset' } : undefined),
    });
    const other = await sink();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port},127.0.0.1:${other.port}`] });
    await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDeferred') === 1);
    expect(fixture.outcomes[0]!.record).toMatchObject({
      outcomeUnknown: true,
      stage: 'endOfData',
      countsAsRetry: true,
    });
    await until(() => fixture.worker.queues.status().outcomeUnknown === 1);
    await passUntil(fixture.clock, () => fixture.count('RecipientDelivered') === 1, 30_000, 4);
    expect(other.connections).toBe(0);
    expect(host.accepted).toBe(1);
    expect(fixture.worker.queues.status().outcomeUnknown).toBe(0);
  });

  it('counts what a host may have taken as delivered where the settings say so, and sends it no more (R62)', async () => {
    let drops = 1;
    const host = await sink({
      onStep: ({ step }) => (step === 'dot' && drops-- > 0 ? { end: 'reset' } : undefined),
    });
    const fixture = await delivery({
      routes: [`example.com 127.0.0.1:${host.port}`],
      settings: { possibleDelivery: true },
    });
    await fixture.submit({ to: people(2) });
    await until(() => fixture.waiting === 0 && fixture.count('RecipientDelivered') === 2);
    for (const { record } of fixture.outcomes)
      expect(record).toMatchObject({
        possible: true,
        reply: { code: 451, text: expect.stringMatching(/^outcome unknown/) },
      });
    // What is said for sure stays what it is.
    await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDelivered') === 3);
    expect(fixture.outcomes.at(-1)!.record).not.toHaveProperty('possible');
    expect(host.accepted).toBe(1);
  });

  it('sends again at once over a new connection what an idle one lost', async () => {
    const host = await sink();
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port}`] });
    await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDelivered') === 1);
    host.dropConnections();
    await fixture.submit({ to: people(1) });
    await until(() => fixture.count('RecipientDelivered') === 2);
    expect(host.connections).toBe(2);
  });

  it('makes no report to the null reverse-path, nor against NOTIFY (R79)', async () => {
    const host = await sink({ onStep: ({ step }) => (step === 'rcpt' ? '550 5.1.1 no' : undefined) });
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port}`] });
    await fixture.submit({ from: null, to: people(1) });
    await fixture.submit({ to: people(1), notify: 'NEVER' });
    await fixture.submit({ to: people(1), notify: 'DELAY,SUCCESS' });
    await until(() => fixture.count('RecipientBounced') === 3);
    expect(fixture.reports).toEqual([]);
    await until(() => fixture.waiting === 0);
  });

  it('puts a bounce and its report into one batch (I9)', async () => {
    const host = await sink({ onStep: ({ step }) => (step === 'dot' ? '554 5.6.0 no' : undefined) });
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port}`, 'sender.example /dev/null'] });
    await fixture.submit({ to: people(2) });
    await until(() => fixture.count('RecipientBounced') === 2);
    const bounces = fixture.records.filter(({ record }) => record.type === 'RecipientBounced');
    for (const { offset, record } of bounces) {
      const next = fixture.records.find((logged) => logged.offset === offset + 1)!.record;
      expect(next).toMatchObject({ type: 'MessageAccepted', message: (record as { report: string }).report });
    }
  });

  it('lowers the number of connections where a host says 421 to more, and does not take it for dead', async () => {
    let open = 0;
    const host = await sink({
      keep: 'none',
      onStep: ({ step }) => {
        if (step === 'connect' && ++open > 2) return { reply: '421 4.7.0 too many', end: 'close' };
        return step === 'dot' ? { delayMs: 5 } : undefined;
      },
    });
    const fixture = await delivery({ routes: [`example.com 127.0.0.1:${host.port}`] });
    for (let i = 0; i < 150; i++) await fixture.submit({ to: people(1) });
    await until(() => {
      open = Math.min(open, 2);
      return host.accepted >= 90;
    });
    expect((await fixture.worker.queues.destinations())[0]).toMatchObject({ state: 'up' });
    expect(fixture.count('RecipientBounced')).toBe(0);
  });
});
