/**
 * MTA-STS (R144, RFC 8461) from the TXT record to the mail exchanger: a DNS of the test's own, policy hosts on port 443
 * and sinks on port 25 of loopback addresses that only this scenario uses.
 */
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { makeCertificate, type SelfSignedCertificate } from '@mailyard/testkit/certificate';
import { DnsServer } from '@mailyard/testkit/dns-server';
import type { SmtpSink } from '@mailyard/testkit/smtp-sink';
import { describe, expect, it } from 'vitest';
import type { Gateway } from './gateway.ts';
import { message, Scenario, untilStatus } from './scenario.ts';
import { waitFor } from './wait-for.ts';

const authority = makeCertificate(['Our authority'], new Date(), { isAuthority: true });
const issue = (...names: string[]) => makeCertificate(names, new Date(), { issuer: authority });

/** Serves `mta-sts.<domain>` for each of these domains on 443. */
async function servePolicies(
  host: string,
  policies: Readonly<Record<string, string>>,
): Promise<{ readonly asked: string[]; stop(): Promise<void> }> {
  const { key, cert } = issue(...Object.keys(policies).map((domain) => `mta-sts.${domain}`));
  const asked: string[] = [];
  const server = createServer({ key, cert }, ({ url, headers }, response) => {
    const domain = (headers.host ?? '').replace(/^mta-sts\./, '');
    asked.push(domain);
    const policy = url === '/.well-known/mta-sts.txt' ? policies[domain] : undefined;
    response.writeHead(policy === undefined ? 404 : 200, { 'content-type': 'text/plain' }).end(policy);
  });
  server.listen(443, host);
  await once(server, 'listening');
  const stop = async () => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { asked, stop };
}

const policy = (mode: string, mx: string): string =>
  `version: STSv1\r\nmode: ${mode}\r\nmx: ${mx}\r\nmax_age: 604800\r\n`;

/** The trace of a recipient, once it tells this. */
async function untilTraced(gateway: Gateway, recipient: string, reason: string | RegExp): Promise<void> {
  let traced = '';
  await waitFor(
    async () => {
      traced = (await gateway.command('trace', recipient)).stdout;
      return typeof reason === 'string' ? traced.includes(reason) : reason.test(traced);
    },
    60_000,
    () => traced,
  );
}

