import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProgram } from './served-routing.suite.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailyard-user-'));
});
afterEach(() => rm(folder, { recursive: true }));

const user = (words: readonly string[], input = '') => runProgram(['user', ...words, '--data', folder], folder, input);

describe('mailyard user', () => {
  it('sets, lists and removes those who may sign in', async () => {
    expect((await user(['list'])).stderr).toBe('nobody can sign in\n');
    expect((await user(['set', 'ada'], 'correct horse battery\n')).status).toBe(0);
    expect((await user(['set', 'bob', '--role', 'operator'], 'correct horse battery\n')).status).toBe(0);
    expect((await user(['set', 'bob'], 'another horse battery\n')).stderr).toContain('bob can sign in as operator');
    expect((await user(['list'])).stdout).toBe('ada  administrator\nbob  operator\n');
    expect(JSON.parse((await user(['list', '--json'])).stdout)).toEqual([
      { name: 'ada', role: 'administrator' },
      { name: 'bob', role: 'operator' },
    ]);
    expect((await user(['remove', 'ada'])).status).toBe(0);
    expect((await user(['remove', 'ada'])).status).toBe(1);
  });

  it('refuses a short password, a wrong name and a wrong role', async () => {
    expect((await user(['set', 'ada'], 'short\n')).status).toBe(1);
    expect((await user(['set', 'ada'], '')).status).toBe(1);
    expect((await user(['set', '../ada'], 'correct horse battery\n')).status).toBe(64);
    expect((await user(['set', 'ada', '--role', 'root'], 'correct horse battery\n')).status).toBe(64);
    expect((await user([])).status).toBe(64);
    expect((await user(['list', '--role', 'reader'])).status).toBe(64);
    expect(
      (await user(['set', 'bob', '--role', 'reader', '--role', 'operator'], 'correct horse battery\n')).status,
    ).toBe(64);
  });
});
