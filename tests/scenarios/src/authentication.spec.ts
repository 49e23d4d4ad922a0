/** Outgoing authentication, from the profile of a route to a server that demands it (R150 to R153). */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { message, Scenario } from './scenario.ts';
import { waitFor } from './wait-for.ts';

describe('outgoing authentication', () => {
  it('of a route is used under TLS, and its secret is nowhere to be seen (R150, R151, R153)', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink({
      tls: true,
      authentication: { username: 'gateway', password: 'open sesame', mechanisms: ['PLAIN', 'SCRAM-SHA-256'] },
    });
    const secret = join(scenario.folder, 'secret');
    await writeFile(secret, 'open sesame\n');
    const file = join(scenario.folder, 'configuration.yaml');
    await writeFile(
      file,
      [
        'authProfiles:',
        `  edge: { username: gateway, secret: { file: ${secret} } }`,
        'routes:',
        `  example.com: { destinations: "127.0.0.1:${sink.port}", auth: edge }`,
        'rat: [example.com]',
        '',
      ].join('\n'),
    );
    const gateway = await scenario.gateway([], { MAILYARD_DELIVERY_TLS: 'preferred' });
    const applied = await gateway.command('apply', '-f', file, 'yes');
    expect(applied, applied.stderr).toMatchObject({ status: 0 });
    await scenario.client(gateway).sendMail(message(['u@example.com']));
    await sink.until(({ accepted }) => accepted === 1);
    expect(sink.messages[0]).toMatchObject({ username: 'gateway', secure: true });
    const exported = await gateway.command('smtproutes', 'export', '-');
    expect(exported.stdout).toContain('/auth=edge');
    const history = await gateway.command('history', '--json');
    expect(`${exported.stdout}${history.stdout}${gateway.output}`).not.toContain('open sesame');
  });

  it('with a secret that cannot be read waits and is told; a change of the profile alone sends it (R152, I11)', async () => {
    await using scenario = await Scenario.begin();
    const sink = await scenario.sink({
      tls: true,
      authentication: { username: 'gateway', password: 'open sesame', mechanisms: ['PLAIN'] },
    });
    const [missing, present] = [join(scenario.folder, 'missing'), join(scenario.folder, 'present')];
    await writeFile(present, 'open sesame\n');
    const file = join(scenario.folder, 'configuration.yaml');
    const profile = (secret: string) => `authProfiles:\n  edge: { username: gateway, secret: { file: ${secret} } }\n`;
    const rest = `routes:\n  example.com: { destinations: "127.0.0.1:${sink.port}", auth: edge }\nrat: [example.com]\n`;
    await writeFile(file, `${profile(missing)}${rest}`);
    const gateway = await scenario.gateway([], { MAILYARD_DELIVERY_TLS: 'preferred' });
    expect(await gateway.command('apply', '-f', file, 'yes')).toMatchObject({ status: 0 });
    await scenario.client(gateway).sendMail(message(['u@example.com']));
    const metrics = async () => (await fetch(`http://${gateway.address('http')}/metrics`)).text();
    let told = '';
    await waitFor(
      async () => {
        told = await metrics();
        return told.includes('mailyard_unreadable_secrets{profile="edge"} 1');
      },
      20_000,
      () => told,
    );
    expect(told).toContain('mailyard_alarms_total{name="profile-secret"} 1');
    expect(gateway.output).toMatch(/PROFILE_SECRET_UNREADABLE.*edge/);
    expect([sink.connections, sink.accepted]).toEqual([0, 0]);
    await writeFile(file, profile(present));
    const applied = await gateway.command('apply', '-f', file, 'yes');
    expect(applied, applied.stderr).toMatchObject({ status: 0 });
    // Without the change's doing it would wait for a minute.
    await sink.until(({ accepted }) => accepted === 1);
    expect(await metrics()).toContain('mailyard_unreadable_secrets{profile="edge"} 0');
  });
});
