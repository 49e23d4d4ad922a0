/** The cases of the AsyncOS chapter "Configuring SMTP Routing" that need no DNS, from outside. */
import { expect, it } from 'vitest';
import { inBothModes } from './modes.ts';
import { freePort, message, untilStatus } from './scenario.ts';

const ten = Array.from({ length: 10 }, (_, index) => index);

await inBothModes('routing', (begin) => {
  it('changes the next hop and never the recipient, whichever domain the host belongs to (R1, R24)', async () => {
    await using scenario = await begin();
    const alternate = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${alternate.port}`]);
    const recipients = ['First.Last+tag@example.com', '"a b"@example.com', 'x%elsewhere.test@example.com'];
    await scenario.client(gateway).sendMail(message(recipients));
    await alternate.until((sink) => sink.recipients === 3);
    expect(alternate.messages[0]!.recipients.map(({ forwardPath }) => forwardPath)).toEqual(recipients);
  });

  it('sends 10 recipients of one Exchange over 1 connection in 1 transaction (R100)', async () => {
    await using scenario = await begin();
    const exchange = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${exchange.port}`]);
    await scenario.client(gateway).sendMail(message(ten.map((n) => `user${n}@example.com`)));
    await exchange.until((sink) => sink.recipients === 10);
    expect(exchange.connections).toBe(1);
    expect(exchange.transactions).toBe(1);
    expect(exchange.messages[0]?.recipients.map((recipient) => recipient.forwardPath)).toEqual(
      ten.map((n) => `user${n}@example.com`),
    );
  });

  it('sends 10 recipients in 10 domains with 10 hosts as 10 deliveries (R101)', async () => {
    await using scenario = await begin();
    const sinks = await Promise.all(ten.map(() => scenario.sink()));
    const gateway = await scenario.gateway(
      sinks.flatMap((sink, n) => ['--accept', `d${n}.example=127.0.0.1:${sink.port}`]),
    );
    await scenario.client(gateway).sendMail(message(ten.map((n) => `user@d${n}.example`)));
    for (const [n, sink] of sinks.entries()) {
      await sink.until(({ recipients }) => recipients === 1);
      expect(sink.connections).toBe(1);
      expect(sink.messages[0]?.recipients.map((recipient) => recipient.forwardPath)).toEqual([`user@d${n}.example`]);
    }
  });

  it('sends two domains behind the same hosts in one transaction (R103)', async () => {
    await using scenario = await begin();
    const exchange = await scenario.sink();
    const gateway = await scenario.gateway(
      ['a.example', 'b.example'].flatMap((domain) => ['--accept', `${domain}=127.0.0.1:${exchange.port}`]),
    );
    await scenario.client(gateway).sendMail(message(['u@a.example', 'u@b.example']));
    await exchange.until((sink) => sink.recipients === 2);
    expect(exchange.transactions).toBe(1);
  });

  it('prefers host1.example.com over example.com in either order (R31, R33)', async () => {
    await using scenario = await begin();
    const [wide, narrow] = [await scenario.sink(), await scenario.sink()];
    const entries = [`example.com=127.0.0.1:${wide.port}`, `host1.example.com=127.0.0.1:${narrow.port}`];
    for (const order of [entries, entries.toReversed()]) {
      await using inner = await begin();
      const gateway = await inner.gateway(order.flatMap((entry) => ['--accept', entry]));
      const [wideBefore, narrowBefore] = [wide.accepted, narrow.accepted];
      await inner.client(gateway).sendMail(message(['u@example.com']));
      await inner.client(gateway).sendMail(message(['u@host1.example.com']));
      await wide.until((sink) => sink.accepted === wideBefore + 1);
      await narrow.until((sink) => sink.accepted === narrowBefore + 1);
    }
  });

  it('keeps mail while all hosts are down, and delivers it when one is back (R57, R58)', async () => {
    await using scenario = await begin();
    const [first, second] = [await freePort(), await freePort()];
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${first},127.0.0.1:${second}`]);
    await scenario.client(gateway).sendMail(message(['u@example.com']));
    await untilStatus(gateway, (status) => status.waiting === 1 && status.accepted === 1);
    const back = await scenario.sink({ port: second });
    expect((await gateway.command('queue', 'retry', '--all')).status).toBe(0);
    await back.until((sink) => sink.accepted === 1);
    expect(await untilStatus(gateway, (status) => status.waiting === 0)).toMatchObject({ delivered: 1, bounced: 0 });
  });

  it('goes to a host that answers when the first does not, in the same attempt (R57, R59)', async () => {
    await using scenario = await begin();
    const dead = await freePort();
    const busy = await scenario.sink({
      onStep: ({ step }) => (step === 'connect' ? { reply: '431 4.3.2 busy', end: 'close' } : undefined),
    });
    const good = await scenario.sink();
    const gateway = await scenario.gateway([
      '--accept',
      `example.com=127.0.0.1:${dead}/pri=1,127.0.0.1:${busy.port}/pri=2,127.0.0.1:${good.port}/pri=3`,
    ]);
    await scenario.client(gateway).sendMail(message(['u@example.com']));
    await good.until((sink) => sink.accepted === 1);
  });

  it('drops what goes to /dev/null, recipient by recipient (R64, R65)', async () => {
    await using scenario = await begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway([
      '--accept',
      'gone.example=/dev/null',
      '--accept',
      `kept.example=127.0.0.1:${sink.port}`,
    ]);
    await scenario.client(gateway).sendMail(message(['u@gone.example', 'u@kept.example']));
    await sink.until(({ recipients }) => recipients === 1);
    expect(await untilStatus(gateway, (status) => status.dropped === 1 && status.delivered === 1)).toMatchObject({
      bounced: 0,
      waiting: 0,
    });
  });

  it('sends what no other entry claims to ALL (R36)', async () => {
    await using scenario = await begin();
    const [own, rest] = [await scenario.sink(), await scenario.sink()];
    const gateway = await scenario.gateway([
      '--accept',
      `example.com=127.0.0.1:${own.port}`,
      '--accept',
      'other.test=192.0.2.1',
    ]);
    for (const words of [
      ['delete', 'other.test'],
      ['edit', 'ALL', `127.0.0.1:${rest.port}`],
    ]) {
      const result = await gateway.command('smtproutes', ...words);
      expect(result, result.stderr).toMatchObject({ status: 0 });
    }
    await scenario.client(gateway).sendMail(message(['u@example.com', 'u@other.test']));
    await own.until((sink) => sink.recipients === 1);
    await rest.until((sink) => sink.recipients === 1);
    expect(rest.messages[0]?.recipients[0]?.forwardPath).toBe('u@other.test');
  });

  it('moves waiting mail within a second of a commit, without a restart (R30, I11)', async () => {
    await using scenario = await begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${await freePort()}`]);
    await scenario.client(gateway).sendMail(message(['u@example.com']));
    await untilStatus(gateway, (status) => status.waiting === 1);
    const result = await gateway.command('smtproutes', 'edit', 'example.com', `127.0.0.1:${sink.port}`);
    expect(result, result.stderr).toMatchObject({ status: 0 });
    await sink.until(({ accepted }) => accepted === 1);
  });

  it('refuses what the recipient access table does not name', async () => {
    await using scenario = await begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${sink.port}`]);
    const refused = scenario.client(gateway).sendMail(message(['u@elsewhere.test']));
    await expect(refused).rejects.toMatchObject({ responseCode: 550 });
  });
});
