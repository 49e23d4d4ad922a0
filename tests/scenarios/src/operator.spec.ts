/** What an operator sees: trace, queue, health, metrics, the mail log (the outside contract). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mailyard } from './gateway.ts';
import { addsUp, freePort, message, Scenario, untilStatus } from './scenario.ts';
import { waitFor } from './wait-for.ts';

describe('an operator', () => {
  it('reads every event of a recipient, in order, also long after its delivery', async () => {
    await using scenario = await Scenario.begin();
    const port = await freePort();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${port}`]);
    const { response } = (await scenario.client(gateway).sendMail(message(['u@example.com']))) as { response: string };
    await untilStatus(gateway, ({ waiting }) => waiting === 1);
    const sink = await scenario.sink({ port });
    await gateway.command('queue', 'retry', '--domain', 'example.com');
    await sink.until(({ accepted }) => accepted === 1);
    await untilStatus(gateway, ({ delivered }) => delivered === 1);
    const id = /queued as (\S+)/.exec(response)![1]!;
    const byId = await gateway.json<Record<string, unknown>[]>('trace', id);
    const byRecipient = await gateway.json<Record<string, unknown>[]>('trace', 'u@example.com');
    expect(byRecipient).toEqual(byId);
    const text = JSON.stringify(byId);
    for (const word of [id, 'u@example.com', 'sender@origin.example', `127.0.0.1]:${port}`, 'example.com'])
      expect(text).toContain(word);
    const kinds = byId.map((event) => String(event['type'] ?? event['kind'] ?? event['event']));
    expect(kinds[0]).toMatch(/accepted/i);
    expect(kinds.at(-1)).toMatch(/delivered/i);
    expect(kinds.some((kind) => /deferred/i.test(kind))).toBe(true);
  });

  it('sees what waits, and a ledger that adds up', async () => {
    await using scenario = await Scenario.begin();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${await freePort()}`]);
    await scenario.client(gateway).sendMail(message(['u@example.com', 'v@example.com']));
    const status = await untilStatus(gateway, ({ waiting }) => waiting === 2);
    expect(addsUp(status)).toBe(true);
    const list = await gateway.command('queue', 'list');
    expect(list.status).toBe(0);
    expect(list.stdout).toContain('u@example.com');
    expect(list.stdout).not.toContain('\u001b[');
  });

  it('asks for health, readiness and metrics over HTTP', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${sink.port}`]);
    await scenario.client(gateway).sendMail(message(['u@example.com']));
    await sink.until(({ accepted }) => accepted === 1);
    const get = async (path: string): Promise<[number, string]> => {
      const answer = await fetch(`http://${gateway.address('http')}${path}`);
      return [answer.status, await answer.text()];
    };
    expect(await get('/healthz')).toEqual([200, 'ok\n']);
    expect((await get('/readyz'))[0]).toBe(200);
    await waitFor(async () => /^mailyard_delivered_recipients_total 1$/m.test((await get('/metrics'))[1]));
  });

  it('reads a mail log in the shape of AsyncOS (R215)', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${sink.port}`]);
    await scenario.client(gateway).sendMail(message(['u@example.com']));
    await sink.until(({ accepted }) => accepted === 1);
    expect(await gateway.end('SIGTERM')).toBe(0);
    const log = await readFile(join(scenario.folder, 'data/log/mail.log'), 'utf8');
    const mid = /Start MID (\S+) ICID/.exec(log)?.[1];
    for (const line of [
      /Info: New SMTP ICID \S+ interface public address 127\.0\.0\.1/,
      new RegExp(`MID ${mid} ICID \\S+ From: <sender@origin\\.example>`),
      new RegExp(`MID ${mid} ICID \\S+ RID 0 To: <u@example\\.com>`),
      new RegExp(`MID ${mid} ready \\d+ bytes from <sender@origin\\.example>`),
      new RegExp(`MID ${mid} matched all recipients for per-recipient policy DEFAULT in the inbound table`),
      /New SMTP DCID \S+ .*address 127\.0\.0\.1 port \d+/,
      new RegExp(`Delivery start DCID \\S+ MID ${mid} to RID \\[0\\]`),
      new RegExp(`Message done DCID \\S+ MID ${mid} to RID \\[0\\]`),
    ]) {
      expect(log).toMatch(line);
    }
  });

  it('hears why a start is refused: a port that is taken, settings that are wrong (exit 1, 78)', async () => {
    await using scenario = await Scenario.begin();
    const taken = await scenario.sink();
    const words = ['start', '--data', join(scenario.folder, 'other'), '--grpc', '127.0.0.1:0', '--http', '127.0.0.1:0'];
    const result = await mailyard([...words, '--smtp', `127.0.0.1:${taken.port}`]);
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toMatch(
      /^mailyard start: SMTP_ADDRESS_TAKEN: the listener public cannot listen on \S+: .*EADDRINUSE/,
    );
    const wrong = await mailyard([...words, '--roles', 'postman']);
    expect(wrong).toMatchObject({ status: 78, stdout: '' });
    expect(wrong.stderr).toContain('--roles');
    expect(await mailyard(['queue', 'status', '--server', `127.0.0.1:${await freePort()}`])).toMatchObject({
      status: 69,
    });
  });
});
