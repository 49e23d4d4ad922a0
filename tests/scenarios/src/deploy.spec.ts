/** The settings in deploy/, started as they are but for ports and the addresses of their neighbours. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Neighbours, startNeighbours } from './distributed.ts';
import { type CommandResult, Gateway, mailyard } from './gateway.ts';
import { message, type QueueStatus, Scenario } from './scenario.ts';
import { waitFor } from './wait-for.ts';

const deploy = join(import.meta.dirname, '../../../deploy');
const settings = (role: string): string => join(deploy, 'settings', `${role}.yaml`);

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
    const { folder } = scenario;
    execFileSync(join(deploy, 'certificates.sh'), ['certificates'], { cwd: folder });
    const init = await mailyard(['init', '--config', settings('routing')], { env: shared, cwd: folder });
    expect(init).toMatchObject({ status: 0 });
    const start = async (role: string, more: readonly string[], env: Record<string, string> = {}): Promise<Gateway> => {
      // Reachable from elsewhere, as in the file, but at a port of its own.
      const ports = ['--grpc', '0.0.0.0:0', '--http', '127.0.0.1:0'];
      const words = ['--config', settings(role), '--data', join(folder, role), ...ports, ...more];
      const gateway = await Gateway.start(words, join(folder, `${role}.log`), { ...shared, ...env }, folder);
      scenario.onEnd(() => gateway.end('SIGKILL'));
      return gateway;
    };
    const port = (gateway: Gateway): string => gateway.address('grpc').split(':').at(-1)!;
    const routing = await start('routing', ['--accept', `example.com=127.0.0.1:${sink.port},127.0.0.1:9/pri=10`]);
    const client = { MAILYARD_ROUTING_ADDRESSES: JSON.stringify([`localhost:${port(routing)}`]) };
    await start('delivery', [], client);
    const admin = await start('admin', [], client);
    const ingress = await start('ingress', ['--smtp', '127.0.0.1:0'], client);
    const ask = async (who: string, ...words: string[]): Promise<CommandResult> => {
      const identity = ['--ca', 'authority.pem', '--cert', `${who}.pem`, '--key', `${who}.key`];
      return mailyard([...words, '--server', `localhost:${port(admin)}`, '--json', ...identity], {
        cwd: join(folder, 'certificates'),
      });
    };
    const status = async (): Promise<QueueStatus> =>
      JSON.parse((await ask('administrator', 'queue', 'status')).stdout) as QueueStatus;
    await waitFor(async () => (await fetch(`http://${ingress.address('http')}/readyz`)).status === 200);
    await scenario.client(ingress).sendMail(message(['u@example.com']));
    await sink.until(({ accepted }) => accepted === 1);
    await waitFor(async () => (await status()).delivered === 1);
    // The page of the admin finds the worker by the address that it announced, and is let in by its certificate.
    await waitFor(async () => (await status()).destinations.some(({ delivered }) => delivered === 1));
    expect(await ask('mailyard', 'smtproutes', 'delete', 'example.com')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('ROLE_TOO_LOW'),
    });
    expect(await ask('administrator', 'smtproutes', 'delete', 'example.com')).toMatchObject({ status: 0 });
  });
});
