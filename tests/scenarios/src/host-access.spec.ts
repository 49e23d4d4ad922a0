/** Who may connect and relay, from outside: swaks from addresses of the loopback network, names from a real DNS server. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDns } from '@mailyard/testkit/services/dns';
import { expect, it } from 'vitest';
import type { Gateway } from './gateway.ts';
import { inBothModes } from './modes.ts';
import type { Scenario } from './scenario.ts';
import { waitFor } from './wait-for.ts';

/** Sends one message with swaks. @returns its exit status, and what both sides said */
function swaks(gateway: Gateway, from: string, ...to: string[]): Promise<{ status: number; said: string }> {
  const words = ['--server', `127.0.0.1:${gateway.smtpPort}`, '--local-interface', from, '--to', to.join(',')];
  return new Promise((resolve) => {
    const child = execFile('swaks', [...words, '--from', 's@origin.example'], (_error, stdout, stderr) =>
      resolve({ status: child.exitCode ?? -1, said: stdout + stderr }),
    );
  });
}

async function importHat(scenario: Scenario, gateway: Gateway, text: string): Promise<void> {
  const file = join(scenario.folder, 'hat.txt');
  await writeFile(file, text);
  const said = await gateway.command('hat', 'import', file, 'yes');
  expect(said, said.stderr).toMatchObject({ status: 0 });
}

await inBothModes('the host access table', (begin) => {
  it('lets a named network relay, throttles, rejects and refuses others, and nobody else relays (R124)', async () => {
    await using scenario = await begin();
    const [inside, outside] = [await scenario.sink(), await scenario.sink()];
    const mailLog = join(scenario.folder, 'mail.log');
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${inside.port}`], {
      MAILYARD_TELEMETRY_MAILLOG: mailLog,
    });
    await gateway.command('smtproutes', 'edit', 'ALL', `127.0.0.1:${outside.port}`);
    expect((await swaks(gateway, '127.0.0.2', 'u@elsewhere.test')).said).toMatch(/<\*\* 550 5\.7\.1/);
    await importHat(
      scenario,
      gateway,
      [
        '$SLOW',
        '    ACCEPT { max_rcpts_per_hour = 1 }',
        'RELAYLIST:',
        '    127.0.0.2',
        '    $RELAYED',
        '127.0.0.3 $SLOW',
        '127.0.0.4 REJECT { smtp_banner_text = "go away" }',
        '127.0.0.5 TCPREFUSE',
        '127.0.0.6 REJECT { delayed_rejection = on }',
        '',
      ].join('\n'),
    );
    expect(await swaks(gateway, '127.0.0.2', 'u@elsewhere.test', 'v@example.com')).toMatchObject({ status: 0 });
    await outside.until(({ recipients }) => recipients === 1);
    await inside.until(({ recipients }) => recipients === 1);
    for (const from of ['127.0.0.1', '127.0.0.3', '127.0.0.7'])
      expect((await swaks(gateway, from, 'u@elsewhere.test')).said).toMatch(/<\*\* 550 5\.7\.1/);
    expect(await swaks(gateway, '127.0.0.3', 'u@example.com')).toMatchObject({ status: 0 });
    expect((await swaks(gateway, '127.0.0.3', 'u@example.com')).said).toMatch(/<\*\* 452 4\.7\.1/);
    expect((await swaks(gateway, '127.0.0.4', 'u@example.com')).said).toMatch(/<\*\* 554 go away/);
    const refused = await swaks(gateway, '127.0.0.5', 'u@example.com');
    expect(refused.said).not.toMatch(/^<(?:-|~|\*\*)/m);
    expect(refused.status).not.toBe(0);
    const late = await swaks(gateway, '127.0.0.6', 'u@example.com');
    expect(late.said).toMatch(/RCPT TO:<u@example\.com>\n<\*\* 554 5\.7\.1 Access denied/);
    expect([inside.recipients, outside.recipients]).toEqual([2, 1]);

    const traced = await gateway.command('trace', 'u@elsewhere.test');
    expect(traced.stdout).toMatch(/from 127\.0\.0\.2 \(\S+\), RELAY SG RELAYLIST \$RELAYED, policy DEFAULT/);
    await waitFor(async () => (await readFile(mailLog, 'utf8')).includes('127.0.0.6'));
    const log = await readFile(mailLog, 'utf8');
    expect(log).toMatch(/ICID \S+ RELAY SG RELAYLIST match 127\.0\.0\.2 policy \$RELAYED\n/);
    expect(log).toMatch(/for per-recipient policy DEFAULT in the outbound table\n/);
    expect(log).toMatch(/ICID \S+ TCPREFUSE SG None match 127\.0\.0\.5\n/);
    expect(log).toMatch(/ICID \S+ To: <u@example\.com> Rejected \('554', \['5\.7\.1 Access denied'\]\)/);

    await gateway.command('rollback', '3', 'yes');
    expect((await swaks(gateway, '127.0.0.2', 'u@elsewhere.test')).said).toMatch(/<\*\* 550 5\.7\.1/);
    expect(await swaks(gateway, '127.0.0.5', 'u@example.com')).toMatchObject({ status: 0 });
  });

  it('relays for a name only where the name leads back to the client (R123)', async () => {
    await using scenario = await begin();
    const head = '$TTL 60\n@ SOA ns.friend.test. hostmaster.friend.test. 1 60 60 60 60\n@ NS ns.friend.test.\n';
    const dns = await startDns({
      'friend.test': `${head}ns A 127.0.0.1\nmx A 127.0.0.2\n`,
      '0.0.127.in-addr.arpa': `${head}2 PTR mx.friend.test.\n3 PTR mx.friend.test.\n`,
    });
    scenario.onEnd(() => dns.stop());
    const outside = await scenario.sink();
    const mailLog = join(scenario.folder, 'mail.log');
    const gateway = await scenario.gateway(['--dns', dns.address], { MAILYARD_TELEMETRY_MAILLOG: mailLog });
    await gateway.command('smtproutes', 'edit', 'ALL', `127.0.0.1:${outside.port}`);
    await importHat(scenario, gateway, 'PARTNERS:\n    .friend.test\n    $RELAYED\n');
    expect(await swaks(gateway, '127.0.0.2', 'u@elsewhere.test')).toMatchObject({ status: 0 });
    expect((await swaks(gateway, '127.0.0.3', 'u@elsewhere.test')).said).toMatch(/<\*\* 550 5\.7\.1/);
    await outside.until(({ recipients }) => recipients === 1);
    await waitFor(async () => (await readFile(mailLog, 'utf8')).includes('address 127.0.0.3'));
    const log = await readFile(mailLog, 'utf8');
    expect(log).toMatch(/address 127\.0\.0\.2 reverse dns host mx\.friend\.test verified yes\n/);
    expect(log).toMatch(/address 127\.0\.0\.3 reverse dns host unknown verified no\n/);
  });
});
