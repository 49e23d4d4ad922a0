import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Gateway } from './gateway.ts';
import { inBothModes } from './modes.ts';
import { addsUp, message, type QueueStatus, type Scenario, untilStatus } from './scenario.ts';
import { waitFor } from './wait-for.ts';

const PROGRAM = join(import.meta.dirname, '../../../bin/mailyard');

interface ToldEvent {
  readonly event: string;
  readonly message: string;
  readonly counted: boolean;
  readonly recipients: readonly { readonly recipient: number; readonly forwardPath: string }[];
  readonly attempt?: { readonly term: number; readonly sequence: number };
}

/** A program that keeps its cursor in a file and may be killed: what `mailyard events` prints to it. */
class Consumer {
  readonly events: ToldEvent[] = [];
  readonly #file: string;
  readonly #words: readonly string[];
  #child: ChildProcess | undefined;

  constructor(scenario: Scenario, words: readonly string[] = []) {
    this.#file = join(scenario.folder, 'cursor');
    this.#words = words;
    scenario.onEnd(() => this.kill());
  }

  start(gateway: Gateway): void {
    const words = ['events', '--follow', '--json', '--cursor-file', this.#file, ...this.#words];
    const child = spawn(PROGRAM, [...words, '--server', gateway.address('grpc')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      // A line that is cut off by the kill is nothing.
      rest = lines.pop()!;
      for (const line of lines) {
        const told = JSON.parse(line) as ToldEvent | { readonly cursor: string };
        if ('event' in told) this.events.push(told);
      }
    });
  }

  /** Where it stands, as kept; empty before it knows. */
  cursor(): Promise<string> {
    return readFile(this.#file, 'utf8').catch(() => '');
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }

  /** Recipients by what became of them, each event counted once however often it was told. */
  sums(): Record<string, number> {
    const seen = new Set<string>();
    const sums: Record<string, number> = {};
    for (const { event, message: id, recipients, attempt, counted } of this.events) {
      if (!counted) continue;
      for (const { recipient } of recipients) {
        const key = `${id} ${recipient} ${attempt?.term}/${attempt?.sequence} ${event}`;
        if (seen.has(key)) continue;
        seen.add(key);
        sums[event] = (sums[event] ?? 0) + 1;
      }
    }
    return sums;
  }
}

function expectLedger(sums: Record<string, number>, ledger: QueueStatus): void {
  const { accepted, delivered, bounced, expired, dropped, removed } = ledger;
  const none = { accepted: 0, delivered: 0, bounced: 0, expired: 0, dropped: 0, removed: 0 };
  expect({ ...none, ...sums }).toMatchObject({ accepted, delivered, bounced, expired, dropped, removed });
}

await inBothModes('events', (begin) => {
  it('reach a consumer that is killed and goes on, and add up to the ledger', async () => {
    await using scenario = await begin();
    // One in five is refused for good and makes a report, one in five for now.
    const sink = await scenario.sink({
      onStep: ({ step, line }) => {
        if (step !== 'rcpt') return undefined;
        if (line.includes('<bad')) return { reply: '550 5.1.1 no such user' };
        return line.includes('<busy') ? { reply: '450 4.2.1 later' } : undefined;
      },
    });
    const accept = [
      '--accept',
      `example.com=127.0.0.1:${sink.port}`,
      '--accept',
      `origin.example=127.0.0.1:${sink.port}`,
    ];
    const gateway = await scenario.gateway(accept);
    const consumer = new Consumer(scenario);
    consumer.start(gateway);
    await waitFor(async () => (await consumer.cursor()) !== '');
    const client = scenario.client(gateway);
    const names = ['good', 'fine', 'well', 'bad', 'busy'];
    for (let round = 0; round < 6; round++) {
      for (const name of names)
        await client.sendMail(message([`${name}${round}@example.com`, `${name}.too@example.com`], `${name} ${round}`));
      if (round % 2 === 0) {
        await waitFor(() => (consumer.sums()['accepted'] ?? 0) >= 10 * (round + 1));
        await consumer.kill();
        consumer.start(gateway);
      }
    }
    // 36 delivered and 12 refused recipients, 12 reports on them delivered, 12 that wait.
    const ledger = await untilStatus(gateway, (status) => status.delivered === 48 && status.bounced === 12);
    expect(addsUp(ledger)).toBe(true);
    const { accepted } = ledger;
    await waitFor(
      () => consumer.sums()['delivered'] === 48 && consumer.sums()['accepted'] === accepted,
      30_000,
      () => JSON.stringify(consumer.sums()),
    );
    const still = await gateway.json<QueueStatus>('queue', 'status');
    expectLedger(consumer.sums(), still);
    expect(consumer.sums()['deferred']).toBeGreaterThanOrEqual(12);
    // Each is an event of a trace, word for word.
    const [first] = consumer.events;
    const trace = await gateway.json<ToldEvent[]>('trace', first!.message);
    const told = consumer.events.filter((event) => event.message === first!.message);
    for (const event of trace) expect(told).toContainEqual(event);
  });

  it('go on over the death of the gateway, at the next one, whether it has the folder of the first or none of it', async () => {
    await using scenario = await begin();
    const sink = await scenario.sink();
    const accept = ['--accept', `example.com=127.0.0.1:${sink.port}`];
    const gateway = await scenario.gateway(accept);
    const consumer = new Consumer(scenario);
    consumer.start(gateway);
    await waitFor(async () => (await consumer.cursor()) !== '');
    const client = scenario.client(gateway);
    for (let number = 0; number < 10; number++) await client.sendMail(message(['u@example.com'], `number ${number}`));
    await waitFor(() => (consumer.sums()['delivered'] ?? 0) >= 5);
    await consumer.kill();
    // While it is away. In the log by then, so that nobody has to wait for what was under way.
    await untilStatus(gateway, ({ delivered }) => delivered === 10);
    await gateway.end('SIGKILL');
    const next = await scenario.again(accept);
    consumer.start(next);
    const again = scenario.client(next);
    for (let number = 10; number < 20; number++) await again.sendMail(message(['u@example.com'], `number ${number}`));
    const ledger = await untilStatus(next, ({ accepted, waiting }) => accepted === 20 && waiting === 0, 120_000);
    await waitFor(
      () => consumer.sums()['delivered'] === 20 && consumer.sums()['accepted'] === 20,
      60_000,
      () => JSON.stringify(consumer.sums()),
    );
    expectLedger(consumer.sums(), ledger);
  });

  it('are only those of the kinds and domains that were asked for', async () => {
    await using scenario = await begin();
    const sink = await scenario.sink();
    const accept = ['example.com', 'example.net'].flatMap((domain) => ['--accept', `${domain}=127.0.0.1:${sink.port}`]);
    const gateway = await scenario.gateway(accept);
    const client = scenario.client(gateway);
    for (const domain of ['example.com', 'example.net', 'example.com'])
      await client.sendMail(message([`u@${domain}`], domain));
    await untilStatus(gateway, ({ delivered }) => delivered === 3);
    const words = ['--kind', 'delivered', '--kind', 'bounced', '--domain', 'example.com', '--json'];
    const { status, stdout } = await gateway.command('events', ...words);
    expect(status).toBe(0);
    const told = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Partial<ToldEvent>);
    expect(told.filter(({ event }) => event !== undefined)).toMatchObject([
      { event: 'delivered', recipients: [{ forwardPath: 'u@example.com' }] },
      { event: 'delivered', recipients: [{ forwardPath: 'u@example.com' }] },
    ]);
    expect((await gateway.command('events', '--after', '1.1.0.')).stderr).toMatch(/--earliest.*CURSOR_TOO_OLD/s);
    expect((await gateway.command('events', '--after', 'nonsense')).stderr).toMatch(/CURSOR_INVALID/);
    expect((await gateway.command('events', '--kind', 'eaten')).status).toBe(64);
  });
});
