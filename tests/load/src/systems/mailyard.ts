import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '@mailyard/testkit/services/command';
import { until } from '@mailyard/testkit/services/service-unit';
import type { MailSystem, Plan, RunningSystem } from './system.ts';

export const MAILYARD_PROGRAM = join(import.meta.dirname, '../../../../bin/mailyard');
const READY_WITHIN_MS = 60_000;

/** Mailyard as it ships: one process, embedded stores, mail log, metrics and tracking on. */
export const mailyard: MailSystem = {
  name: 'mailyard',
  warmUp: 6_000,
  async describe() {
    const version = (await runCommand(MAILYARD_PROGRAM, ['--version'])).trim();
    return { version, durability: 'one synced write of a whole group of acceptances' };
  },
  async start(plan) {
    const roles = plan.mode === 'hold' ? ['--roles', 'ingress,routing,admin'] : [];
    const accepts = plan.routes.flatMap((route) => ['--accept', `${route.domain}=${route.destinations.join(',')}`]);
    const words = ['--data', join(plan.folder, 'data'), '--smtp', '127.0.0.1:0', ...roles, ...accepts];
    return await startMailyard(plan, 'mailyard', words);
  },
};

/** A `mailyard start` that runs in a measured group. */
export interface RunningMailyard extends RunningSystem {
  /** `host:port` of its gRPC services. */
  readonly grpc: string;
  readonly http: string;
}

/**
 * Starts one process in the plan's group; what it prints, its mail log too, goes into a file of the plan's folder.
 *
 * @param name of that file
 */
export async function startMailyard(
  { group, folder, environment }: Plan,
  name: string,
  words: readonly string[],
): Promise<RunningMailyard> {
  const output = join(folder, `${name}.log`);
  const log = openSync(output, 'a');
  const free = ['--grpc', '127.0.0.1:0', '--http', '127.0.0.1:0'];
  const [shell, ...wrapped] = group.wrap(MAILYARD_PROGRAM, ['start', ...free, ...words]);
  const child = spawn(shell, wrapped, {
    cwd: folder,
    env: { ...process.env, ...environment },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let ready: string | undefined;
  await until(
    () => {
      const text = readFileSync(output, 'utf8');
      if (child.exitCode !== null) throw new Error(`mailyard ended with ${child.exitCode}: ${text.slice(-2000)}`);
      ready = /^mailyard ready (.*)$/m.exec(text)?.[1];
      return Promise.resolve(ready !== undefined);
    },
    READY_WITHIN_MS,
    () => `mailyard did not become ready: ${readFileSync(output, 'utf8').slice(-2000)}`,
  );
  const addresses = new Map(ready!.split(' ').map((word) => word.split('=', 2) as [string, string]));
  const grpc = addresses.get('grpc') ?? '';
  const command = (...given: string[]): Promise<string> => runCommand(MAILYARD_PROGRAM, [...given, '--server', grpc]);
  return {
    port: Number(addresses.get('smtp')?.split(':').at(-1)),
    grpc,
    http: addresses.get('http') ?? '',
    flush: async () => void (await command('queue', 'retry', '--all')),
    waiting: async () => (JSON.parse(await command('queue', 'status', '--json')) as { waiting: number }).waiting,
    stop: () => endProcess(child),
  };
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
