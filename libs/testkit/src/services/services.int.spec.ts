import { spawn } from 'node:child_process';
import { promises as dns } from 'node:dns';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { expect, it, onTestFinished } from 'vitest';
import { dockerEngine } from './docker-engine.ts';
import { startDns } from './dns.ts';
import { startKafka } from './kafka.ts';
import { startRedis } from './redis.ts';
import { describeWith } from './require-service.ts';
import { startS3 } from './s3.ts';
import { isListening, until } from './service-unit.ts';

await describeWith(['redis'], 'startRedis', () => {
  it('keeps what was answered over kill and resume', async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const client = new Redis(server.url, { lazyConnect: true });
    client.on('error', () => undefined);
    onTestFinished(() => client.disconnect());
    await client.set('key', 'value');
    await server.kill();
    expect(await isListening(server.port)).toBe(false);
    await server.resume();
    expect(await client.get('key')).toBe('value');
  });

  it('ends with the process that started it, also after kill -9', async (context) => {
    context.skip(await dockerEngine(), 'containers are removed by the reaper of testcontainers');
    const module = new URL('redis.ts', import.meta.url).href;
    const program = `const { startRedis } = await import(${JSON.stringify(module)});
      console.log(String((await startRedis()).port)); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const port = Number(line);
    expect(await isListening(port)).toBe(true);
    child.kill('SIGKILL');
    await until(
      async () => !(await isListening(port)),
      10_000,
      () => 'the server outlived its starter',
    );
  });
});

await describeWith(['kafka'], 'startKafka', () => {
  it('starts one broker, ends it and starts it again on its data', async () => {
    const cluster = await startKafka();
    onTestFinished(() => cluster.stop());
    const admin = new Kafka({ brokers: [...cluster.bootstrap], logLevel: logLevel.NOTHING }).admin();
    onTestFinished(() => admin.disconnect());
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 3 }], waitForLeaders: true });
    await cluster.kill();
    await cluster.resume();
    expect(await admin.listTopics()).toContain('kept');
  });
});

await describeWith(['s3'], 'startS3', () => {
  it('answers, also after kill and resume', async () => {
    const server = await startS3();
    onTestFinished(() => server.stop());
    await server.kill();
    await server.resume();
    expect((await fetch(`${server.endpoint}/${server.bucket}`)).status).toBe(403);
  });
});

await describeWith(['dns'], 'startDns', () => {
  it('gives records, NXDOMAIN, SERVFAIL and REFUSED', async () => {
    const server = await startDns({
      'example.com': [
        '$TTL 60',
        '@ SOA ns postmaster 1 60 60 60 60',
        '@ NS ns',
        'ns A 127.0.0.1',
        '@ MX 10 mx',
        'mx A 127.0.0.2',
        '',
      ].join('\n'),
      'broken.example': '',
    });
    onTestFinished(() => server.stop());
    const resolver = new dns.Resolver({ timeout: 2_000, tries: 2 });
    resolver.setServers([server.address]);
    expect(await resolver.resolveMx('example.com')).toMatchObject([{ exchange: 'mx.example.com', priority: 10 }]);
    await expect(resolver.resolve4('none.example.com')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(resolver.resolve4('broken.example')).rejects.toMatchObject({ code: 'ESERVFAIL' });
    await expect(resolver.resolve4('other.example')).rejects.toMatchObject({ code: 'EREFUSED' });
    await server.change({});
    await expect(resolver.resolve4('mx.example.com')).rejects.toMatchObject({ code: 'EREFUSED' });
  });
});