describe('MTA-STS (R144, RFC 8461)', () => {
  it('keeps mail from hosts that a policy does not name or whose certificate does not hold, over a restart', async () => {
    await using scenario = await Scenario.begin();
    const exchanger = (host: string, tls: SelfSignedCertificate): Promise<SmtpSink> =>
      scenario.sink({ host, port: 25, tls });
    const good = await exchanger('127.0.46.2', issue('mx.good.example'));
    const bad = await exchanger('127.0.46.3', issue('bad.example'));
    const strange = await exchanger('127.0.46.4', issue('mx.strange.example'));
    const tested = await exchanger('127.0.46.5', issue('tested.example'));
    const careless = await exchanger('127.0.46.6', issue('whatever.example'));
    const policies = await servePolicies('127.0.46.1', {
      'good.example': policy('enforce', '*.good.example'),
      'bad.example': policy('enforce', 'mx.bad.example'),
      'strange.example': policy('enforce', 'mx.elsewhere.example'),
      'tested.example': policy('testing', 'mx.tested.example'),
      'careless.example': policy('enforce', 'mx.careless.example'),
      'routed.example': policy('enforce', 'mx.routed.example'),
    });
    scenario.onEnd(() => policies.stop());
    const domains = ['good', 'bad', 'strange', 'tested', 'careless', 'routed'].map((name) => `${name}.example`);
    const dns = await DnsServer.start(
      Object.fromEntries(
        domains.flatMap((domain, i) => [
          [domain, { mx: [[10, `mx.${domain}`]] }],
          [`mx.${domain}`, { a: [`127.0.46.${i + 2}`] }],
          [`_mta-sts.${domain}`, { txt: [`v=STSv1; id=20260101${i};`] }],
          [`mta-sts.${domain}`, { a: ['127.0.46.1'] }],
        ]),
      ),
    );
    scenario.onEnd(() => dns.stop());
    await writeFile(join(scenario.folder, 'authority.pem'), authority.cert);
    const mailLog = join(scenario.folder, 'mail.log');
    const start = () =>
      scenario.gateway(['--dns', dns.address], {
        MAILYARD_DELIVERY_AUTHORITY: join(scenario.folder, 'authority.pem'),
        MAILYARD_DELIVERY_MTASTS: 'enforce',
        MAILYARD_TELEMETRY_MAILLOG: mailLog,
      });
    const gateway = await start();
    const file = join(scenario.folder, 'configuration.yaml');
    await writeFile(
      file,
      `
routes: { routed.example: "mx.careless.example" }
rat: [${domains.join(', ')}]
destinationControls: { careless.example: { mtaSts: none } }
`,
    );
    expect(await gateway.command('apply', '-f', file, 'yes')).toMatchObject({ status: 0 });
    await scenario.client(gateway).sendMail(message(domains.map((domain) => `u@${domain}`)));
    await good.until(({ accepted }) => accepted === 1);
    await tested.until(({ accepted }) => accepted === 1);
    // Neither the row without nor the explicit route looks for a policy.
    await careless.until(({ accepted }) => accepted === 2);
    await untilStatus(gateway, ({ waiting, delivered }) => waiting === 2 && delivered === 4);
    expect([good.messages[0]!.secure, bad.transactions, strange.connections]).toEqual([true, 0, 0]);
    await untilTraced(
      gateway,
      'u@bad.example',
      'MTA-STS of bad.example: certificate not verified: wrong name: it is for DNS:bad.example, not for mx.bad.example',
    );
    const unnamed = 'MTA-STS of strange.example: mx.strange.example is none of its hosts (mx.elsewhere.example)';
    await untilTraced(gateway, 'u@strange.example', unnamed);
    const log = await readFile(mailLog, 'utf8');
    expect(log).toMatch(
      /Alarm tls-failed: mx\.strange\.example .* for strange\.example: MTA-STS of strange\.example: /,
    );
    expect(log).toMatch(
      /MTA-STS domain tested\.example host mx\.tested\.example .* mode testing result certificate-host-m/,
    );
    const metrics = await (await fetch(`http://${gateway.address('http')}/metrics`)).text();
    expect(metrics).toMatch(/^mailyard_mta_sts_results_total\{result="successful"\} 1$/m);
    expect(policies.asked.toSorted()).toEqual(['bad', 'good', 'strange', 'tested'].map((name) => `${name}.example`));
    const explained = await gateway.json('smtproutes', 'test', 'u@strange.example');
    expect(explained).toMatchObject({
      limits: { mtaSts: 'enforce' },
      mtaStsPolicy: { mode: 'enforce', mx: ['mx.elsewhere.example'] },
      hosts: [{ problem: 'MTA-STS: mx.strange.example is none of its hosts (mx.elsewhere.example)' }],
    });
    const refused = join(scenario.folder, 'refused.yaml');
    await writeFile(refused, 'destinationControls: { a.example: { tls: none, mtaSts: enforce } }');
    expect(await gateway.command('apply', '-f', refused, 'yes')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('MTA-STS goes with TLS'),
    });

    // Who can keep policies from being found, and the process from running, gains nothing by it.
    expect(await gateway.end('SIGTERM')).toBe(0);
    await policies.stop();
    const { '_mta-sts.strange.example': _strange, '_mta-sts.bad.example': _bad, ...rest } = dns.zone;
    dns.zone = rest;
    const next = await start();
    const text = (await next.command('smtproutes', 'test', 'u@strange.example')).stdout;
    expect(text).toContain('MTA-STS enforce');
    expect(text).toMatch(
      /^MTA-STS policy of strange\.example: enforce, until .* its hosts: mx\.elsewhere\.example\.$/m,
    );
    await scenario.client(next).sendMail(message(['v@strange.example']));
    await untilTraced(next, 'v@strange.example', unnamed);
    expect([bad.transactions, strange.connections]).toEqual([0, 0]);
  }, 300_000);
});
