import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProgram } from './served-routing.suite.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailyard-smtp-user-'));
});
afterEach(() => rm(folder, { recursive: true }));

const smtpUser = (words: readonly string[], input = '') =>
  runProgram(['smtp-user', ...words, '--data', folder], folder, input);

describe('mailyard smtp-user', () => {
  it('sets, lists and removes those who may authenticate, and shows no secret (R153)', async () => {
    expect((await smtpUser(['list'])).stderr).toBe('nobody can authenticate\n');
    expect((await smtpUser(['set', 'ada@example.com'], 'correct horse battery\n')).stderr).toBe(
      'ada@example.com can authenticate\n',
    );
    expect((await smtpUser(['set', 'bob'], 'correct horse battery\n')).status).toBe(0);
    expect((await smtpUser(['list'])).stdout).toBe('ada@example.com\nbob\n');
    expect((await smtpUser(['list', '--json'])).stdout).toBe('[{"name":"ada@example.com"},{"name":"bob"}]\n');
    const content = await readFile(join(folder, 'smtp-users.json'), 'utf8');
    expect(content).not.toContain('horse');
    expect((await smtpUser(['remove', 'bob'])).status).toBe(0);
    expect((await smtpUser(['remove', 'bob'])).status).toBe(1);
  });

  it('refuses a short password, a wrong name and a role', async () => {
    expect((await smtpUser(['set', 'ada'], 'short\n')).status).toBe(1);
    expect((await smtpUser(['set', 'a b'], 'correct horse battery\n')).status).toBe(64);
    expect((await smtpUser(['set', 'ada', '--role', 'reader'], 'correct horse battery\n')).status).toBe(64);
    expect((await smtpUser(['forget', 'ada'])).status).toBe(64);
  });
});
