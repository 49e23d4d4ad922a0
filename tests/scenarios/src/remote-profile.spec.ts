/** Outgoing authentication by a delivery process that does not fold the configuration (R150 to R153). */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Deployment, type Neighbours, startNeighbours } from './distributed.ts';
import { message, Scenario } from './scenario.ts';

const SECRET = 'open sesame 4711';

await describeWith(['kafka', 'redis', 's3'], 'a delivery process of its own', () => {
  let neighbours: Neighbours;
  beforeAll(async () => {
    neighbours = await startNeighbours(1);
  });
  afterAll(() => neighbours?.stop());

  it('authenticates with a profile whose secret it alone can read, also one committed a moment ago; never in clear', async () => {
    await using scenario = await Scenario.begin(neighbours);
    const authentication = { username: 'gateway', password: SECRET, mechanisms: ['PLAIN'] as const };
    const secure = await scenario.sink({ tls: true, authentication });
    const bare = await scenario.sink({ authentication });
    const deployment = await Deployment.begin(scenario, neighbours);
    const front = await deployment.start('ingress,routing,admin');
    const worker = await deployment.start('delivery', [], {
      MAILYARD_ROUTING_ADDRESSES: JSON.stringify([front.address('grpc')]),
      MAILYARD_DELIVERY_TLS: 'preferred',
      RELAY_SECRET: SECRET,
    });
    const file = join(scenario.folder, 'configuration.yaml');
    const write = (host: number, more = ''): Promise<void> =>
      writeFile(
        file,
        [
          'authProfiles:',
          `  edge: { username: gateway, secret: { environment: RELAY_SECRET }${more} }`,
          'routes:',
          `  example.com: { destinations: "127.0.0.1:${host}", auth: edge }`,
          'rat: [example.com]',
          '',
        ].join('\n'),
      );
    await write(bare.port);
    expect(await front.command('apply', '-f', file, 'yes')).toMatchObject({ status: 0 });
    await scenario.client(front).sendMail(message(['u@example.com']));
    await bare.until(({ connections }) => connections > 0);
    expect(bare.accepted).toBe(0);
    await write(secure.port);
    expect(await front.command('apply', '-f', file, 'yes')).toMatchObject({ status: 0 });
    await secure.until(({ accepted }) => accepted === 1);
    expect(secure.messages[0]).toMatchObject({ username: 'gateway', secure: true });
    expect(bare.messages).toEqual([]);

    const said = await Promise.all([
      front.command('smtproutes', 'export', '-'),
      front.command('smtproutes', 'print', '--json'),
      front.command('smtproutes', 'test', 'u@example.com', '--json'),
      front.command('apply', '--show'),
      front.command('history', '2', '--json'),
      front.command('diff', '1', '--json'),
      front.command('trace', 'u@example.com', '--json'),
      front.command('queue', 'status', '--json'),
    ]);
    expect(said.filter(({ status }) => status !== 0)).toEqual([]);
    let everything = said.map(({ stdout, stderr }) => stdout + stderr).join('') + front.output + worker.output;
    for (const entry of await readdir(scenario.folder, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) everything += await readFile(join(entry.parentPath, entry.name), 'latin1');
    const base64 = Buffer.from(`\0gateway\0${SECRET}`).toString('base64');
    expect(everything).toContain('edge');
    expect(everything).not.toContain(SECRET);
    expect(everything).not.toContain(base64);
  });

  it('hears of a change of the profile alone, and sends what waits (I11)', async () => {
    await using scenario = await Scenario.begin(neighbours);
    const sink = await scenario.sink({
      authentication: { username: 'gateway', password: SECRET, mechanisms: ['PLAIN'] },
    });
    const deployment = await Deployment.begin(scenario, neighbours);
    const front = await deployment.start('ingress,routing,admin');
    await deployment.start('delivery', [], {
      MAILYARD_ROUTING_ADDRESSES: JSON.stringify([front.address('grpc')]),
      RELAY_SECRET: SECRET,
    });
    const file = join(scenario.folder, 'configuration.yaml');
    const profile = (username: string) =>
      `authProfiles:\n  edge: { username: ${username}, secret: { environment: RELAY_SECRET }, allowClear: true }\n`;
    const rest = `routes:\n  example.com: { destinations: "127.0.0.1:${sink.port}", auth: edge }\nrat: [example.com]\n`;
    await writeFile(file, `${profile('somebody')}${rest}`);
    const first = await front.command('apply', '-f', file, 'yes');
    expect(first, first.stderr).toMatchObject({ status: 0 });
    await scenario.client(front).sendMail(message(['u@example.com']));
    await sink.until(({ connections }) => connections > 0);
    expect(sink.accepted).toBe(0);
    await writeFile(file, profile('gateway'));
    expect(await front.command('apply', '-f', file, 'yes')).toMatchObject({ status: 0 });
    await sink.until(({ accepted }) => accepted === 1);
    expect(sink.messages[0]).toMatchObject({ username: 'gateway' });
  });
});
