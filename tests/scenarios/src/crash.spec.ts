/**
 * Rows 1 to 6 and 38 of the fault matrix, embedded: the process is killed at named steps and at random, starts again on
 * its folder, and every message that got a 250 arrives whole.
 */
import { describe, expect, it } from 'vitest';
import type { Gateway } from './gateway.ts';
import { once } from 'node:events';
import { connect } from 'node:net';
import { addsUp, message, Scenario, untilStatus } from './scenario.ts';
import { waitFor } from './wait-for.ts';

type Step = 'connect' | 'ehlo' | 'mail' | 'rcpt' | 'data' | 'dot' | 'after';

/** Numbers found in the subjects that a sink took, with how often. */
function counted(subjects: readonly string[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const subject of subjects) {
    const number = Number(/number (\d+)/.exec(subject)?.[1]);
    counts.set(number, (counts.get(number) ?? 0) + 1);
  }
  return counts;
}

describe('kill -9', () => {
  it.each<[Step, number]>([
    ['connect', 0],
    ['ehlo', 0],
    ['mail', 0],
    ['rcpt', 0],
    ['data', 0],
    ['dot', 1],
    ['after', 1],
  ])('at the step %s of the next hop loses nothing and makes at most %i extra copies', async (step, extra) => {
    await using scenario = await Scenario.begin();
    let gateway: Gateway | undefined;
    let killed = false;
    const sink = await scenario.sink({
      onStep: async (context) => {
        if (context.step !== step || killed) return undefined;
        killed = true;
        await gateway!.end('SIGKILL');
        return { end: 'reset' };
      },
    });
    const accept = ['--accept', `example.com=127.0.0.1:${sink.port}`];
    gateway = await scenario.gateway(accept);
    await scenario.client(gateway).sendMail(message(['u@example.com'], 'number 1'));
    await waitFor(() => killed && !gateway!.running);
    const next = await scenario.gateway(accept);
    await scenario.client(next).sendMail(message(['u@example.com'], 'number 2'));
    const copiesOf = (number: number): Buffer[] =>
      sink.messages.map(({ content }) => content).filter((content) => content.includes(`number ${number}`));
    await sink.until(() => copiesOf(1).length > 0 && copiesOf(2).length > 0);
    // In order: what is under way ends, so that every copy there will be has been counted.
    expect(await next.end('SIGTERM')).toBe(0);
    expect(copiesOf(1).length).toBeLessThanOrEqual(1 + extra);
    expect(new Set(copiesOf(1).map((content) => content.toString('latin1'))).size).toBe(1);
    expect(copiesOf(2).length).toBe(1);
  });

  it('at random under load loses no message that got a 250', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const accept = ['--accept', `example.com=127.0.0.1:${sink.port}`];
    const acknowledged = new Set<number>();
    let number = 0;
    for (const killAfter of [5, 37, 80, 150]) {
      const gateway = await scenario.gateway(accept);
      const before = acknowledged.size;
      const senders = Array.from({ length: 5 }, async () => {
        const client = scenario.client(gateway);
        while (gateway.running) {
          const mine = ++number;
          try {
            await client.sendMail(message(['u@example.com'], `number ${mine}`));
            acknowledged.add(mine);
          } catch {
            return;
          }
        }
      });
      await waitFor(() => acknowledged.size - before >= killAfter);
      await gateway.end('SIGKILL');
      await Promise.all(senders);
    }
    const last = await scenario.gateway(accept);
    const found = (): Map<number, number> => counted(sink.messages.map((taken) => taken.content.toString('latin1')));
    await sink.until(() => {
      const counts = found();
      return [...acknowledged].every((mine) => counts.has(mine));
    }, 60_000);
    const status = await untilStatus(last, ({ waiting, accepted }) => waiting === 0 && accepted >= acknowledged.size);
    expect(addsUp(status)).toBe(true);
    expect(status).toMatchObject({ bounced: 0, expired: 0, dropped: 0, removed: 0 });
    expect(await last.end('SIGTERM')).toBe(0);
    const counts = found();
    expect([...acknowledged].filter((mine) => !counts.has(mine))).toEqual([]);
    expect(sink.messages.every(({ reversePath }) => reversePath === 'sender@origin.example')).toBe(true);
    // Four kills, at most 20 connections each: more extra copies than transactions past the dot cannot be explained.
    const extra = [...counts.values()].reduce((sum, count) => sum + count - 1, 0);
    expect(extra).toBeLessThanOrEqual(4 * 20);
  });

  it.each<[string, string, number]>([
    ['MAIL', 'EHLO c\r\nMAIL FROM:<a@b.example>\r\n', 0],
    ['DATA', 'EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@example.com>\r\nDATA\r\n', 0],
    ['the dot', 'EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@example.com>\r\nDATA\r\nx\r\n.\r\n', 1],
  ])(
    'while a client is at %s leaves no part of a message, and at most one whole (rows 1 to 3)',
    async (step, wire, most) => {
      await using scenario = await Scenario.begin();
      const sink = await scenario.sink();
      const accept = ['--accept', `example.com=127.0.0.1:${sink.port}`];
      const gateway = await scenario.gateway(accept);
      const socket = connect(gateway.smtpPort, '127.0.0.1');
      let text = '';
      socket.setEncoding('latin1').on('data', (data: string) => (text += data));
      socket.on('error', () => undefined);
      socket.write(wire);
      if (step !== 'the dot') await waitFor(() => /^(250 2\.1\.0|354)/m.test(text.split('\r\n').at(-2) ?? ''));
      await gateway.end('SIGKILL');
      if (!socket.closed) await once(socket, 'close');
      const next = await scenario.gateway(accept);
      await scenario.client(next).sendMail(message(['u@example.com'], 'number 2'));
      await sink.until(() => sink.messages.some(({ content }) => content.includes('number 2')));
      expect(await next.end('SIGTERM')).toBe(0);
      const others = sink.messages.filter(({ content }) => !content.includes('number 2'));
      expect(others.length).toBeLessThanOrEqual(most);
      for (const { content } of others) expect(content.toString()).toMatch(/\r\nx\r\n$/);
    },
  );

  it('frees the data folder at once, and a second process is refused while the first runs (row 40)', async () => {
    await using scenario = await Scenario.begin();
    const first = await scenario.gateway();
    await expect(scenario.gateway()).rejects.toThrow(/ended \(1\).*STORE_LOCKED/s);
    expect(first.running).toBe(true);
    await first.end('SIGKILL');
    await scenario.gateway();
  });

  it('SIGTERM ends with status 0 and makes no duplicate while the next hop is slow to answer the dot (row 35)', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink({ onStep: ({ step }) => (step === 'dot' ? { delayMs: 1500 } : undefined) });
    const accept = ['--accept', `example.com=127.0.0.1:${sink.port}`];
    const gateway = await scenario.gateway(accept);
    await scenario.client(gateway).sendMail(message(['u@example.com'], 'number 1'));
    await sink.until(({ transactions }) => transactions === 1);
    expect(await gateway.end('SIGTERM')).toBe(0);
    const next = await scenario.gateway(accept);
    await scenario.client(next).sendMail(message(['u@example.com'], 'number 2'));
    await sink.until(({ accepted }) => accepted === 2);
    expect(await next.end('SIGTERM')).toBe(0);
    expect(sink.messages.length).toBe(2);
  });
});
