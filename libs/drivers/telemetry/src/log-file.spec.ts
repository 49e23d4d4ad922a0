import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LogFile, ROTATION } from './log-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'log-file-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const fail = (error: Error): void => {
  throw error;
};

describe('log file', () => {
  it('writes lines soon, in order, and all of them by the time it is closed', async () => {
    const path = join(folder, 'log', 'mail.log');
    const file = new LogFile(path, ROTATION, fail);
    file.write('first');
    await vi.waitFor(() => expect(readFileSync(path, 'utf8')).toBe('first\n'));
    for (let i = 0; i < 20_000; i++) file.write(`line ${i}`);
    await file.close();
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(20_001);
    expect(lines.at(-1)).toBe('line 19999');
  });

  it('goes on in a new file after the old one was moved away', async () => {
    const path = join(folder, 'mail.log');
    const file = new LogFile(path, ROTATION, fail);
    file.write('before');
    renameSync(path, `${path}.old`);
    file.reopen();
    file.write('after');
    await file.close();
    expect(readFileSync(`${path}.old`, 'utf8')).toBe('before\n');
    expect(readFileSync(path, 'utf8')).toBe('after\n');
  });

  it('rotates by size and keeps as many as it should', async () => {
    const path = join(folder, 'mail.log');
    const file = new LogFile(path, { rotateOctets: 1_000, keep: 2 }, fail);
    for (let round = 0; round < 4; round++) {
      file.write(`${round}`.repeat(70_000));
      await vi.waitFor(() => expect(readFileSync(`${path}.1`, 'utf8')[0]).toBe(`${round}`));
    }
    await file.close();
    expect(readFileSync(`${path}.2`, 'utf8')[0]).toBe('2');
    expect(existsSync(`${path}.3`)).toBe(false);
  });
});
