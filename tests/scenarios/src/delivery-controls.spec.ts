/** Destination controls and bounce profiles of the configuration, as delivery keeps to them (R70 to R73, R140 to R146). */
import { createHash, X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCertificate } from '@mailyard/testkit/certificate';
import { DnsServer } from '@mailyard/testkit/dns-server';
import { describeWith } from '@mailyard/testkit/services/require-service';
import type { SinkOptions } from '@mailyard/testkit/smtp-sink';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Deployment, type Neighbours, startNeighbours } from './distributed.ts';
import type { Gateway } from './gateway.ts';
import { inBothModes } from './modes.ts';
import { addsUp, message, Scenario, untilStatus } from './scenario.ts';
import { waitFor } from './wait-for.ts';

/** A sink that tells how many sessions it had at once, from greeting to QUIT. */
class Counted {
  most = 0;
  #open = 0;

  readonly options: SinkOptions = {
    onStep: ({ step }) => {
      if (step === 'connect') this.most = Math.max(this.most, ++this.#open);
      if (step === 'quit') this.#open -= 1;
      return step === 'dot' ? { delayMs: 50 } : undefined;
    },
  };
}

async function apply(scenario: Scenario, gateway: Gateway, content: string): Promise<void> {
  const file = join(scenario.folder, 'configuration.yaml');
  await writeFile(file, content);
  const said = await gateway.command('apply', '-f', file, 'yes');
  expect(said, said.stderr).toMatchObject({ status: 0 });
}

async function send(scenario: Scenario, gateway: Gateway, domain: string, count: number): Promise<void> {
  const client = scenario.client(gateway);
  for (let i = 0; i < count; i++) await client.sendMail(message([`u${i}@${domain}`]));
}

await inBothModes('destination controls', (begin) => {
  it('bound the connections of the domain they name and of no other, and explain shows them (R40, R140)', async () => {
    await using scenario = await begin();
    const [narrow, wide] = [new Counted(), new Counted()];
    const [one, two] = [await scenario.sink(narrow.options), await scenario.sink(wide.options)];
    const gateway = await scenario.gateway();
    await apply(
      scenario,
      gateway,
      `
routes: { narrow.example: "127.0.0.1:${one.port}", wide.example: "127.0.0.1:${two.port}" }
rat: [narrow.example, wide.example]
destinationControls:
  DEFAULT: { maxMessagesPerConnection: 1 }
  narrow.example: { maxConnections: 1 }
`,
    );
    await Promise.all([send(scenario, gateway, 'narrow.example', 12), send(scenario, gateway, 'wide.example', 12)]);
    await one.until(({ accepted }) => accepted === 12);
    await two.until(({ accepted }) => accepted === 12);
    expect(narrow.most).toBe(1);
    expect(wide.most).toBeGreaterThan(1);
    expect(one.connections).toBe(12);
    const explained = await gateway.json('smtproutes', 'test', 'u@narrow.example');
    expect(explained).toMatchObject({
      limits: { maxConnections: 1, messagesPerConnection: 1, control: 'narrow.example' },
    });
    const past = await gateway.json('smtproutes', 'test', 'u@narrow.example', '--version', '1');
    expect(past).toMatchObject({ limits: { maxConnections: 20, control: '' } });
  });

  it('demand a certificate that holds: mail waits with what is wrong, and goes where it does (R144)', async () => {
    await using scenario = await begin();
    const authority = makeCertificate(['Our authority'], new Date(), { isAuthority: true });
    const file = join(scenario.folder, 'authority.pem');
    await writeFile(file, authority.cert);
    const issue = (names: string[], now?: Date) => makeCertificate(names, now, { issuer: authority });
    const longAgo = new Date(Date.now() - 800 * 86_400_000);
    const good = await scenario.sink({ tls: issue(['127.0.0.1']) });
    const expired = await scenario.sink({ tls: issue(['127.0.0.1'], longAgo) });
    const other = await scenario.sink({ tls: issue(['mx.else.test']) });
    const mailLog = join(scenario.folder, 'mail.log');
    const gateway = await scenario.gateway([], {
      MAILYARD_DELIVERY_AUTHORITY: file,
      MAILYARD_TELEMETRY_MAILLOG: mailLog,
    });
    await apply(
      scenario,
      gateway,
      `
routes:
  good.example: "127.0.0.1:${good.port}"
  old.example: "127.0.0.1:${expired.port}"
  other.example: "127.0.0.1:${other.port}"
  lenient.example: "127.0.0.1:${other.port}"
rat: [good.example, old.example, other.example, lenient.example]
destinationControls:
  DEFAULT: { tls: requiredVerify }
  lenient.example: { tls: preferredVerify }
`,
    );
    for (const domain of ['good', 'old', 'other', 'lenient']) await send(scenario, gateway, `${domain}.example`, 1);
    await good.until(({ accepted }) => accepted === 1);
    await other.until(({ accepted }) => accepted === 1);
    expect([...good.messages, ...other.messages].map(({ secure }) => secure)).toEqual([true, true]);
    expect(other.messages[0]!.recipients[0]!.forwardPath).toBe('u0@lenient.example');
    await untilStatus(gateway, ({ waiting, delivered }) => waiting === 2 && delivered === 2);
    let traced = '';
    await waitFor(
      async () => {
        traced = (await gateway.command('trace', 'u0@old.example')).stdout;
        return traced.includes('certificate not verified: expired on ');
      },
      20_000,
      () => traced,
    );
    const log = await readFile(mailLog, 'utf8');
    expect(log).toMatch(/DCID \S+ TLS success protocol TLSv1\.3 cipher TLS_\S+ certificate verified$/m);
    expect(log).toMatch(/certificate unverified: wrong name: it is for DNS:mx\.else\.test, not for 127\.0\.0\.1 or /m);
    expect(log.match(/Alarm tls-failed: .*for (old|other)\.example: certificate not verified: /g)).toHaveLength(2);
    const explained = await gateway.json('smtproutes', 'test', 'u@old.example');
    expect(explained).toMatchObject({ limits: { tls: 'requiredVerify' } });
    expect(expired.transactions).toBe(0);
    // Less is demanded: at once.
    await apply(scenario, gateway, 'destinationControls: { DEFAULT: { tls: required } }');
    await expired.until(({ accepted }) => accepted === 1);
  });

  it('verify hosts by TLSA records that a validating resolver vouches for (R144, RFC 7672)', async () => {
    await using scenario = await begin();
    const certificate = makeCertificate(['whatever.test']);
    const key = new X509Certificate(certificate.cert).publicKey.export({ type: 'spki', format: 'der' });
    const right = [3, 1, 1, createHash('sha256').update(key).digest('hex')] as const;
    const good = await scenario.sink({ tls: certificate });
    const wrong = await scenario.sink({ tls: certificate });
    const bare = await scenario.sink({ tls: certificate });
    const dns = await DnsServer.start({
      'signed.test': { isSecure: true },
      'good.signed.test': { a: ['127.0.0.1'] },
      [`_${good.port}._tcp.good.signed.test`]: { tlsa: [right] },
      'wrong.signed.test': { a: ['127.0.0.1'] },
      [`_${wrong.port}._tcp.wrong.signed.test`]: { tlsa: [[3, 1, 1, 'ab'.repeat(32)]] },
      'bare.test': { a: ['127.0.0.1'] },
      [`_${bare.port}._tcp.bare.test`]: { tlsa: [right] },
    });
    scenario.onEnd(() => dns.stop());
    const mailLog = join(scenario.folder, 'mail.log');
    const gateway = await scenario.gateway(['--dns', dns.address], { MAILYARD_TELEMETRY_MAILLOG: mailLog });
    await apply(
      scenario,
      gateway,
      `
routes:
  good.example: "[good.signed.test]:${good.port}"
  wrong.example: "[wrong.signed.test]:${wrong.port}"
  bare.example: "[bare.test]:${bare.port}"
  lenient.example: "[bare.test]:${bare.port}"
rat: [good.example, wrong.example, bare.example, lenient.example]
destinationControls:
  DEFAULT: { dane: opportunistic }
  bare.example: { dane: mandatory, tls: required }
`,
    );
    for (const domain of ['good', 'wrong', 'bare', 'lenient']) await send(scenario, gateway, `${domain}.example`, 1);
    await good.until(({ accepted }) => accepted === 1);
    await bare.until(({ accepted }) => accepted === 1);
    await untilStatus(gateway, ({ waiting, delivered }) => waiting === 2 && delivered === 2);
    expect(bare.messages[0]!.recipients[0]!.forwardPath).toBe('u0@lenient.example');
    expect([good.messages[0]!.secure, wrong.transactions]).toEqual([true, 0]);
    const says = (domain: string, reason: string) =>
      waitFor(async () => (await gateway.command('trace', `u0@${domain}`)).stdout.includes(reason), 20_000);
    await says('wrong.example', 'certificate not verified: no certificate matches its TLSA records');
    await says('bare.example', 'DANE is demanded: DNSSEC does not vouch for bare.test');
    const log = await readFile(mailLog, 'utf8');
    expect(log).toMatch(/TLS success protocol TLSv1\.3 cipher TLS_\S+ certificate verified by DANE$/m);
    const explained = await gateway.json('smtproutes', 'test', 'u@bare.example');
    expect(explained).toMatchObject({ limits: { tls: 'required', dane: 'mandatory' } });
    const refused = join(scenario.folder, 'refused.yaml');
    await writeFile(refused, 'destinationControls: { a.example: { tls: none, dane: mandatory } }');
    expect(await gateway.command('apply', '-f', refused, 'yes')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('DANE goes with TLS'),
    });
  });

  it('are followed from the commit on: short retries bounce, a longer schedule keeps (R70, R72, R78)', async () => {
    await using scenario = await begin();
    const refusing = await scenario.sink({ onStep: ({ step }) => (step === 'rcpt' ? '450 4.2.0 later' : undefined) });
    const reports = await scenario.sink();
    const gateway = await scenario.gateway();
    const rest = `
routes:
  quick.example: "127.0.0.1:${refusing.port}"
  slow.example: "127.0.0.1:${refusing.port}"
  origin.example: "127.0.0.1:${reports.port}"
rat: [quick.example, slow.example]
`;
    await apply(scenario, gateway, rest);
    await send(scenario, gateway, 'quick.example', 1);
    await send(scenario, gateway, 'slow.example', 1);
    await untilStatus(gateway, ({ waiting }) => waiting === 2);
    await refusing.until(({ transactions }) => transactions >= 2);
    await apply(
      scenario,
      gateway,
      `
bounceProfiles: { quick: { maxRetries: 1, initialWaitSeconds: 1, maxWaitSeconds: 1 } }
destinationControls: { quick.example: { bounceProfile: quick } }
`,
    );
    const status = await untilStatus(gateway, ({ expired }) => expired === 1);
    expect(addsUp(status)).toBe(true);
    await reports.until(({ accepted }) => accepted === 1);
    expect(reports.messages[0]!.content.toString('latin1')).toContain('u0@quick.example');
    expect(reports.messages[0]!.reversePath).toBe('');
    await untilStatus(gateway, ({ waiting }) => waiting === 1);
  });

  it('have mail wait for an address of the family that a row requires, and say why (R142)', async () => {
    await using scenario = await begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway();
    const row = (ipPreference: string) => `destinationControls: { six.example: { ipPreference: ${ipPreference} } }\n`;
    const rest = `routes: { six.example: "127.0.0.1:${sink.port}" }\nrat: [six.example]\n`;
    await apply(scenario, gateway, rest + row('requireV6'));
    await send(scenario, gateway, 'six.example', 1);
    await waitFor(async () => {
      const events = await gateway.json<unknown[]>('trace', 'u0@six.example');
      return JSON.stringify(events).includes('127.0.0.1 has no IPv6 address');
    });
    const explained = await gateway.json('smtproutes', 'test', 'u0@six.example');
    expect(explained).toMatchObject({ limits: { ipPreference: 'requireV6', control: 'six.example' } });
    expect(sink.connections).toBe(0);
    await apply(scenario, gateway, row('preferV6'));
    await sink.until(({ accepted }) => accepted === 1);
  });

  it('warn a sender once that mail is late, and the warning can be traced (R80)', async () => {
    await using scenario = await begin();
    const refusing = await scenario.sink({ onStep: ({ step }) => (step === 'rcpt' ? '450 4.2.0 later' : undefined) });
    const warned = await scenario.sink();
    const gateway = await scenario.gateway();
    await apply(
      scenario,
      gateway,
      `
routes:
  late.example: "127.0.0.1:${refusing.port}"
  origin.example: "127.0.0.1:${warned.port}"
rat: [late.example]
bounceProfiles: { patient: { initialWaitSeconds: 1, maxWaitSeconds: 1, delayWarnings: 1 } }
destinationControls: { late.example: { bounceProfile: patient } }
`,
    );
    await send(scenario, gateway, 'late.example', 1);
    await warned.until(({ accepted }) => accepted === 1);
    const { content, reversePath } = warned.messages[0]!;
    expect(reversePath).toBe('');
    expect(content.toString('latin1')).toContain('Action: delayed');
    await refusing.until(({ transactions }) => transactions >= 4);
    const events = await gateway.json<{ kind: string; report?: string }[]>('trace', 'u0@late.example');
    const reports = events.flatMap(({ report }) => report ?? []);
    expect(reports).toHaveLength(1);
    const [warning] = await gateway.json<{ acceptance: { reportOf: string } }[]>('trace', reports[0]!);
    expect(warning).toMatchObject({ acceptance: { reportOf: expect.stringMatching(/^[0-9a-z]{26}$/) } });
    await untilStatus(gateway, (status) => status.waiting === 1 && status.delivered === 1 && addsUp(status));
    expect(warned.accepted).toBe(1);
  });
});

