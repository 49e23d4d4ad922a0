import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { MeasuredGroup } from './measured-group.ts';

/**
 * Runs a command to its end inside a measured group; what it forks stays there.
 *
 * @throws Error when it fails
 */
export async function runInGroup(group: MeasuredGroup, command: string, parameters: readonly string[]): Promise<void> {
  const [shell, ...words] = group.wrap(command, parameters);
  // A daemon that it leaves behind keeps inherited outputs open: it gets none of ours.
  const child = spawn(shell, words, { stdio: 'ignore', detached: true });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`${command} ${parameters.join(' ')} ended with ${status}`);
}
