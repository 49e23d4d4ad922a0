import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Scenario } from './scenario.ts';

const run = promisify(execFile);

/** Why there can be no Postfix of the scenario's own; undefined when there can. */
export function withoutPostfix(): string | undefined {
  if (!existsSync('/usr/sbin/postfix')) return 'Postfix is not installed';
  return process.getuid?.() === 0 ? undefined : 'Postfix starts only as root';
}

/**
 * A real Postfix in an instance of its own below the scenario's folder, relaying everything to one next hop.
 *
 * @param port where it listens
 * @param nextHop `host:port`
 */
export async function startPostfix(
  scenario: Scenario,
  port: number,
  nextHop: { host: string; port: number },
): Promise<void> {
  const home = join(scenario.folder, 'postfix');
  const [etc, spool, data] = ['etc', 'spool', 'data'].map((name) => join(home, name)) as [string, string, string];
  for (const folder of [etc, spool, data]) await mkdir(folder, { recursive: true });
  // Its processes run as another user, who must be able to pass through.
  await run('chmod', ['755', scenario.folder, home]);
  await run('chown', ['postfix', data]);
  if (existsSync('/etc/postfix/dynamicmaps.cf')) await cp('/etc/postfix/dynamicmaps.cf', join(etc, 'dynamicmaps.cf'));
  const { stdout: daemons } = await run('/usr/sbin/postconf', ['-d', '-h', 'daemon_directory']);
  await writeFile(
    join(etc, 'main.cf'),
    [
      'compatibility_level = 3.6',
      `queue_directory = ${spool}`,
      `data_directory = ${data}`,
      'command_directory = /usr/sbin',
      `daemon_directory = ${daemons.trim()}`,
      'mail_owner = postfix',
      'setgid_group = postdrop',
      'myhostname = postfix.scenario.example',
      'mydestination =',
      'local_recipient_maps =',
      'inet_interfaces = 127.0.0.1',
      'inet_protocols = ipv4',
      'mynetworks = 127.0.0.0/8',
      'smtpd_relay_restrictions = permit_mynetworks, reject',
      'smtp_dns_support_level = disabled',
      `relayhost = [${nextHop.host}]:${nextHop.port}`,
      'smtp_tls_security_level = none',
      `maillog_file = ${join(home, 'mail.log')}`,
      `maillog_file_prefixes = ${home}`,
      '',
    ].join('\n'),
  );
  const service = (name: string, limit: string, command = name): string => `${name} unix - - n - ${limit} ${command}`;
  const open = (name: string, wake: string, limit: string): string => `${name} unix n - n ${wake} ${limit} ${name}`;
  await writeFile(
    join(etc, 'master.cf'),
    [
      `127.0.0.1:${port} inet n - n - - smtpd`,
      open('pickup', '60', '1'),
      open('cleanup', '-', '0'),
      open('qmgr', '300', '1'),
      service('rewrite', '-', 'trivial-rewrite'),
      service('bounce', '0'),
      service('defer', '0', 'bounce'),
      service('trace', '0', 'bounce'),
      open('flush', '1000?', '0'),
      service('proxymap', '-'),
      service('smtp', '-'),
      service('relay', '-', 'smtp'),
      service('error', '-'),
      service('retry', '-', 'error'),
      service('anvil', '1'),
      service('scache', '1'),
      service('tlsmgr', '1'),
      'postlog unix-dgram n - n - 1 postlogd',
      '',
    ].join('\n'),
  );
  await run('/usr/sbin/postfix', ['-c', etc, 'start']);
  scenario.onEnd(async () => {
    const pid = Number(await readFile(join(spool, 'pid/master.pid'), 'utf8'));
    await run('/usr/sbin/postfix', ['-c', etc, 'stop']).catch(() => process.kill(pid, 'SIGKILL'));
  });
}
