/** The gRPC API with clients that nobody here wrote: grpcio of Python with stubs from the protos, and grpcurl. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeCertificate } from '@mailyard/testkit/certificate';
import { grpcurl, pythonGrpc } from '@mailyard/testkit/services/installation';
import { describeWith } from '@mailyard/testkit/services/require-service';
import { describe, expect, it } from 'vitest';
import { mailyard } from './gateway.ts';
import { Scenario } from './scenario.ts';

const run = promisify(execFile);
const PROTO = join(import.meta.dirname, '../../../proto');
const python = (...words: string[]) => run(join(pythonGrpc(), 'bin/python'), words);

/** Makes Python's stubs of the protos. @returns their folder */
async function makeStubs(scenario: Scenario): Promise<string> {
  const folder = join(scenario.folder, 'stubs');
  await mkdir(folder);
  const files = ['change_set', 'routing', 'configuration'].map((name) => `mailyard/routing/v1/${name}.proto`);
  await python(
    '-m',
    'grpc_tools.protoc',
    `-I${PROTO}`,
    `--python_out=${folder}`,
    `--grpc_python_out=${folder}`,
    ...files,
  );
  return folder;
}

interface Change {
  readonly author: string;
}

await describeWith(['python-grpc'], "Python's grpcio", () => {
  it('does all that a route administrator does', async () => {
    await using scenario = await Scenario.begin();
    const gateway = await scenario.gateway();
    const client = join(import.meta.dirname, 'foreign-client.py');
    const { stdout } = await python(client, gateway.address('grpc'), await makeStubs(scenario));
    expect(stdout.match(/: ok$/gm), stdout).toHaveLength(29);
  });

  it('is let in by tokens and certificates, each with the role that it was given, and named in the history', async () => {
    await using scenario = await Scenario.begin();
    const own = makeCertificate(['localhost']);
    const people = { rita: 'reader', otto: 'operator', adam: 'administrator', nobody: undefined } as const;
    const place = (name: string) => join(scenario.folder, name);
    await writeFile(place('own.pem'), own.cert);
    await writeFile(place('own.key'), own.key);
    let authority = '';
    for (const name of Object.keys(people)) {
      const { cert, key } = makeCertificate([name]);
      await writeFile(place(`${name}.pem`), cert);
      await writeFile(place(`${name}.key`), key);
      authority += cert;
      await writeFile(place(`${name}.token`), `secret-of-${name}\n`);
    }
    await writeFile(place('people.pem'), authority);
    const roles = Object.entries(people).filter(([, role]) => role !== undefined);
    const grpc = {
      tls: { certificate: place('own.pem'), key: place('own.key') },
      tokens: roles.map(([name, role]) => ({ name, role, token: { file: place(`${name}.token`) } })),
      certificates: roles.map(([name, role]) => ({ name, role })),
    };
    const stubs = await makeStubs(scenario);
    const client = join(import.meta.dirname, 'foreign-callers.py');
    const [reads, all] = ['reads OK changes PERMISSION_DENIED', 'reads OK changes OK'];
    const as = async (address: string, certificate: string, token: string) =>
      (
        await python(
          client,
          address,
          stubs,
          certificate === '' ? '-' : place('own.pem'),
          certificate === '' || certificate === 'none' ? '-' : place(`${certificate}.pem`),
          certificate === '' || certificate === 'none' ? '-' : place(`${certificate}.key`),
          token === '' ? '-' : token,
        )
      ).stdout.trim();

    await writeFile(place('tokens.yaml'), JSON.stringify({ grpc: { ...grpc, certificates: [] } }));
    const byToken = await scenario.gateway(['--config', place('tokens.yaml')]);
    const tokens = (token: string) => as(byToken.address('grpc'), 'none', token);
    expect(await tokens('secret-of-rita')).toBe(reads);
    expect(await tokens('secret-of-otto')).toBe(reads);
    expect(await tokens('secret-of-adam')).toBe(all);
    expect(await tokens('')).toBe('reads UNAUTHENTICATED changes UNAUTHENTICATED');
    expect(await tokens('wrong')).toBe('reads UNAUTHENTICATED changes UNAUTHENTICATED');
    expect(await as(byToken.address('grpc'), '', 'secret-of-adam'), 'in clear').toMatch(/^reads UNAVAILABLE/);
    await byToken.end();

    const mutual = { ...grpc, tls: { ...grpc.tls, clientAuthority: place('people.pem') }, tokens: [] };
    await writeFile(place('mutual.yaml'), JSON.stringify({ grpc: mutual }));
    const byCertificate = await scenario.gateway(['--config', place('mutual.yaml')]);
    const address = byCertificate.address('grpc');
    expect(await as(address, 'rita', '')).toBe(reads);
    expect(await as(address, 'nobody', '')).toBe(reads);
    expect(await as(address, 'adam', '')).toBe(all);
    expect(await as(address, 'none', '')).toBe('reads UNAVAILABLE changes UNAVAILABLE');

    // The command line comes in the same way.
    const shown = ['--ca', place('own.pem'), '--cert', place('otto.pem'), '--key', place('otto.key')];
    const server = `localhost:${address.split(':').at(-1)}`;
    const history = await mailyard(['history', '--limit', '2', '--json', '--server', server, ...shown]);
    expect(history.stderr).toBe('');
    // Who called, and for whom they said it was.
    expect((JSON.parse(history.stdout) as Change[])[0]).toMatchObject({ author: 'pia (adam)' });
    const refused = await mailyard(['smtproutes', 'new', 'a.example', 'b.example', '--server', server, ...shown]);
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringMatching(/ROLE_TOO_LOW.*otto is operator/) });
    // To let delivery rest is an operator's work, though it is a change of the configuration (R211).
    const resting = ['queue', 'suspend', 'delivery', '--all', '--reason', 'we move', '--server', server];
    expect(await mailyard([...resting, ...shown])).toMatchObject({ status: 0 });
    const byReader = ['--ca', place('own.pem'), '--cert', place('rita.pem'), '--key', place('rita.key')];
    expect(await mailyard([...resting, ...byReader])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('ROLE_TOO_LOW'),
    });
  });
});

