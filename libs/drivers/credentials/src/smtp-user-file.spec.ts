import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isPasswordOf } from './scram.ts';
import { SmtpUserFile } from './smtp-user-file.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailyard-smtp-users-'));
  file = join(folder, 'below', 'smtp-users.json');
});
afterEach(() => rm(folder, { recursive: true }));

describe('the file of the users of SMTP', () => {
  it('holds no password, and its owner alone may read it (R153)', async () => {
    const users = new SmtpUserFile(file);
    await users.set('ada', 'correct horse battery');
    const { isKnown, keys } = await users.account('ada');
    expect([isKnown, await isPasswordOf(keys, 'correct horse battery')]).toEqual([true, true]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).not.toContain('horse');
  });

  it('tells names that nobody has from others by nothing that a client sees, in all processes', async () => {
    const users = new SmtpUserFile(file);
    const empty = await users.account('bob');
    expect(empty).toEqual(await users.account('bob'));
    await users.set('ada', 'correct horse battery');
    const { isKnown, keys } = await users.account('bob');
    expect(isKnown).toBe(false);
    expect(keys.iterations).toBe((await users.account('ada')).keys.iterations);
    expect(keys.salt).toHaveLength((await users.account('ada')).keys.salt.length);
    expect((await new SmtpUserFile(file).account('bob')).keys).toEqual(keys);
  });

  it('lets nobody in while it cannot be understood', async () => {
    const users = new SmtpUserFile(file);
    await users.set('ada', 'correct horse battery');
    await writeFile(file, '{"users":[{"name":"ada","verifier":"plain"}]}');
    await expect(new SmtpUserFile(file).account('ada')).rejects.toMatchObject({
      code: 'USERS_UNREADABLE',
      message: expect.stringContaining('users[0].verifier is none of ours'),
    });
  });
});