await describeWith(['kafka', 'redis', 's3'], 'a delivery process of its own', () => {
  let neighbours: Neighbours;
  beforeAll(async () => {
    neighbours = await startNeighbours(1);
  });
  afterAll(() => neighbours?.stop());

  it('keeps to the controls of the last commit', async () => {
    await using scenario = await Scenario.begin(neighbours);
    const counted = new Counted();
    const sink = await scenario.sink(counted.options);
    const deployment = await Deployment.begin(scenario, neighbours);
    const front = await deployment.start('ingress,routing,admin');
    await deployment.start('delivery', [], { MAILYARD_ROUTING_ADDRESSES: JSON.stringify([front.address('grpc')]) });
    const rest = `routes: { one.example: "127.0.0.1:${sink.port}" }\nrat: [one.example]\n`;
    const control = (most: number) =>
      `destinationControls: { one.example: { maxConnections: ${most}, maxMessagesPerConnection: 1 } }\n`;
    await apply(scenario, front, rest + control(5));
    await send(scenario, front, 'one.example', 15);
    await sink.until(({ accepted }) => accepted === 15);
    expect(counted.most).toBeGreaterThan(1);
    await apply(scenario, front, control(1));
    await send(scenario, front, 'one.example', 1);
    await sink.until(({ accepted }) => accepted === 16);
    counted.most = 0;
    await send(scenario, front, 'one.example', 10);
    await sink.until(({ accepted }) => accepted === 26);
    expect(counted.most).toBe(1);
  });
});
