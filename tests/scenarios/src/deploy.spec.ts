/** The settings in deploy/, started as they are but for the addresses of their neighbours. */
import { join } from 'node:path';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Neighbours, startNeighbours } from './distributed.ts';
import { Gateway, mailyard } from './gateway.ts';
import { message, Scenario } from './scenario.ts';
import { waitFor } from './wait-for.ts';

const settings = (role: string): string => join(import.meta.dirname, '../../../deploy/settings', `${role}.yaml`);

await describeWith(['kafka', 'redis', 's3'], 'the settings of deploy/', () => {
  let neighbours: Neighbours;
  beforeAll(async () => {
    neighbours = await startNeighbours(1);
  });
  afterAll(() => neighbours?.stop());

  it('carry a message from ingress to delivery, each role in a process of its own', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const { kafka, redis, s3 } = neighbours;
    const shared = {
      MAILYARD_LOG_KAFKA_BROKERS: JSON.stringify(kafka.bootstrap),
      MAILYARD_LOG_KAFKA_PARTITIONS: '4',
      MAILYARD_CONFIGURATION_REDIS_URL: redis.url,
      MAILYARD_BODIES_S3_ENDPOINT: s3.endpoint,
      MAILYARD_BODIES_S3_BUCKET: s3.bucket,
      MAILYARD_BODIES_S3_ACCESSKEYID: s3.accessKeyId,
      S3_SECRET: s3.secretAccessKey,
    };
    expect(await mailyard(['init', '--config', settings('routing')], { env: shared })).toMatchObject({ status: 0 });
    const start = async (role: string, more: readonly string[], env: Record<string, string> = {}): Promise<Gateway> => {
      const words = [
        '--config',
        settings(role),
        '--data',
        join(scenario.folder, role),
        '--grpc',
        '127.0.0.1:0',
        '--http',
        '127.0.0.1:0',
      ];
      const gateway = await Gateway.start([...words, ...more], join(scenario.folder, `${role}.log`), {
        ...shared,
        ...env,
      });
      scenario.onEnd(() => gateway.end('SIGKILL'));
      return gateway;
    };
    const routing = await start('routing', ['--accept', `example.com=127.0.0.1:${sink.port}`]);
    const client = { MAILYARD_ROUTING_ADDRESSES: JSON.stringify([routing.address('grpc')]) };
    await start('delivery', [], client);
    const admin = await start('admin', [], client);
    const ingress = await start('ingress', ['--smtp', '127.0.0.1:0'], client);
    await waitFor(async () => (await fetch(`http://${ingress.address('http')}/readyz`)).status === 200);
    await scenario.client(ingress).sendMail(message(['u@example.com']));
    await sink.until(({ accepted }) => accepted === 1);
    await waitFor(async () => (await admin.json<{ delivered: number }>('queue', 'status')).delivered === 1);
  });
});
