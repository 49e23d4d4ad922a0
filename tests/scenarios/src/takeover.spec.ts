/** Several workers on three brokers: one is killed with its disk, and the others go on (rows 4 to 6, 12 to 14, 35). */
import { describeWith } from '@mailyard/testkit/services/require-service';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Deployment, type Neighbours, startNeighbours } from './distributed.ts';
import { message, Scenario } from './scenario.ts';
import { waitFor } from './wait-for.ts';

/** How often each numbered message arrived. */
function counted(contents: readonly Buffer[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const content of contents) {
    const number = Number(/number (\d+)/.exec(content.toString('latin1'))?.[1]);
    counts.set(number, (counts.get(number) ?? 0) + 1);
  }
  return counts;
}

/** Longer than the grace of 65 s and the detection of a death; only a bound of a failure. */
const WITHIN_MS = 240_000;

await describeWith(['kafka', 'redis', 's3'], 'takeover on three brokers', () => {
  let neighbours: Neighbours;
  beforeAll(async () => {
    neighbours = await startNeighbours(3);
  });
  afterAll(() => neighbours?.stop());

  it('of a killed worker: waiting mail goes on at once, open transactions after their grace (I5), nothing is lost', {
    timeout: WITHIN_MS,
  }, async () => {
    await using scenario = await Scenario.begin();
    let isHeld = true;
    let held = 0;
    let pastDot = 0;
    const release = Promise.withResolvers<void>();
    const slow = await scenario.sink({
      onStep: async ({ step }) => {
        if (step === 'data' && isHeld) {
          held++;
          await release.promise;
        }
        if (step === 'dot') pastDot++;
        return undefined;
      },
    });
    const quick = await scenario.sink();
    const deployment = await Deployment.begin(scenario, neighbours, 8);
    const accept = [
      '--accept',
      `slow.example=127.0.0.1:${slow.port}`,
      '--accept',
      `quick.example=127.0.0.1:${quick.port}`,
    ];
    const front = await deployment.start('ingress,routing,admin', accept);
    const first = await deployment.worker(front);
    const client = scenario.client(front);
    for (let number = 1; number <= 20; number++) await client.sendMail(message(['u@slow.example'], `number ${number}`));
    await waitFor(() => held > 0);
    const second = await deployment.worker(front);

    expect(await deployment.check()).toMatchObject({ status: 0, stderr: '' });

    // The worker that holds the open transactions dies, at the step DATA: no dot was sent.
    await first.end('SIGKILL');
    const killedAt = Date.now();
    isHeld = false;
    release.resolve();
    for (let number = 21; number <= 60; number++)
      await client.sendMail(message(['u@quick.example'], `number ${number}`));
    await quick.until(({ accepted }) => accepted === 40, 15_000 + 15_000);
    const waitingMail = Date.now() - killedAt;
    await slow.until((sink) => counted(sink.messages.map(({ content }) => content)).size === 20, 110_000);
    const openTransactions = Date.now() - killedAt;
    process.stdout.write(`waiting mail after ${waitingMail} ms, open transactions after ${openTransactions} ms\n`);

    expect(await second.end('SIGTERM')).toBe(0);
    expect([...counted(slow.messages.map(({ content }) => content)).values()].every((count) => count === 1)).toBe(true);
    expect(quick.messages.length).toBe(40);
    expect(pastDot).toBe(20);
  });

  it('by SIGTERM, worker after worker, makes no duplicate and loses nothing (row 35)', {
    timeout: WITHIN_MS,
  }, async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink({ onStep: ({ step }) => (step === 'dot' ? { delayMs: 50 } : undefined) });
    const deployment = await Deployment.begin(scenario, neighbours, 8);
    const front = await deployment.start('ingress,routing,admin', ['--accept', `example.com=127.0.0.1:${sink.port}`]);
    let worker = await deployment.worker(front);
    const client = scenario.client(front);
    let number = 0;
    let sending = true;
    const sender = (async () => {
      while (sending) await client.sendMail(message(['u@example.com'], `number ${++number}`));
    })();
    for (let turn = 0; turn < 3; turn++) {
      const before = sink.accepted;
      await sink.until(({ accepted }) => accepted > before + 20, 60_000);
      const next = await deployment.worker(front);
      expect(await worker.end('SIGTERM')).toBe(0);
      worker = next;
    }
    sending = false;
    await sender;
    await sink.until(({ accepted }) => accepted >= number, 60_000);
    expect(await worker.end('SIGTERM')).toBe(0);
    const counts = counted(sink.messages.map(({ content }) => content));
    expect(counts.size).toBe(number);
    expect([...counts.values()].filter((count) => count > 1)).toEqual([]);
  });

  it('of a killed broker: nothing with a 250 is lost (rows 12, 13)', { timeout: WITHIN_MS }, async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const deployment = await Deployment.begin(scenario, neighbours, 8);
    const gateway = await deployment.start('ingress,routing,delivery,admin', [
      '--accept',
      `example.com=127.0.0.1:${sink.port}`,
    ]);
    const acknowledged = new Set<number>();
    const client = scenario.client(gateway);
    let number = 0;
    const send = async (): Promise<void> => {
      const mine = ++number;
      await client.sendMail(message(['u@example.com'], `number ${mine}`)).then(
        () => acknowledged.add(mine),
        () => undefined,
      );
    };
    for (let i = 0; i < 50; i++) await send();
    await neighbours.kafka.kill(1);
    for (let i = 0; i < 50; i++) await send();
    await neighbours.kafka.resume(1);
    const before = acknowledged.size;
    await waitFor(async () => {
      await send();
      return acknowledged.size >= before + 20;
    }, 90_000);
    const found = (): Map<number, number> => counted(sink.messages.map(({ content }) => content));
    await sink.until(() => [...acknowledged].every((mine) => found().has(mine)), 90_000);
    expect(await gateway.end('SIGTERM')).toBe(0);
    expect(sink.messages.every(({ reversePath }) => reversePath === 'sender@origin.example')).toBe(true);
  });
});
