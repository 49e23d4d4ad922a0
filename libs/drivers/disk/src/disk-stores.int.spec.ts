import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bodyKey } from '@mailyard/queue';
import { describeBodyStore } from '@mailyard/testkit/body-store.suite';
import { describeConfigurationLog } from '@mailyard/testkit/configuration-log.suite';
import { sampleMessageId } from '@mailyard/testkit/sample-records';
import { afterEach, describe, expect, it } from 'vitest';
import { DiskBodyStore } from './disk-body-store.ts';
import { DiskConfigurationLog } from './disk-configuration-log.ts';
import { diskShare } from './disk-share.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'mailyard-store-'));
  folders.push(made);
  return made;
}

describeConfigurationLog('disk', async () => {
  const path = join(await folder(), 'configuration.db');
  let log = DiskConfigurationLog.open(path);
  return {
    log,
    restart: async () => {
      await log.close();
      log = DiskConfigurationLog.open(path);
      return log;
    },
    dispose: () => log.close(),
  };
});

describeBodyStore('disk', async () => {
  const directory = await folder();
  const store = await DiskBodyStore.open(directory);
  return { store, restart: () => DiskBodyStore.open(directory), dispose: () => store.close() };
});

describe('bodies on disk', () => {
  it('removes at its start what an interrupted put left', async () => {
    const directory = await folder();
    await mkdir(join(directory, 'incoming'));
    await writeFile(join(directory, 'incoming', '1'), 'half a bo');
    await DiskBodyStore.open(directory);
    expect(await readdir(join(directory, 'incoming'))).toEqual([]);
  });

  it('leaves no temporary file behind, whether a put ends well or not', async () => {
    const directory = await folder();
    const store = await DiskBodyStore.open(directory);
    await store.put(bodyKey(0, sampleMessageId(1), 0), [Buffer.alloc(10)]);
    function* broken(): Generator<Uint8Array> {
      yield Buffer.alloc(10);
      throw new Error('gone');
    }
    await expect(store.put(bodyKey(0, sampleMessageId(2), 0), broken())).rejects.toThrow('gone');
    expect(await readdir(join(directory, 'incoming'))).toEqual([]);
  });

  it('says that it is away when its directory is gone', async () => {
    const directory = await folder();
    const store = await DiskBodyStore.open(directory);
    await rm(directory, { recursive: true });
    await expect(store.check()).rejects.toMatchObject({ code: 'BODY_STORE_AWAY' });
    await expect(store.put(bodyKey(0, sampleMessageId(1), 0), [Buffer.alloc(1)])).rejects.toMatchObject({
      code: 'BODY_STORE_AWAY',
    });
  });
});

describe('configuration log on disk', () => {
  it('refuses a file that is no database', async () => {
    const path = join(await folder(), 'configuration.db');
    await writeFile(path, 'mailyard '.repeat(1000));
    expect(() => DiskConfigurationLog.open(path)).toThrow(expect.objectContaining({ code: 'STORE_DAMAGED' }));
  });
});

describe('disk share', () => {
  it('lies between 0 and 1', async () => {
    const share = await diskShare(tmpdir());
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThanOrEqual(1);
  });
});
