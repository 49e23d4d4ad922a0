import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppendLoad } from '@mailyard/testkit/append-load';
import { RecordingHandler } from '@mailyard/testkit/recording-handler';
import { sampleBatch, sampleClaim } from '@mailyard/testkit/sample-records';
import { type KafkaCluster, startKafka } from '@mailyard/testkit/services/kafka';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import type { KafkaQueueLogOptions } from './kafka-options.ts';
import { KafkaQueueLog } from './kafka-queue-log.ts';

const PARTITIONS = 6;
const ALL = Array.from({ length: PARTITIONS }, (_, at) => at);
const patience = { timeout: 40_000, interval: 50 };

await describeWith(['kafka'], 'reading the queue log of Kafka', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await startKafka();
  });
  afterAll(() => cluster.stop());

  const options = (): KafkaQueueLogOptions => ({
    brokers: cluster.bootstrap,
    topic: `queue.${randomUUID()}`,
    groupId: `delivery.${randomUUID()}`,
    partitions: PARTITIONS,
  });

  async function open(of: KafkaQueueLogOptions = options()): Promise<KafkaQueueLog> {
    const log = await KafkaQueueLog.open(of);
    onTestFinished(() => log.close());
    return log;
  }

  async function upToDate(log: KafkaQueueLog, handler: RecordingHandler, partitions = ALL): Promise<void> {
    for (const partition of partitions) {
      const { end } = await log.bounds(partition);
      if (end > 0) await vi.waitFor(() => expect(handler.of(partition).records.at(-1)?.offset).toBe(end - 1), patience);
    }
  }

  it('misses no record while a member joins and leaves every two seconds, and moves only its share', {
    timeout: 150_000,
  }, async () => {
    const of = options();
    const logs = [await open(of), await open(of), await open(of)] as const;
    const stable = [new RecordingHandler(), new RecordingHandler()] as const;
    for (const [at, handler] of stable.entries()) await logs[at]!.join(handler);
    await vi.waitFor(() => {
      for (const { held } of stable) expect(held).toHaveLength(3);
    }, patience);
    const first = stable.map(({ held }) => held);
    const load = new AppendLoad(logs[0], 4);
    const until = performance.now() + 30_000;
    let turns = 0;
    while (performance.now() < until) {
      const guest = new RecordingHandler();
      const reading = await logs[2].join(guest);
      await sleep(2_000);
      await reading.stop();
      expect(guest.complaints).toEqual([]);
      await sleep(2_000);
      turns += 1;
    }
    await load.stop();
    await vi.waitFor(() => {
      expect(stable.flatMap(({ held }) => held).sort((a, b) => a - b)).toEqual(ALL);
    }, patience);
    expect(turns).toBeGreaterThan(5);
    for (const [at, handler] of stable.entries()) {
      await upToDate(logs[0], handler, handler.held);
      for (const partition of handler.held) expect(load.missing(partition, handler.of(partition).records)).toEqual([]);
      expect(handler.complaints).toEqual([]);
      // Two of three members' worth of six partitions stay where they are, all the time.
      const stayed = first[at]!.filter((partition) => {
        const { assignments, resets, held } = handler.of(partition);
        return held && assignments === 1 && resets === 0;
      });
      expect(stayed.length).toBeGreaterThanOrEqual(2);
    }
  });

  it('passes the partitions of a member that was killed to another within 15 s (I5)', async () => {
    const of = options();
    const log = await open(of);
    const program = `import { KafkaQueueLog } from ${JSON.stringify(new URL('kafka-queue-log.ts', import.meta.url).href)};
      const log = await KafkaQueueLog.open(${JSON.stringify(of)});
      await log.join({ assigned: (partition) => console.log(partition), records() {}, reset() {}, revoked() {} });`;
    const member = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void member.kill('SIGKILL'));
    await once(createInterface({ input: member.stdout }), 'line');
    const handler = new RecordingHandler();
    await log.join(handler);
    await vi.waitFor(() => expect(handler.held).toHaveLength(3), patience);
    member.kill('SIGKILL');
    const killedAt = performance.now();
    await vi.waitFor(() => expect(handler.held).toEqual(ALL), patience);
    expect(performance.now() - killedAt).toBeLessThan(15_000);
    expect(handler.complaints).toEqual([]);
  });

  it('gives what it cannot decode as undecodable, and goes on', async () => {
    const of = options();
    const log = await open(of);
    const producer = new Kafka({ brokers: [...cluster.bootstrap], logLevel: logLevel.NOTHING }).producer({
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    onTestFinished(() => producer.disconnect());
    const values = [Buffer.from('no record'), null, Buffer.alloc(3_000_000, 255), Buffer.alloc(0)];
    await log.append(0, [sampleClaim(1)]);
    for (const value of values) await producer.send({ topic: of.topic!, messages: [{ value, partition: 0 }] });
    await log.append(0, [sampleClaim(2)]);
    const handler = new RecordingHandler();
    await log.join(handler);
    await upToDate(log, handler);
    const types = handler.of(0).records.map(({ record }) => record.type);
    expect(types).toEqual(['PartitionClaimed', ...values.map(() => 'Undecodable'), 'PartitionClaimed']);
    expect(handler.complaints).toEqual([]);
    expect((await log.read(0, 3))?.record.type).toBe('Undecodable');
  });

  it('begins at the start of the log, whatever offsets others committed for the group', async () => {
    const of = options();
    const log = await open(of);
    for (let at = 0; at < 5; at++) await log.append(0, sampleBatch(at));
    const admin = new Kafka({ brokers: [...cluster.bootstrap], logLevel: logLevel.NOTHING }).admin();
    onTestFinished(() => admin.disconnect());
    await admin.connect();
    await admin.setOffsets({ groupId: of.groupId!, topic: of.topic!, partitions: [{ partition: 0, offset: '7' }] });
    const handler = new RecordingHandler();
    await log.join(handler);
    await upToDate(log, handler);
    expect(handler.of(0).records[0]?.offset).toBe(0);
    expect(handler.of(0).resets).toBe(0);
  });

  it('goes on after kill -9 of the broker, also where the start of the log falls back', {
    timeout: 120_000,
  }, async () => {
    const log = await open();
    for (let at = 0; at < 10; at++) await log.append(0, sampleBatch(at));
    const before = new RecordingHandler();
    await log.join(before);
    await upToDate(log, before);
    await log.trim(0, 10);
    await cluster.kill();
    await expect(log.append(0, sampleBatch(99))).rejects.toMatchObject({ code: expect.stringMatching(/^LOG_/) });
    await expect(log.append(0, sampleBatch(99))).rejects.toMatchObject({ code: 'LOG_REFUSED' });
    await cluster.resume();
    await vi.waitFor(() => log.append(0, sampleBatch(10)), patience);
    await upToDate(log, before);
    // Kafka writes the start of the log down once a minute: it may be any that it ever was.
    const { start, end } = await log.bounds(0);
    expect(start).toBeLessThanOrEqual(10);
    expect(before.of(0).records.map(({ offset }) => offset)).toEqual(Array.from({ length: end }, (_, at) => at));
    expect(before.of(0).resets).toBe(0);
    const after = new RecordingHandler();
    await log.follow(new Map(), after);
    await upToDate(log, after);
    expect(after.of(0).records[0]?.offset).toBe(start);
    expect(before.complaints).toEqual([]);
    expect(after.complaints).toEqual([]);
  });

  it('does not know of an append whose answer does not come, and reads it if it was taken', {
    timeout: 120_000,
  }, async () => {
    const log = await open();
    await log.append(0, sampleBatch(1));
    const handler = new RecordingHandler();
    await log.join(handler);
    await upToDate(log, handler);
    await cluster.freeze();
    try {
      const begun = performance.now();
      await expect(log.append(0, sampleBatch(2))).rejects.toMatchObject({ code: 'LOG_UNCERTAIN' });
      expect(performance.now() - begun).toBeLessThan(15_000);
    } finally {
      await cluster.thaw();
    }
    await vi.waitFor(() => log.append(0, sampleBatch(3)), patience);
    await upToDate(log, handler);
    expect(handler.of(0).records.length).toBeGreaterThanOrEqual(4);
    expect(handler.complaints).toEqual([]);
  });

  it('reads a partition again when its handler failed', async () => {
    const log = await open();
    for (let at = 0; at < 3; at++) await log.append(0, [sampleClaim(at)]);
    let failures = 1;
    const handler = new RecordingHandler((partition) => {
      if (partition === 0 && failures-- > 0) throw new Error('a fault of the reader');
      return undefined;
    });
    await log.join(handler);
    await vi.waitFor(() => expect(handler.of(0).resets).toBe(1), patience);
    await upToDate(log, handler);
    expect(handler.of(0).records.map(({ offset }) => offset)).toEqual([0, 1, 2]);
    expect(handler.complaints).toEqual([]);
  });
});
