import { randomUUID } from 'node:crypto';
import { describeQueueLog } from '@mailyard/testkit/queue-log.suite';
import { type KafkaCluster, startKafka } from '@mailyard/testkit/services/kafka';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { afterAll, beforeAll } from 'vitest';
import { KafkaQueueLog } from './kafka-queue-log.ts';

await describeWith(['kafka'], 'KafkaQueueLog on one broker', () => {
  let cluster: KafkaCluster;

  beforeAll(async () => {
    cluster = await startKafka();
  });
  afterAll(() => cluster.stop());

  describeQueueLog(
    'kafka',
    async () => {
      const name = randomUUID();
      const logs: KafkaQueueLog[] = [];
      const open = async (): Promise<KafkaQueueLog> => {
        const log = await KafkaQueueLog.open({
          brokers: cluster.bootstrap,
          topic: `queue.${name}`,
          groupId: `delivery.${name}`,
          partitions: 3,
        });
        logs.push(log);
        return log;
      };
      const log = await open();
      return {
        log,
        restart: async () => {
          await logs.at(-1)?.close();
          return open();
        },
        another: open,
        dispose: async () => {
          await Promise.all(logs.map((one) => one.close()));
        },
      };
    },
    { appends: 100, patienceMs: 30_000 },
  );
});
