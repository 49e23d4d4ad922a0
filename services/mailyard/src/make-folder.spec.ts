import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeFolder } from './make-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'mailyard-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a folder that the settings name', () => {
  it('is made with those above it, and may be there already', () => {
    const path = join(folder, 'a/b/c');
    makeFolder(path);
    makeFolder(path);
    makeFolder('/');
    expect(existsSync(path)).toBe(true);
  });

  it.each([
    ['/proc/mailyard', 'the folder /proc/mailyard cannot be made: ENOENT'],
    ['/proc/mailyard/data', 'the folder /proc/mailyard cannot be made: ENOENT'],
  ])('%s is refused at once', (path, message) => {
    expect(() => makeFolder(path)).toThrow(message);
  });

  it('is refused where a file is in its place, or above it', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(() => makeFolder(file)).toThrow(`the folder ${file} cannot be made: it is there and is no folder`);
    expect(() => makeFolder(join(file, 'data'))).toThrow('cannot be made: ENOTDIR');
  });
});
