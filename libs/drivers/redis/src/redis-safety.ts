import type { Redis } from 'ioredis';
import { isRefusal } from './redis-link.ts';

/** WAITAOF came with it. */
const FIRST_WITH_WAITAOF = [7, 2];

/** What makes a Redis unsafe for a configuration log, each in a sentence; empty when nothing does. */
export async function safetyComplaints(client: Redis): Promise<string[]> {
  const info = await answerOf(() => client.info());
  const fsync = (await answerOf(() => client.config('GET', 'appendfsync')))?.at(1);
  const complaints: string[] = [];
  if (info === undefined)
    complaints.push('INFO is denied: what this Redis promises cannot be seen, nor whether it has replicas');
  else complaints.push(...complaintsOf(info));
  if (fsync === undefined) complaints.push('CONFIG GET appendfsync is denied: it must be always');
  else if (fsync !== 'always')
    complaints.push(`appendfsync is ${fsync}: commits of the last moment could be lost; set it to always`);
  return complaints;
}

/** How many replicas are connected; none where Redis does not say, of which {@link safetyComplaints} complains. */
export async function replicaCount(client: Redis): Promise<number> {
  const info = await answerOf(() => client.info('replication'));
  return Number(valueOf(info ?? '', 'connected_slaves') ?? 0);
}

function complaintsOf(info: string): string[] {
  const complaints: string[] = [];
  if (valueOf(info, 'aof_enabled') !== '1')
    complaints.push('appendonly is no: what was committed would be lost with the process; set it to yes');
  const policy = valueOf(info, 'maxmemory_policy');
  if (policy?.startsWith('allkeys-'))
    complaints.push(`maxmemory-policy is ${policy}: Redis may evict the configuration; set it to noeviction`);
  const version = valueOf(info, 'redis_version') ?? '0';
  if (Number(valueOf(info, 'connected_slaves')) > 0 && isBefore(version, FIRST_WITH_WAITAOF))
    complaints.push(`Redis ${version} cannot wait for the files of its replicas; use 7.2 or newer with replicas`);
  return complaints;
}

/** Undefined where this user may not ask. */
async function answerOf<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isRefusal(error) && error.message.startsWith('NOPERM')) return undefined;
    throw error;
  }
}

function valueOf(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
}

function isBefore(version: string, [major = 0, minor = 0]: readonly number[]): boolean {
  const [ours = 0, ourMinor = 0] = version.split('.').map(Number);
  return ours < major || (ours === major && ourMinor < minor);
}
