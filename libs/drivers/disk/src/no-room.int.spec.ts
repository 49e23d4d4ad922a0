import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const directory = mkdtempSync(join(tmpdir(), 'mailyard-room-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Runs a command in a mount namespace of its own, with a file system of 2 MiB on the directory. */
function onSmallDisk(...command: string[]) {
  const script = 'mount -t tmpfs -o size=2m none "$0" && exec "$@"';
  return spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'sh', '-c', script, directory, ...command], {
    encoding: 'utf8',
  });
}

const isPossible = onSmallDisk('true').status === 0;

describe('stores on a full disk', () => {
  it.skipIf(!isPossible)('refuse what has no room, keep what they had, and go on once there is room (fault 24)', () => {
    const { stdout, stderr } = onSmallDisk(process.execPath, join(import.meta.dirname, 'no-room.suite.ts'), directory);
    expect(stderr).toBe('');
    const result = JSON.parse(stdout) as { end: number; share: number };
    expect(result).toMatchObject({
      full: 'LOG_REFUSED',
      small: 'LOG_REFUSED',
      reopened: { start: 0, end: result.end },
      trimmed: 'done',
      after: 'done',
      put: 'BODY_STORE_FULL',
      missing: 'BODY_MISSING',
      left: [],
    });
    expect(result.end).toBeGreaterThan(20);
    expect(result.share).toBeGreaterThan(0.9);
  });
});
