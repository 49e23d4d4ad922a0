import { randomUUID } from 'node:crypto';
import type { QueueRecord } from '@mailyard/queue';
import { AppendLoad } from '@mailyard/testkit/append-load';
import { RecordingHandler } from '@mailyard/testkit/recording-handler';
import { sampleClaim } from '@mailyard/testkit/sample-records';
import { type KafkaCluster, startKafka } from '@mailyard/testkit/services/kafka';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { KafkaQueueLog } from './kafka-queue-log.ts';

const PARTITIONS = 6;
const patience = { timeout: 60_000, interval: 50 };
const batch: readonly QueueRecord[] = [sampleClaim(1)];

await describeWith(['kafka'], 'KafkaQueueLog on three brokers', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await startKafka({ brokers: 3 });
  });
  afterAll(() => cluster.stop());

  async function open(): Promise<KafkaQueueLog> {
    const log = await KafkaQueueLog.open({
      brokers: cluster.bootstrap,
      topic: `queue.${randomUUID()}`,
      groupId: `delivery.${randomUUID()}`,
      partitions: PARTITIONS,
    });
    onTestFinished(() => log.close());
    return log;
  }

  /** Runs writers and a reader while `fault` happens, then looks for every acknowledged append. */
  async function survive(fault: (load: AppendLoad) => Promise<void>): Promise<AppendLoad> {
    const log = await open();
    const handler = new RecordingHandler();
    const reading = await log.join(handler);
    const load = new AppendLoad(log, 8);
    try {
      await growth(load);
      await fault(load);
      await growth(load);
    } finally {
      await load.stop();
    }
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const { end } = await log.bounds(partition);
      await vi.waitFor(() => expect(handler.of(partition).records.at(-1)?.offset).toBe(end - 1), patience);
      expect(load.missing(partition, handler.of(partition).records)).toEqual([]);
    }
    await reading.stop();
    expect(handler.complaints).toEqual([]);
    return load;
  }

  /** Every partition takes appends now. */
  async function growth(load: AppendLoad): Promise<void> {
    const before = load.acknowledged.map(({ length }) => length);
    await vi.waitFor(() => {
      for (const [partition, { length }] of load.acknowledged.entries())
        expect(length).toBeGreaterThan(before[partition]! + 5);
    }, patience);
  }

  it('keeps what it acknowledged, in order, over kill -9 of each broker under load', { timeout: 240_000 }, async () => {
    const load = await survive(async (running) => {
      for (const broker of [1, 2, 3]) {
        await cluster.kill(broker);
        await growth(running);
        await cluster.resume(broker);
        await inSync();
      }
    });
    expect(load.count).toBeGreaterThan(100);
    expect(load.longestMs).toBeLessThan(60_000);
  });

  it('keeps what it acknowledged over a rolling restart, as leaders move', { timeout: 240_000 }, async () => {
    await survive(async (running) => {
      for (const broker of [3, 1, 2]) {
        await cluster.halt(broker);
        await growth(running);
        await cluster.resume(broker);
        await inSync();
      }
    });
  });

  it('keeps what it acknowledged while a broker stands still', { timeout: 240_000 }, async () => {
    await survive(async (running) => {
      await cluster.freeze(2);
      try {
        await growth(running);
      } finally {
        await cluster.thaw(2);
      }
      await inSync();
    });
  });

  it('refuses while too few replicas are in sync, and writes nothing', { timeout: 120_000 }, async () => {
    const admin = new Kafka({ brokers: [...cluster.bootstrap], logLevel: logLevel.NOTHING }).admin();
    onTestFinished(() => admin.disconnect());
    await admin.connect();
    const topic = `queue.${randomUUID()}`;
    await admin.createTopics({
      waitForLeaders: true,
      topics: [
        {
          topic,
          numPartitions: 1,
          replicationFactor: 3,
          configEntries: [{ name: 'min.insync.replicas', value: '3' }],
        },
      ],
    });
    const log = await KafkaQueueLog.open({ brokers: cluster.bootstrap, topic });
    onTestFinished(() => log.close());
    await vi.waitFor(() => log.append(0, batch), patience);
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const follower = topics[0]?.partitions[0]?.leader === 1 ? 2 : 1;
    await cluster.kill(follower);
    try {
      await vi.waitFor(() => expect(log.append(0, batch)).rejects.toMatchObject({ code: 'LOG_REFUSED' }), {
        timeout: 60_000,
        interval: 500,
      });
      const { end } = await log.bounds(0);
      await expect(log.append(0, batch)).rejects.toMatchObject({ code: 'LOG_REFUSED' });
      expect((await log.bounds(0)).end).toBe(end);
    } finally {
      await cluster.resume(follower);
    }
    await vi.waitFor(() => log.append(0, batch), { timeout: 60_000, interval: 500 });
    await inSync();
  });

  it('makes its topic with three replicas, and finds it safe', async () => {
    const topic = `queue.${randomUUID()}`;
    const options = { brokers: cluster.bootstrap, topic, partitions: 2 };
    expect(await KafkaQueueLog.check(options)).toEqual([`the topic ${topic} does not exist yet`]);
    await (await KafkaQueueLog.open(options)).close();
    expect(await KafkaQueueLog.check(options)).toEqual([]);
  });

  /** Every replica of every partition has caught up, so that the next broker may go. */
  async function inSync(): Promise<void> {
    const admin = new Kafka({ brokers: [...cluster.bootstrap], logLevel: logLevel.NOTHING }).admin();
    try {
      await vi.waitFor(async () => {
        await admin.connect();
        const { topics } = await admin.fetchTopicMetadata();
        for (const { partitions } of topics)
          for (const { isr, replicas } of partitions) expect(isr).toHaveLength(replicas.length);
      }, patience);
    } finally {
      await admin.disconnect();
    }
  }
});
