/** What an operator does with mail that waits: suspends it, removes it, returns it (R211, R212). */
import { describe, expect, it } from 'vitest';
import { inBothModes } from './modes.ts';
import { addsUp, freePort, message, Scenario, untilStatus } from './scenario.ts';
import { waitFor } from './wait-for.ts';

interface TraceEvent {
  readonly event: string;
  readonly reason?: string;
  readonly author?: string;
}

await inBothModes('an operator', (begin) => {
  it('R212 removes and returns what waits; the ledger adds up and trace tells who and why', async () => {
    await using scenario = await begin();
    const reports = await scenario.sink();
    const gateway = await scenario.gateway([
      ...['--accept', `a.example=127.0.0.1:${await freePort()}`],
      ...['--accept', `origin.example=127.0.0.1:${reports.port}`],
    ]);
    const client = scenario.client(gateway);
    for (let n = 0; n < 5; n++) await client.sendMail(message([`u${n}@a.example`, `v${n}@a.example`]));
    await untilStatus(gateway, ({ waiting }) => waiting === 10);
    const dry = await gateway.json<object>('queue', 'remove', '--domain', 'a.example', '--dry-run');
    expect(dry).toEqual({ recipients: 10, leftAlone: 0, silentOwners: [], unownedPartitions: [], isDryRun: true });
    const words = ['--reason', 'spam run', '--author', 'ann', 'yes'];
    expect(await gateway.json('queue', 'remove', '--recipient', 'u3@a.example', ...words)).toMatchObject({
      recipients: 1,
    });
    expect(await gateway.json('queue', 'bounce', '--sender', 'sender@origin.example', ...words)).toMatchObject({
      recipients: 9,
      leftAlone: 0,
    });
    await reports.until(({ accepted }) => accepted === 9);
    const status = await untilStatus(
      gateway,
      ({ waiting, bounced, removed }) => waiting === 0 && bounced + removed === 10,
    );
    expect(status).toMatchObject({ removed: 1, bounced: 9 });
    expect(addsUp(status)).toBe(true);
    for (const [recipient, event] of [
      ['u3@a.example', 'removed'],
      ['u4@a.example', 'bounced'],
    ] as const) {
      const events = await gateway.json<TraceEvent[]>('trace', recipient);
      expect(events.find((one) => one.event === event)).toMatchObject({ reason: 'spam run', author: 'ann' });
    }
  });

  it('R211 suspends delivery and receiving until each is resumed or its end comes', { timeout: 150_000 }, async () => {
    await using scenario = await begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `a.example=127.0.0.1:${sink.port}`]);
    const why = ['--reason', 'they move house', '--author', 'ann'];
    await gateway.json('queue', 'suspend', 'delivery', '--domain', 'A.example', ...why);
    const client = scenario.client(gateway);
    await client.sendMail(message(['u@a.example']));
    await untilStatus(gateway, ({ waiting }) => waiting === 1);
    const retried = await gateway.command('queue', 'retry', '--all');
    expect(retried.stderr).toContain('suspended: delivery domain a.example, by ann: they move house');
    expect(await gateway.json('queue', 'status')).toMatchObject({
      waiting: 1,
      suspensions: [{ part: 'delivery', domain: 'a.example', reason: 'they move house', author: 'ann' }],
    });
    expect(sink.accepted).toBe(0);
    await gateway.json('queue', 'resume', 'delivery', '--domain', 'a.example');
    await sink.until(({ accepted }) => accepted === 1);

    const end = new Date(Date.now() + 15_000).toISOString().replace(/\.\d+Z$/, 'Z');
    await gateway.json('queue', 'suspend', 'receiving', '--all', '--until', end, ...why);
    await expect(client.sendMail(message(['u@a.example']))).rejects.toMatchObject({ responseCode: 452 });
    await waitFor(async () => {
      const sent = await client.sendMail(message(['u@a.example'])).catch(() => undefined);
      return sent !== undefined;
    }, 60_000);
    await sink.until(({ accepted }) => accepted === 2);
    expect(await gateway.json('queue', 'status')).toMatchObject({ suspensions: [] });
  });
});

describe('a suspension', () => {
  it('R211 survives a restart: nothing is sent before it is known', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const before = await scenario.gateway(['--accept', `a.example=127.0.0.1:${sink.port}`]);
    await before.json('queue', 'suspend', 'delivery', '--all', '--reason', 'we move house');
    await scenario.client(before).sendMail(message(['u@a.example']));
    await before.end('SIGKILL');
    const gateway = await scenario.gateway();
    await untilStatus(gateway, ({ waiting }) => waiting === 1);
    const { recipients } = await gateway.json<{ recipients: number }>('queue', 'retry', '--all');
    expect({ recipients, sent: sink.accepted }).toEqual({ recipients: 1, sent: 0 });
    await gateway.json('queue', 'resume', 'delivery', '--all');
    await sink.until(({ accepted }) => accepted === 1);
  });
});
