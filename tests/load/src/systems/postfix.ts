import { existsSync, globSync, statSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '@mailyard/testkit/services/command';
import { freePort } from '@mailyard/testkit/services/free-port';
import { isListening, until } from '@mailyard/testkit/services/service-unit';
import { runInGroup } from '../run-in-group.ts';
import type { MailSystem, Plan, RunningSystem } from './system.ts';

const SBIN = '/usr/sbin';

/** Debian's Postfix in an instance of its own, as it ships but for what the notes in {@link mainCf} say. */
export const postfix: MailSystem = {
  name: 'postfix',
  warmUp: 500,
  async describe() {
    const version = (await runCommand(`${SBIN}/postconf`, ['-d', '-h', 'mail_version'])).trim();
    return { version, durability: 'the queue file of each message, by one fsync' };
  },
  async start(plan) {
    const home = join(plan.folder, 'postfix');
    const etc = join(home, 'etc');
    const port = await freePort();
    for (const name of ['etc', 'spool', 'data', 'log']) await mkdir(join(home, name), { recursive: true });
    await runCommand('chown', ['postfix', join(home, 'data')]);
    if (existsSync('/etc/postfix/dynamicmaps.cf')) await cp('/etc/postfix/dynamicmaps.cf', join(etc, 'dynamicmaps.cf'));
    const daemons = (await runCommand(`${SBIN}/postconf`, ['-d', '-h', 'daemon_directory'])).trim();
    await writeFile(join(etc, 'transport'), plan.routes.map(transportLine).join(''));
    await writeFile(join(etc, 'main.cf'), mainCf(home, daemons, plan.mode));
    await writeFile(join(etc, 'master.cf'), masterCf(port));
    await runCommand(`${SBIN}/postmap`, ['-c', etc, `hash:${join(etc, 'transport')}`]);
    await runInGroup(plan.group, `${SBIN}/postfix`, ['-c', etc, 'start']);
    await until(
      () => isListening(port),
      20_000,
      () => 'Postfix does not listen',
    );
    return running(plan, home, port);
  },
};

function running(plan: Plan, home: string, port: number): RunningSystem {
  const etc = join(home, 'etc');
  return {
    port,
    flush: async () => void (await runCommand(`${SBIN}/postqueue`, ['-c', etc, '-f'])),
    waiting: () =>
      Promise.resolve(
        globSync(join(home, 'spool/{incoming,active,deferred,hold,maildrop}/**')).filter((path) =>
          statSync(path, { throwIfNoEntry: false })?.isFile(),
        ).length,
      ),
    stop: () => runInGroup(plan.group, `${SBIN}/postfix`, ['-c', etc, 'stop']).catch(() => undefined),
  };
}

function transportLine({ domain, destinations }: Plan['routes'][number]): string {
  const hosts = destinations.map((destination) => destination.replace(/^(.*):(\d+)$/, '[$1]:$2'));
  return `${domain} smtp:${hosts.join(', ')}\n`;
}

/**
 * Not Postfix's defaults, and why: no DNS and no TLS, since the routes are static and Mailyard is measured without too;
 * `in_flow_delay = 0`, without which Postfix slows its clients by up to 20 %; a log file through postlogd; long retry
 * times, so that nothing but a flush tries again.
 */
function mainCf(home: string, daemons: string, mode: Plan['mode']): string {
  return [
    'compatibility_level = 3.6',
    `queue_directory = ${home}/spool`,
    `data_directory = ${home}/data`,
    `command_directory = ${SBIN}`,
    `daemon_directory = ${daemons}`,
    'mail_owner = postfix',
    'setgid_group = postdrop',
    'myhostname = mx.load.test',
    'mydestination =',
    'local_recipient_maps =',
    'inet_interfaces = 127.0.0.1',
    'inet_protocols = ipv4',
    'mynetworks = 127.0.0.0/8',
    'smtpd_relay_restrictions = permit_mynetworks, reject',
    'smtpd_peername_lookup = no',
    'smtpd_client_connection_count_limit = 0',
    'smtp_dns_support_level = disabled',
    'smtp_tls_security_level = none',
    `transport_maps = hash:${home}/etc/transport`,
    'in_flow_delay = 0',
    'minimal_backoff_time = 3600s',
    'maximal_backoff_time = 7200s',
    'queue_run_delay = 3600s',
    'biff = no',
    `maillog_file = ${home}/log/mail.log`,
    `maillog_file_prefixes = ${home}/log`,
    ...(mode === 'hold' ? ['smtpd_client_restrictions = static:HOLD'] : []),
    '',
  ].join('\n');
}

function masterCf(port: number): string {
  const service = (name: string, limit: string, command = name): string => `${name} unix - - n - ${limit} ${command}`;
  const open = (name: string, wake: string, limit: string): string => `${name} unix n - n ${wake} ${limit} ${name}`;
  return [
    `127.0.0.1:${port} inet n - n - 150 smtpd`,
    open('pickup', '60', '1'),
    open('cleanup', '-', '0'),
    open('qmgr', '300', '1'),
    open('flush', '1000?', '0'),
    open('showq', '-', '-'),
    service('rewrite', '-', 'trivial-rewrite'),
    ...['bounce', 'defer', 'trace'].map((name) => service(name, '0', 'bounce')),
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
  ].join('\n');
}
