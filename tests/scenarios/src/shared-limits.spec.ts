/** Limits of the destination controls over two workers: while one is killed, while Redis is away and when it is back (R140). */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeWith } from '@mailyard/testkit/services/require-service';
import type { SinkOptions, SmtpSink } from '@mailyard/testkit/smtp-sink';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Deployment, type Neighbours, routingAt, startNeighbours } from './distributed.ts';
import type { Gateway } from './gateway.ts';
import { message, Scenario } from './scenario.ts';
import { waitFor } from './wait-for.ts';

/** Only a bound of a failure. */
const WITHIN_MS = 240_000;
const PATIENCE_MS = 120_000;

/** A host that counts the sessions it has at once, from greeting to QUIT or a lost connection, and knows who sent what. */
class Host {
  most = 0;
  /** The name in EHLO of each message, and when its dot came. */
  readonly taken: { readonly helo: string; readonly at: number }[] = [];
  readonly #open = new Set<number>();

  readonly options: SinkOptions = {
    keep: 'none',
    onStep: ({ step, session, helo }) => {
      if (step === 'connect') this.most = Math.max(this.most, this.#open.add(session).size);
      if (step === 'quit') this.#open.delete(session);
      if (step === 'dot') this.taken.push({ helo, at: Date.now() });
      return step === 'dot' ? { delayMs: 200 } : undefined;
    },
    onClose: (session) => void this.#open.delete(session),
  };

  /** How many messages came in each window of a minute; its first may have been under way for up to twenty seconds. */
  windows(): number[] {
    const counts: number[] = [];
    let beganAt = -Infinity;
    for (const { at } of this.taken) {
      if (at > beganAt + 40_000) {
        beganAt = at;
        counts.push(0);
      }
      counts[counts.length - 1]! += 1;
    }
    return counts;
  }

  /** Who has sent since so many messages. */
  sendersSince(count: number): Set<string> {
    return new Set(this.taken.slice(count).map(({ helo }) => helo));
  }
}

async function apply(scenario: Scenario, gateway: Gateway, content: string): Promise<void> {
  const file = join(scenario.folder, 'configuration.yaml');
  await writeFile(file, content);
  const said = await gateway.command('apply', '-f', file, 'yes');
  expect(said, said.stderr).toMatchObject({ status: 0 });
}

/** Keeps so many messages waiting until it is stopped. */
function keepWaiting(scenario: Scenario, front: Gateway, sink: SmtpSink, count: number): () => Promise<void> {
  const client = scenario.client(front);
  let isSending = true;
  let sent = 0;
  const sending = (async () => {
    while (isSending) {
      if (sent - sink.accepted < count) await client.sendMail(message([`u${++sent}@one.example`]));
      else await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  const stop = (): Promise<void> => {
    isSending = false;
    return sending;
  };
  scenario.onEnd(stop);
  return stop;
}

await describeWith(['kafka', 'redis', 's3'], 'limits of two workers', () => {
  let neighbours: Neighbours;
  beforeAll(async () => {
    neighbours = await startNeighbours(1);
  });
  afterAll(() => neighbours?.stop());

  async function begin(scenario: Scenario, sink: SmtpSink, controls: string) {
    const deployment = await Deployment.begin(scenario, neighbours, 8);
    const front = await deployment.start('ingress,routing,admin');
    const worker = (name: string): Promise<Gateway> =>
      deployment.start('delivery', [], { ...routingAt(front.address('grpc')), MAILYARD_HOSTNAME: name });
    await apply(
      scenario,
      front,
      `routes: { one.example: "127.0.0.1:${sink.port}" }\nrat: [one.example]\ndestinationControls: { one.example: ${controls} }\n`,
    );
    return { front, one: await worker('one.worker'), two: await worker('two.worker') };
  }

  it('bound the connections of a host at any time, and leave none of them unused for long', {
    timeout: WITHIN_MS,
  }, async () => {
    await using scenario = await Scenario.begin();
    const host = new Host();
    const sink = await scenario.sink(host.options);
    const { front, one } = await begin(scenario, sink, '{ maxConnections: 4, maxMessagesPerConnection: 5 }');
    const stop = keepWaiting(scenario, front, sink, 60);
    const more = async (count: number): Promise<void> => {
      const before = sink.accepted;
      await sink.until(({ accepted }) => accepted >= before + count, PATIENCE_MS);
    };
    const both = (since: number): Promise<void> => waitFor(() => host.sendersSince(since).size === 2, PATIENCE_MS);
    await both(0);
    await waitFor(() => host.most === 4, PATIENCE_MS);

    // At twenty messages a second: well beyond the ten seconds of a lease.
    await neighbours.redis.kill();
    await more(280);
    await both(host.taken.length);
    await neighbours.redis.resume();
    await more(280);
    await both(host.taken.length);
    expect(host.most).toBe(4);

    await one.end('SIGKILL');
    const before = host.taken.length;
    host.most = 0;
    // The other one has the mail of both, and all connections.
    await waitFor(() => host.most === 4, PATIENCE_MS);
    await more(40);
    expect(host.sendersSince(before + 4)).toEqual(new Set(['two.worker']));
    expect(host.most).toBe(4);
    await stop();
  });

  it('bound the recipients of a window, also when a worker dies in it, and Redis in the next', {
    timeout: WITHIN_MS,
  }, async () => {
    await using scenario = await Scenario.begin();
    const host = new Host();
    const sink = await scenario.sink(host.options);
    const most = 20;
    const { front, one } = await begin(scenario, sink, `{ maxRecipients: ${most}, windowMinutes: 1 }`);
    const stop = keepWaiting(scenario, front, sink, 60);
    await waitFor(() => host.sendersSince(0).size === 2, PATIENCE_MS);
    // Where one was quicker, this is not the first window.
    const withBoth = host.windows().length - 1;
    await one.end('SIGKILL');
    // What it had leased is lost until the next window.
    await waitFor(() => host.windows().length > withBoth + 1, PATIENCE_MS);
    expect(host.windows()[withBoth]).toBeLessThanOrEqual(most);
    expect(host.windows()[withBoth]).toBeGreaterThan(most / 2);

    await neighbours.redis.kill();
    const killedAt = Date.now();
    await waitFor(() => Date.now() > killedAt + 30_000, PATIENCE_MS);
    await neighbours.redis.resume();
    await waitFor(() => host.windows().length > withBoth + 2, PATIENCE_MS);
    // One worker owns all partitions: its static share is the whole limit, and what it had used counts.
    expect(host.windows()[withBoth + 1]).toBe(most);
    await stop();
  });
});
