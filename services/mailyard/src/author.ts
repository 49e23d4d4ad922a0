import { userInfo } from 'node:os';
import type { CommandIo } from './io.ts';

/** Who changes the configuration, for the history: as said, else the user of this machine; the gateway adds whom it knows. */
export function authorOf(said: string | undefined, env: CommandIo['env']): string {
  return said ?? env['USER'] ?? env['LOGNAME'] ?? userName();
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user without an entry in the system's list, as in many containers.
    return '';
  }
}
