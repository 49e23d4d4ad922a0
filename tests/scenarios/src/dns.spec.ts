/**
 * The cases of the AsyncOS chapter that need a DNS: a real server with zones of the test's own, and sinks on port 25 of
 * loopback addresses that only this scenario uses.
 */
import { inBothModes } from './modes.ts';
import { startDns } from '@mailyard/testkit/services/dns';
import type { SmtpSink } from '@mailyard/testkit/smtp-sink';
import { expect, it } from 'vitest';
import type { Gateway } from './gateway.ts';
import { freePort, message, type Scenario, untilStatus } from './scenario.ts';
import { waitFor } from './wait-for.ts';

const SMTP = 25;

/** The text of a zone with these records, names relative to it. */
function zone(...records: string[]): string {
  return ['$TTL 60', '@ SOA ns hostmaster 1 60 60 60 60', '@ NS ns', 'ns A 127.0.0.1', ...records, ''].join('\n');
}

interface World {
  readonly scenario: Scenario;
  readonly start: (...accept: string[]) => Promise<Gateway>;
  /** A mail exchanger on port 25 of that address. */
  readonly exchanger: (address: string) => Promise<SmtpSink>;
}

async function world(scenario: Scenario, zones: Record<string, string>): Promise<World> {
  const dns = await startDns(zones);
  scenario.onEnd(() => dns.stop());
  return {
    scenario,
    start: (...accept) => scenario.gateway(['--dns', dns.address, ...accept.flatMap((entry) => ['--accept', entry])]),
    exchanger: (host) => scenario.sink({ host, port: SMTP }),
  };
}

/** Where reports go: the sender's own domain. */
const ORIGIN = { 'origin.example': zone('@ MX 0 mx', 'mx A 127.0.41.9') };

