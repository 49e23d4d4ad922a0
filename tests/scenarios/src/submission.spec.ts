/** Clients that authenticate to the gateway send to anyone, and nobody else does (R129, RFC 4954, RFC 6409, RFC 8314). */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCertificate } from '@mailyard/testkit/certificate';
import { createTransport } from 'nodemailer';
import { describe, expect, it } from 'vitest';
import { Gateway, mailyard } from './gateway.ts';
import { freePort, message, Scenario } from './scenario.ts';
import { waitFor } from './wait-for.ts';

const PASSWORD = 'correct horse battery';

interface Submission {
  readonly scenario: Scenario;
  readonly gateway: Gateway;
  readonly submission: number;
  readonly data: string;
  /** What the mail log has by now. */
  mailLog(): Promise<string>;
}

/** A gateway with a public listener, one for submission and one under TLS from the start; mail to `ALL` goes to a sink. */
async function begin(scenario: Scenario, sinkPort: number, tls: 'starttls' | 'implicit'): Promise<Submission> {
  const data = join(scenario.folder, 'data');
  const submission = await freePort();
  const { cert, key } = makeCertificate(['mx.example.net']);
  await writeFile(join(scenario.folder, 'server.pem'), cert);
  await writeFile(join(scenario.folder, 'server.key'), key);
  const settings = join(scenario.folder, 'mailyard.yaml');
  await writeFile(
    settings,
    [
      `tls: { certificate: ${join(scenario.folder, 'server.pem')}, key: ${join(scenario.folder, 'server.key')} }`,
      'listeners:',
      '  - { name: public, address: "127.0.0.1:0" }',
      `  - { name: submission, address: "127.0.0.1:${submission}", tls: ${tls}, auth: required }`,
      `telemetry: { mailLog: ${join(scenario.folder, 'mail.log')} }`,
      '',
    ].join('\n'),
  );
  const gateway = await scenario.gateway(['--config', settings]);
  const configuration = join(scenario.folder, 'configuration.yaml');
  await writeFile(configuration, `routes:\n  ALL: "127.0.0.1:${sinkPort}"\nrat: [example.com]\n`);
  expect(await gateway.command('apply', '-f', configuration, 'yes')).toMatchObject({ status: 0 });
  return { scenario, gateway, submission, data, mailLog: () => readFile(join(scenario.folder, 'mail.log'), 'utf8') };
}

const smtpUser = async (data: string, words: readonly string[], input = `${PASSWORD}\n`) =>
  expect(await mailyard(['smtp-user', ...words, '--data', data], { input })).toMatchObject({ status: 0 });

async function send({ submission }: Submission, tls: 'starttls' | 'implicit', pass: string, method = 'PLAIN') {
  const secure = tls === 'implicit';
  const client = createTransport({
    host: '127.0.0.1',
    port: submission,
    secure,
    requireTLS: !secure,
    tls: { rejectUnauthorized: false },
    authMethod: method,
    auth: { user: 'ada', pass },
  });
  try {
    await client.sendMail(message(['u@elsewhere.test']));
    return undefined;
  } catch (error) {
    return String(error);
  } finally {
    client.close();
  }
}

