/** Processes of one gateway that let nobody in without a token, nor without TLS, and ask each other for their queues. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCertificate } from '@mailyard/testkit/certificate';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Deployment, type Neighbours, startNeighbours } from './distributed.ts';
import { freePort, message, type QueueStatus, Scenario } from './scenario.ts';
import { waitFor } from './wait-for.ts';

const ROLES = ['reader', 'operator', 'administrator'] as const;

interface Told extends QueueStatus {
  readonly silentOwners: readonly string[];
}

await describeWith(['kafka', 'redis', 's3'], 'processes with tokens and TLS', () => {
  let neighbours: Neighbours;
  beforeAll(async () => {
    neighbours = await startNeighbours(1);
  });
  afterAll(() => neighbours?.stop());

  it('show and retry the mail of all, and preview what a change does to it', async () => {
    await using scenario = await Scenario.begin();
    const place = (name: string) => join(scenario.folder, name);
    const { cert, key } = makeCertificate(['localhost']);
    await writeFile(place('own.pem'), cert);
    await writeFile(place('own.key'), key);
    for (const role of ROLES) await writeFile(place(`${role}.token`), `secret-of-the-${role}\n`);
    const grpc = {
      tls: { certificate: place('own.pem'), key: place('own.key') },
      tokens: ROLES.map((role) => ({ name: role, role, token: { file: place(`${role}.token`) } })),
      peers: { token: { file: place('operator.token') }, authority: place('own.pem') },
    };
    const routing = { token: { file: place('reader.token') }, authority: place('own.pem') };
    const deployment = await Deployment.begin(scenario, neighbours, 8, { grpc, routing });
    const local = ['--grpc', 'localhost:0'];
    const dead = await freePort();
    const sink = await scenario.sink();
    const accept = ['--accept', `a.example=127.0.0.1:${dead}`];
    const front = await deployment.start('ingress,routing,admin', [...local, ...accept]);
    const atLocalhost = front.address('grpc').replace(/^.*:/, 'localhost:');
    const own = ['--ca', place('own.pem'), '--token-file', place('administrator.token')];
    const asked = async <T>(...words: string[]): Promise<T> => {
      const result = await front.command(...words, ...own, '--json');
      expect(result, result.stderr).toMatchObject({ status: 0 });
      return JSON.parse(result.stdout) as T;
    };
    for (let worker = 0; worker < 2; worker++)
      await deployment.start('delivery', local, { MAILYARD_ROUTING_ADDRESSES: JSON.stringify([atLocalhost]) });
    await scenario.client(front).sendMail(message(['u@a.example', 'v@a.example']));
    let status: Told | undefined;
    await waitFor(
      async () => {
        status = await asked<Told>('queue', 'status');
        return status.waiting === 2 && status.destinations.length === 1 && status.silentOwners.length === 0;
      },
      30_000,
      () => JSON.stringify(status),
    );
    // What waits is told by its owner, in another process; header and content to operators only (R212).
    const [{ message: id }] = await asked<[{ message: string }]>('queue', 'oldest', '--limit', '9');
    const shown = await asked<unknown>('queue', 'show', id);
    expect(shown).toMatchObject({
      recipients: [{ forwardPath: 'u@a.example' }, { forwardPath: 'v@a.example' }],
      copies: [{ header: expect.stringMatching(/^Received: [^]*\r\nSubject: hello\r\n/) }],
    });
    const content = await front.command('queue', 'show', id, '--content', ...own);
    expect(content).toMatchObject({ status: 0, stdout: expect.stringMatching(/\r\n\r\nhello\r\n$/) });
    const asReader = ['--ca', place('own.pem'), '--token-file', place('reader.token')];
    const seen = await front.command('queue', 'show', id, ...asReader);
    expect(seen).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/header of .* is left out: the role operator/),
    });
    expect(seen.stdout).toMatch(/<u@a\.example>/);
    expect(seen.stdout).not.toContain('Subject');
    expect(await front.command('queue', 'show', id, '--content', ...asReader)).toMatchObject({
      ...{ status: 1, stdout: '', stderr: expect.stringContaining('ROLE_TOO_LOW') },
    });
    // Listeners are announced by the processes that have them.
    const named = async (listener: string) =>
      (await front.command('queue', 'suspend', 'receiving', '--listener', listener, '--reason', 'x', ...own)).stderr;
    expect(await named('publik')).toContain('has a listener publik; there is public');
    expect(await named('public')).not.toContain('warning');
    const routes = place('routes.yaml');
    await writeFile(routes, `routes:\n  a.example: "127.0.0.1:${sink.port}"\n`);
    const { waiting } = await asked<{ waiting: unknown }>('apply', '-f', routes, '--dry-run');
    expect(waiting).toMatchObject({ waiting: 2, moved: 2, silentOwners: [] });
    const retried = await asked<{ recipients: number; silentOwners: string[] }>(
      'queue',
      'retry',
      '--domain',
      'a.example',
    );
    expect(retried).toMatchObject({ recipients: 2, silentOwners: [] });
    const applied = await front.command('apply', '-f', routes, 'yes', ...own);
    expect(applied, applied.stderr).toMatchObject({ status: 0 });
    await sink.until(({ recipients }) => recipients === 2);
    const nobody = await front.command('queue', 'status', '--ca', place('own.pem'));
    expect(nobody).toMatchObject({ status: 1, stderr: expect.stringContaining('TOKEN_MISSING') });
  }, 240_000);
});