await inBothModes(
  'routing with the DNS',
  (begin) => {
    it('goes to the MX of the recipient domain by USEDNS, and does not match that host against the table again (R52)', async () => {
      await using scenario = await begin();
      const { start, exchanger } = await world(scenario, {
        'foo.example': zone('@ MX 10 mx.bar.example.'),
        'bar.example': zone('@ MX 10 mx', 'mx A 127.0.41.1'),
      });
      const mx = await exchanger('127.0.41.1');
      const trap = await scenario.sink();
      const gateway = await start(
        'foo.example=USEDNS',
        `bar.example=127.0.0.1:${trap.port}`,
        `mx.bar.example=127.0.0.1:${trap.port}`,
      );
      await scenario.client(gateway).sendMail(message(['u@foo.example']));
      await mx.until(({ accepted }) => accepted === 1);
      expect(trap.connections).toBe(0);
    });

    it('makes no loop of a.example to b.example and back: the MX of b.example gets it once (R51)', async () => {
      await using scenario = await begin();
      const { start, exchanger } = await world(scenario, {
        'a.example': zone('@ MX 10 mx', 'mx A 127.0.41.2'),
        'b.example': zone('@ MX 10 mx', 'mx A 127.0.41.3'),
      });
      const [a, b] = [await exchanger('127.0.41.2'), await exchanger('127.0.41.3')];
      const gateway = await start('a.example=b.example', 'b.example=a.example');
      await scenario.client(gateway).sendMail(message(['u@a.example']));
      await b.until(({ accepted }) => accepted === 1);
      await scenario.client(gateway).sendMail(message(['u@b.example']));
      await a.until(({ accepted }) => accepted === 1);
      expect([a.accepted, b.accepted]).toEqual([1, 1]);
      expect(b.messages[0]?.recipients[0]?.forwardPath).toBe('u@a.example');
    });

    it('with all hosts of a route down never falls back to the MX of the domain (R58)', async () => {
      await using scenario = await begin();
      const { start, exchanger } = await world(scenario, { 'example.com': zone('@ MX 10 mx', 'mx A 127.0.41.4') });
      const trap = await exchanger('127.0.41.4');
      const port = await freePort();
      const gateway = await start(`example.com=127.0.0.1:${port}`);
      await scenario.client(gateway).sendMail(message(['u@example.com']));
      await untilStatus(gateway, ({ waiting, accepted }) => waiting === 1 && accepted === 1);
      const host = await scenario.sink({ port });
      expect((await gateway.command('queue', 'retry', '--all')).status).toBe(0);
      await host.until(({ accepted }) => accepted === 1);
      expect(trap.connections).toBe(0);
    });

    it('sends example.com to its Exchange and what is below it by the DNS (R34)', async () => {
      await using scenario = await begin();
      const { start, exchanger } = await world(scenario, {
        'example.com': zone('@ MX 10 nowhere', 'foo MX 10 mx.foo', 'mx.foo A 127.0.41.5'),
      });
      const below = await exchanger('127.0.41.5');
      const exchange = await scenario.sink();
      const gateway = await start(`example.com=127.0.0.1:${exchange.port}`, '.example.com=USEDNS');
      await scenario.client(gateway).sendMail(message(['u@example.com', 'u@foo.example.com']));
      await exchange.until(({ recipients }) => recipients === 1);
      await below.until(({ recipients }) => recipients === 1);
      expect(below.messages[0]?.recipients[0]?.forwardPath).toBe('u@foo.example.com');
    });

    it('takes the better MX first and the next when it is silent, and an A without MX (R50, R56, R57)', async () => {
      await using scenario = await begin();
      const { start, exchanger } = await world(scenario, {
        'two.example': zone('@ MX 20 second', '@ MX 10 first', 'first A 127.0.41.6', 'second A 127.0.41.7'),
        'bare.example': zone('@ A 127.0.41.7'),
      });
      const second = await exchanger('127.0.41.7');
      const gateway = await start('two.example=USEDNS', 'bare.example=USEDNS');
      await scenario.client(gateway).sendMail(message(['u@two.example']));
      await second.until(({ accepted }) => accepted === 1);
      const first = await exchanger('127.0.41.6');
      await scenario.client(gateway).sendMail(message(['u@bare.example']));
      await second.until(({ accepted }) => accepted === 2);
      expect(first.accepted).toBe(0);
    });

    it.each([
      ['a null MX', '@ MX 0 .', 'u@bad.example'],
      ['a name that does not exist', '', 'u@none.bad.example'],
    ])('bounces for %s, with a report to the sender (R63, R79)', async (_name, record, recipient) => {
      await using scenario = await begin();
      const { start, exchanger } = await world(scenario, { 'bad.example': zone(record), ...ORIGIN });
      const sender = await exchanger('127.0.41.9');
      const gateway = await start('bad.example=USEDNS', '.bad.example=USEDNS');
      await scenario.client(gateway).sendMail(message([recipient]));
      await sender.until(({ accepted }) => accepted === 1);
      const [report] = sender.messages;
      expect(report?.reversePath).toBe('');
      expect(report?.recipients[0]?.forwardPath).toBe('sender@origin.example');
      const text = report!.content.toString();
      expect(text).toMatch(/^Content-Type: multipart\/report; report-type=delivery-status/m);
      expect(text).toMatch(new RegExp(`^Final-Recipient: rfc822;\\s*${recipient}\\r$`, 'm'));
      expect(text).toMatch(/^Action: failed\r\nStatus: 5\.\d+\.\d+\r$/m);
      expect(await untilStatus(gateway, ({ bounced, delivered }) => bounced === 1 && delivered === 1)).toMatchObject({
        waiting: 0,
      });
    });

    it('never reports to the null reverse-path (RFC 5321 §4.5.5)', async () => {
      await using scenario = await begin();
      const { start } = await world(scenario, { 'bad.example': zone('@ MX 0 .') });
      const gateway = await start('bad.example=USEDNS');
      await scenario
        .client(gateway)
        .sendMail(message(['u@bad.example'], 'x', { envelope: { from: '', to: ['u@bad.example'] } }));
      expect(await untilStatus(gateway, ({ bounced }) => bounced === 1)).toMatchObject({ accepted: 1, waiting: 0 });
    });

    it('keeps mail while the DNS fails, and delivers it when it answers (row 29)', async () => {
      await using scenario = await begin();
      const dns = await startDns({ 'ill.example': '' });
      scenario.onEnd(() => dns.stop());
      const gateway = await scenario.gateway(['--dns', dns.address, '--accept', 'ill.example=USEDNS']);
      await scenario.client(gateway).sendMail(message(['u@ill.example']));
      const status = await untilStatus(gateway, ({ accepted }) => accepted === 1);
      expect(status).toMatchObject({ waiting: 1, bounced: 0 });
      const mx = await scenario.sink({ host: '127.0.41.8', port: SMTP });
      await dns.change({ 'ill.example': zone('@ MX 10 mx', 'mx A 127.0.41.8') });
      // What failed is remembered for a moment, so the first retry may come too early.
      await waitFor(async () => {
        await gateway.command('queue', 'retry', '--all');
        return mx.accepted === 1;
      });
    });

    it('a preview knows a host that is down by whatever name it would be reached, before any mail waits for it', async () => {
      await using scenario = await begin();
      const dead = await freePort();
      const { start } = await world(scenario, {
        'named.example': zone('down A 127.0.0.1', 'elsewhere A 127.0.41.77'),
      });
      const gateway = await start(`a.example=127.0.0.1:${dead}`);
      await scenario.client(gateway).sendMail(message(['u@a.example', 'v@a.example']));
      await untilStatus(gateway, ({ waiting }) => waiting === 2);
      const dry = async (host: string): Promise<unknown> => {
        const { waiting } = await gateway.json<{ waiting: unknown }>(
          'smtproutes',
          'edit',
          'a.example',
          `[${host}.named.example]:${dead}`,
          '--dry-run',
        );
        return waiting;
      };
      await waitFor(async () => {
        const { hosts } = await gateway.json<{ hosts: { state: string }[] }>('smtproutes', 'test', 'u@a.example');
        return hosts[0]?.state === 'down';
      });
      expect(await dry('down')).toMatchObject({ moved: 2, freed: 0, stranded: 0 });
      expect(await dry('elsewhere')).toMatchObject({ moved: 2, freed: 2, stranded: 0 });
    });
  },
  ['dns'],
);