describe('gRPC beyond loopback', () => {
  it('is not served in clear, and not to callers that nobody knows', async () => {
    await using scenario = await Scenario.begin();
    const ended = await mailyard(['start', '--data', join(scenario.folder, 'data'), '--grpc', '0.0.0.0:0']);
    expect(ended).toMatchObject({ status: 78, stderr: expect.stringMatching(/^grpc\.tls: is missing/m) });
  });
});

await describeWith(['grpcurl'], 'grpcurl', () => {
  it('finds everything by reflection', async () => {
    await using scenario = await Scenario.begin();
    const gateway = await scenario.gateway();
    const address = gateway.address('grpc');
    const ask = async (...words: string[]) => (await run(grpcurl(), ['-plaintext', ...words])).stdout;
    expect((await ask(address, 'list')).split('\n')).toContain('mailyard.routing.v1.ConfigurationService');
    expect(await ask(address, 'describe', 'mailyard.routing.v1.RoutingService')).toContain('rpc Explain');
    const operations = [
      { set: { item: { route: { receivingDomain: 'example.com', destinations: ['mail.example.net:2525'] } } } },
    ];
    const request = JSON.stringify({ id: 'curl-1', author: 'me', reason: 'by hand', operations });
    expect(
      JSON.parse(await ask('-d', request, address, 'mailyard.routing.v1.ConfigurationService/Commit')),
    ).toMatchObject({
      version: '2',
    });
    const recipient = JSON.stringify({ recipient: 'u@example.com' });
    expect(JSON.parse(await ask('-d', recipient, address, 'mailyard.routing.v1.RoutingService/Lookup'))).toMatchObject({
      decision: { matched: 'example.com', hosts: { hosts: [{ host: 'mail.example.net', port: 2525 }] } },
    });
    const faulty = JSON.stringify({ operations: [{ remove: { section: 'SECTION_ROUTES', key: 'ALL' } }] });
    await expect(ask('-d', faulty, address, 'mailyard.routing.v1.ConfigurationService/Commit')).rejects.toMatchObject({
      stderr: expect.stringMatching(/BadRequest[^]*ROUTE_DEFAULT_UNDELETABLE/),
    });
    const service = JSON.stringify({ service: 'mailyard.routing.v1.RoutingService' });
    expect(await ask('-d', service, address, 'grpc.health.v1.Health/Check')).toContain('"SERVING"');
  });
});
