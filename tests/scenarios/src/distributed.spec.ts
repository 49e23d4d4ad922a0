/** The gateway on Kafka, Redis and an S3 server, in one process and in several. */
import { createHash } from 'node:crypto';
import { startDns } from '@mailyard/testkit/services/dns';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Deployment, type Neighbours, routingAt, startNeighbours } from './distributed.ts';
import { startCollector } from './collector.ts';
import { freePort, message, Scenario } from './scenario.ts';
import { waitFor } from './wait-for.ts';

const ten = Array.from({ length: 10 }, (_, index) => index);

await describeWith(['kafka', 'redis', 's3', 'dns'], 'a distributed gateway', () => {
  let neighbours: Neighbours;
  beforeAll(async () => {
    neighbours = await startNeighbours(1);
  });
  afterAll(() => neighbours?.stop());

  it('in one process sends 10 recipients of one Exchange over 1 connection in 1 transaction (R100)', async () => {
    await using scenario = await Scenario.begin();
    const exchange = await scenario.sink();
    const deployment = await Deployment.begin(scenario, neighbours);
    const gateway = await deployment.start('ingress,routing,delivery,admin', [
      '--accept',
      `example.com=127.0.0.1:${exchange.port}`,
    ]);
    await scenario.client(gateway).sendMail(message(ten.map((n) => `user${n}@example.com`)));
    await exchange.until((sink) => sink.recipients === 10);
    expect([exchange.connections, exchange.transactions]).toEqual([1, 1]);
  });

  it('sends 10 recipients in 10 domains with 10 hosts as 10 deliveries (R101)', async () => {
    await using scenario = await Scenario.begin();
    const sinks = await Promise.all(ten.map(() => scenario.sink()));
    const deployment = await Deployment.begin(scenario, neighbours);
    const accept = sinks.flatMap((sink, n) => ['--accept', `d${n}.example=127.0.0.1:${sink.port}`]);
    const gateway = await deployment.start('ingress,routing,delivery,admin', accept);
    await scenario.client(gateway).sendMail(message(ten.map((n) => `user@d${n}.example`)));
    for (const sink of sinks) await sink.until(({ recipients }) => recipients === 1);
  });

  it.each([
    ['inline in the log', 4_000],
    ['in the body store', 3_000_000],
  ])('with each role apart keeps content octet for octet, %s', async (_name, octets) => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const deployment = await Deployment.begin(scenario, neighbours);
    const routing = await deployment.start('routing,admin', ['--accept', `example.com=127.0.0.1:${sink.port}`]);
    await deployment.worker(routing);
    const ingress = await deployment.start('ingress', [], {
      MAILYARD_ROUTING_ADDRESSES: JSON.stringify([routing.address('grpc')]),
    });
    const raw = Buffer.from(`Subject: x\r\n\r\n${'0123456789abcd\r\n'.repeat(octets / 16)}`);
    const client = scenario.client(ingress);
    await untilTaken(() => client.sendMail(message(['u@example.com'], '', { raw })));
    await sink.until(({ accepted }) => accepted === 1);
    const content = sink.messages[0]!.content;
    const sent = content.subarray(content.indexOf('Subject: x'));
    expect(createHash('sha256').update(sent).digest('hex')).toBe(createHash('sha256').update(raw).digest('hex'));
  });

  it('without routing delivers by cached routes, holds the rest, and never falls back to the MX of a routed domain (row 9)', async () => {
    await using scenario = await Scenario.begin();
    const dns = await startDns({
      'routed.example': [
        '$TTL 60',
        '@ SOA ns x 1 60 60 60 60',
        '@ NS ns',
        'ns A 127.0.0.1',
        '@ MX 0 mx',
        'mx A 127.0.41.20',
        '',
      ].join('\n'),
    });
    scenario.onEnd(() => dns.stop());
    const trap = await scenario.sink({ host: '127.0.41.20', port: 25 });
    const [known, routed] = [await scenario.sink(), await scenario.sink()];
    const deployment = await Deployment.begin(scenario, neighbours);
    const grpc = `127.0.0.1:${await freePort()}`;
    const accept = [
      '--accept',
      `known.example=127.0.0.1:${known.port}`,
      '--accept',
      `routed.example=127.0.0.1:${routed.port}`,
    ];
    const routing = await deployment.start('routing', [...accept, '--grpc', grpc]);
    await deployment.worker(routing, ['--dns', dns.address]);
    const ingress = await deployment.start('ingress', [], routingAt(grpc));
    const client = scenario.client(ingress);
    await untilTaken(() => client.sendMail(message(['u@known.example'])));
    await known.until(({ accepted }) => accepted === 1);

    await routing.end('SIGKILL');
    await client.sendMail(message(['u@known.example']));
    await client.sendMail(message(['u@routed.example']));
    await known.until(({ accepted }) => accepted === 2);
    expect([routed.connections, trap.connections]).toEqual([0, 0]);

    await deployment.start('routing', ['--grpc', grpc]);
    await routed.until(({ accepted }) => accepted === 1, 60_000);
    expect(trap.connections).toBe(0);
  });

  it('leaves one trace from the receipt to the final reply, across the log and two processes', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const collector = await startCollector(scenario);
    const deployment = await Deployment.begin(scenario, neighbours);
    const tracing = { MAILYARD_TELEMETRY_OTLP_ENDPOINT: collector.endpoint };
    const front = await deployment.start(
      'ingress,routing,admin',
      ['--accept', `example.com=127.0.0.1:${sink.port}`],
      tracing,
    );
    const worker = await deployment.start('delivery', [], { ...tracing, ...routingAt(front.address('grpc')) });
    await scenario.client(front).sendMail(message(['u@example.com']));
    await sink.until(({ accepted }) => accepted === 1);
    for (const process of [worker, front]) expect(await process.end('SIGTERM')).toBe(0);
    const traces = new Set(collector.spans.map(({ traceId }) => traceId));
    expect(traces.size).toBe(1);
    expect(new Set(collector.spans.map(({ process }) => process)).size).toBe(2);
    expect(collector.spans.length).toBeGreaterThanOrEqual(3);
  });

  it('is told by check which store is unsafe, foreign or away', async () => {
    await using scenario = await Scenario.begin();
    const deployment = await Deployment.begin(scenario, neighbours);
    const gateway = await deployment.start('ingress,routing,delivery,admin');
    expect(await gateway.end('SIGTERM')).toBe(0);
    // One broker is not enough for the promise of the 250; nothing else is wrong here.
    const single = await deployment.check();
    expect(single.status).toBe(78);
    expect(single.stderr.trim().split('\n')).toEqual([
      expect.stringMatching(/^log\.kafka: .* 1 replicas, 3 are needed/),
    ]);
    const foreign = await deployment.check({ MAILYARD_CONFIGURATION_LINEAGE: 'other' });
    expect(foreign.stderr).toContain('configuration.redis: the configuration log is of lineage');
    const away = await deployment.check({ MAILYARD_BODIES_S3_ENDPOINT: 'http://127.0.0.1:1' });
    expect(away.stderr).toContain('bodies.s3: ');
  });

  it('goes on with the table it has while Redis is dead, and takes changes when it is back (rows 20, 23)', async () => {
    await using scenario = await Scenario.begin();
    const [sink, other] = [await scenario.sink(), await scenario.sink()];
    const deployment = await Deployment.begin(scenario, neighbours);
    const gateway = await deployment.start('ingress,routing,delivery,admin', [
      '--accept',
      `example.com=127.0.0.1:${sink.port}`,
    ]);
    const client = scenario.client(gateway);
    await client.sendMail(message(['u@example.com']));
    await neighbours.redis.kill();
    await client.sendMail(message(['u@example.com']));
    await sink.until(({ accepted }) => accepted === 2);
    const change = ['smtproutes', 'edit', 'example.com', `127.0.0.1:${other.port}`];
    expect((await gateway.command(...change)).status).not.toBe(0);
    await neighbours.redis.resume();
    await waitFor(async () => (await gateway.command(...change)).status === 0);
    await client.sendMail(message(['u@example.com']));
    await other.until(({ accepted }) => accepted === 1);
    expect(sink.accepted).toBe(2);
  });
});

/** A process that was just started may answer 4yz until it has the tables: a client tries again, as any MTA would. */
async function untilTaken(send: () => Promise<unknown>): Promise<void> {
  for (const until = Date.now() + 30_000; ; ) {
    try {
      await send();
      return;
    } catch (error) {
      const { responseCode = 0 } = error as { responseCode?: number };
      if (responseCode < 400 || responseCode >= 500 || Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
