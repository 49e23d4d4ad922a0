import { execFileSync } from 'node:child_process';
import { chmod, lstat, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeWhole } from './whole-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailyard-'));
});
afterEach(() => rm(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const write = (name: string): Promise<void> => writeWhole(at(name), Buffer.from('new\n'));
const modeOf = async (name: string): Promise<number> => (await stat(at(name))).mode & 0o777;

describe('a file that is written whole', () => {
  it('takes the place of what was there, and leaves nothing beside it', async () => {
    await write('new');
    await writeFile(at('old'), 'old, and longer\n');
    await write('old');
    expect(await readFile(at('new'), 'utf8')).toBe('new\n');
    expect(await readFile(at('old'), 'utf8')).toBe('new\n');
    expect((await readdir(folder)).sort()).toEqual(['new', 'old']);
  });

  it('stays readable by those who could read it before, and by nobody else', async () => {
    for (const mode of [0o600, 0o664]) {
      await writeFile(at('old'), 'old\n');
      await chmod(at('old'), mode);
      await write('old');
      expect(await modeOf('old')).toBe(mode);
    }
  });

  it('is written where a symbolic link leads, and the link stays', async () => {
    await writeFile(at('old'), 'old\n');
    await symlink('old', at('link'));
    await write('link');
    expect((await lstat(at('link'))).isSymbolicLink()).toBe(true);
    expect(await readFile(at('old'), 'utf8')).toBe('new\n');
  });

  it('never takes the place of a pipe or device: that gets the octets', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    await symlink('pipe', at('link'));
    for (const name of ['pipe', 'link']) {
      const [read] = await Promise.all([readFile(at(name), 'utf8'), write(name)]);
      expect(read).toBe('new\n');
    }
    expect((await lstat(at('pipe'))).isFIFO()).toBe(true);
    expect((await readdir(folder)).sort()).toEqual(['link', 'pipe']);
  });

  it('says which file could not be written, and why', async () => {
    await expect(writeWhole(folder, Buffer.from('new\n'))).rejects.toThrow(`${folder} cannot be written: EISDIR`);
    await expect(write('none/new')).rejects.toThrow(`${at('none/new')} cannot be written: ENOENT`);
    expect(await readdir(folder)).toEqual([]);
  });
});
