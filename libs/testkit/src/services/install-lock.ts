import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where what was downloaded or built for the tests is kept between runs. */
export function servicesCache(): string {
  return process.env['MAILYARD_SERVICES_CACHE'] ?? join(homedir(), '.cache', 'mailyard');
}

/**
 * Runs one installation at a time on this machine, whatever the process. The lock is one of the file system, so it goes
 * with the process that holds it, also after `kill -9`.
 */
export async function underInstallLock<T>(work: () => Promise<T>): Promise<T> {
  await mkdir(servicesCache(), { recursive: true });
  const lock = new DatabaseSync(join(servicesCache(), 'install.lock'));
  try {
    while (!taken(lock)) await sleep(200);
    return await work();
  } finally {
    lock.close();
  }
}

function taken(lock: DatabaseSync): boolean {
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.includes('locked')) return false;
    throw error;
  }
}
