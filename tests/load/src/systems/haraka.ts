import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync } from 'node:fs';
import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '@mailyard/testkit/services/command';
import { freePort } from '@mailyard/testkit/services/free-port';
import { servicesCache, underInstallLock } from '@mailyard/testkit/services/install-lock';
import { isListening, until } from '@mailyard/testkit/services/service-unit';
import type { MailSystem, Plan } from './system.ts';

const VERSION = '3.3.4';
const HOME = (): string => join(servicesCache(), `haraka-${VERSION}`);
const PACKAGE = (): string => join(HOME(), 'node_modules/Haraka');
/** As many as Postfix and Mailyard open to a destination, over all workers. */
const CONNECTIONS = 20;
const STOPS_WITHIN_MS = 10_000;

/**
 * Haraka from npm, as it ships but for this: one worker a core, static routes by a plugin in place of the DNS, no TLS,
 * relaying for everybody, at most 20 deliveries at once, long retry times.
 */
export const haraka: MailSystem = {
  name: 'haraka',
  warmUp: 500,
  prepare: () =>
    underInstallLock(async () => {
      if (existsSync(PACKAGE())) return;
      // Elsewhere first: what was not installed to its end is never taken for the whole.
      const folder = `${HOME()}.new`;
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'package.json'), '{"private":true}');
      await runCommand('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', `Haraka@${VERSION}`]);
      await rename(folder, HOME());
    }),
  describe: () =>
    Promise.resolve({
      version: `${VERSION} on Node ${process.version}`,
      durability: 'a queue file of each message and destination domain, by one fsync; not its folder',
    }),
  async start(plan) {
    const home = join(plan.folder, 'haraka');
    const port = await freePort();
    await configure(home, port, plan);
    const [shell, ...words] = plan.group.wrap(process.execPath, [join(PACKAGE(), 'bin/haraka'), '-c', home]);
    const log = openSync(join(plan.folder, 'haraka.log'), 'a');
    const child = spawn(shell, words, {
      cwd: home,
      env: { ...process.env, HARAKA: home },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    await until(
      () => {
        if (child.exitCode !== null) throw new Error(`Haraka ended with ${child.exitCode}`);
        return isListening(port);
      },
      30_000,
      () => 'Haraka does not listen',
    );
    return {
      port,
      flush: () => {
        for (const pid of plan.group.pids()) if (pid !== child.pid) process.kill(pid, 'SIGUSR2');
        return Promise.resolve();
      },
      waiting: () => Promise.resolve(readdirSync(join(home, 'queue')).filter((name) => !name.startsWith('.')).length),
      stop: () => stop(child),
    };
  },
};

async function configure(home: string, port: number, { mode, routes }: Plan): Promise<void> {
  for (const name of ['plugins', 'queue']) await mkdir(join(home, name), { recursive: true });
  await cp(join(PACKAGE(), 'config'), join(home, 'config'), { recursive: true });
  const workers = availableParallelism();
  const hosts = routes.map(({ domain, destinations: [first = ''] }) => {
    const at = first.lastIndexOf(':');
    return [domain, { priority: 0, exchange: first.slice(0, at), port: Number(first.slice(at + 1)) }];
  });
  const files: Readonly<Record<string, readonly string[]>> = {
    'config/me': ['mx.load.test'],
    'config/plugins': ['load_route'],
    'config/smtp.ini': [`listen=127.0.0.1:${port}`, `nodes=${workers}`],
    'config/log.ini': ['[main]', 'level=info', 'timestamps=true'],
    'config/outbound.ini': [
      `disabled=${mode === 'hold'}`,
      `concurrency_max=${Math.max(1, Math.floor(CONNECTIONS / workers))}`,
      'enable_tls=false',
      'local_mx_ok=true',
      'temp_fail_intervals=1h*10',
    ],
    'plugins/load_route.js': [
      `const hosts = new Map(${JSON.stringify(hosts)});`,
      "exports.hook_lookup_rdns = (next) => next(OK, 'localhost');",
      'exports.hook_mail = (next, connection) => { connection.relaying = true; next(OK); };',
      'exports.hook_rcpt = (next) => next(OK);',
      'exports.hook_get_mx = (next, mail, domain) => next(OK, hosts.get(domain));',
      `const { flush_queue } = require(${JSON.stringify(join(PACKAGE(), 'outbound'))});`,
      "exports.register = () => process.on('SIGUSR2', () => flush_queue());",
    ],
  };
  for (const [name, lines] of Object.entries(files)) await writeFile(join(home, name), `${lines.join('\n')}\n`);
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  for (const end = Date.now() + STOPS_WITHIN_MS; Date.now() < end; await sleep(50))
    if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
}