describe('submission', () => {
  it.each([
    ['starttls', 'PLAIN'],
    ['implicit', 'LOGIN'],
  ] as const)('under %s by AUTH %s goes to anyone, and without it to nobody', async (tls, method) => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const begun = await begin(scenario, sink.port, tls);
    const { gateway, data } = begun;
    // Nobody is there yet.
    expect(await send(begun, tls, PASSWORD, method)).toContain('535 5.7.8');
    await smtpUser(data, ['set', 'ada']);
    expect(await send(begun, tls, PASSWORD, method)).toBeUndefined();
    await sink.until(({ accepted }) => accepted === 1);
    expect(String(sink.messages[0]?.content)).toContain(' with ESMTPSA id ');
    expect(await send(begun, tls, 'incorrect horse battery', method)).toContain('535 5.7.8');

    // The public listener knows only its recipients, and no AUTH.
    await expect(scenario.client(gateway).sendMail(message(['u@elsewhere.test']))).rejects.toThrow(/550 5\.7\.1/);
    await scenario.client(gateway).sendMail(message(['u@example.com']));

    // A new password counts at once, and so does the end of an account.
    await smtpUser(data, ['set', 'ada'], 'another horse battery\n');
    await waitFor(async () => (await send(begun, tls, 'another horse battery', method)) === undefined, 20_000);
    await smtpUser(data, ['remove', 'ada']);
    await waitFor(
      async () => (await send(begun, tls, 'another horse battery', method))?.includes('535 5.7.8') === true,
      20_000,
    );

    // Who sent it is told, and the secret nowhere (R153).
    const trace = await gateway.command('trace', 'u@elsewhere.test');
    expect(trace.stdout).toContain('user ada');
    const metrics = await (await fetch(`http://${gateway.address('http')}/metrics`)).text();
    expect(metrics).toMatch(/mailyard_authentications_in_total\{result="succeeded"\} [1-9]/);
    expect(metrics).toMatch(/mailyard_authentications_in_total\{result="failed"\} [1-9]/);
    const mailLog = await begun.mailLog();
    expect(mailLog).toMatch(
      new RegExp(`SMTP Auth: \\(ICID \\S+\\) succeeded for user: ada using AUTH mechanism: ${method}`),
    );
    expect(mailLog).toMatch(/SMTP Auth: \(ICID \S+\) failed for user: unknown/);
    const all = [
      mailLog,
      gateway.output,
      trace.stdout,
      metrics,
      await readFile(join(data, 'smtp-users.json'), 'utf8').catch(() => ''),
    ];
    for (const text of all) expect(text).not.toContain('horse battery');
  });

  it('is limited to guesses that come one a second, three a connection (RFC 4954)', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const begun = await begin(scenario, sink.port, 'implicit');
    await smtpUser(begun.data, ['set', 'ada']);
    const startedAt = performance.now();
    const guesses = await Promise.all(
      Array.from({ length: 30 }, (_, number) => send(begun, 'implicit', `guess ${number}`)),
    );
    expect(performance.now() - startedAt).toBeGreaterThan(1_000);
    expect(guesses.filter((answer) => answer?.includes('535 5.7.8'))).toHaveLength(5);
    expect(guesses.filter((answer) => answer?.includes('454 4.7.0'))).toHaveLength(25);
    expect(sink.accepted).toBe(0);
  });

  it('takes another gateway that authenticates by SCRAM-SHA-256 (RFC 7677)', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink();
    const begun = await begin(scenario, sink.port, 'starttls');
    await smtpUser(begun.data, ['set', 'branch']);
    const secret = join(scenario.folder, 'secret');
    await writeFile(secret, `${PASSWORD}\n`);
    const file = join(scenario.folder, 'branch.yaml');
    await writeFile(
      file,
      [
        'authProfiles:',
        `  edge: { username: branch, secret: { file: ${secret} } }`,
        'routes:',
        `  ALL: { destinations: "127.0.0.1:${begun.submission}", auth: edge }`,
        'rat: [elsewhere.test]',
        '',
      ].join('\n'),
    );
    const words = ['--data', join(scenario.folder, 'branch'), '--smtp', '127.0.0.1:0', '--grpc', '127.0.0.1:0'];
    const branch = await Gateway.start([...words, '--http', '127.0.0.1:0'], join(scenario.folder, 'branch.log'), {
      MAILYARD_DELIVERY_TLS: 'required',
    });
    scenario.onEnd(() => branch.end('SIGKILL'));
    expect(await branch.command('apply', '-f', file, 'yes')).toMatchObject({ status: 0 });
    await scenario.client(branch).sendMail(message(['u@elsewhere.test']));
    await sink.until(({ accepted }) => accepted === 1);
    await waitFor(async () => /user: branch using AUTH mechanism: SCRAM-SHA-256/.test(await begun.mailLog()), 10_000);
  });
});
