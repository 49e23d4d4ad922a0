import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DraftStore } from './draft-store.ts';
import { FirstCode } from './first-code.ts';
import { hashPassword, isPassword, isPasswordHash } from './password-hash.ts';
import { SessionFile } from './session-file.ts';
import { csrfTokenOf, Sessions } from './sessions.ts';
import { UserFile } from './user-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailyard-users-'));
});
afterAll(() => rm(folder, { recursive: true }));

const user = { name: 'ada', role: 'reader', password: 'scrypt of a secret' } as const;

describe('sessions', () => {
  it('end when nobody came for a while, and at the latest after their longest time', async () => {
    const sessions = new Sessions({ idleMs: 100, longestMs: 1_000 });
    const { id, session } = await sessions.begin(user, 0);
    for (let now = 90; now < 1_000; now += 90) expect(sessions.find(id, now)).toBe(session);
    expect(sessions.find(id, 1_001)).toBeUndefined();
    const idle = await sessions.begin(user, 2_000);
    expect(sessions.find(idle.id, 2_101)).toBeUndefined();
  });

  it('are as many as one person may have, the oldest going first', async () => {
    const sessions = new Sessions();
    const begun: string[] = [];
    for (let number = 0; number < 21; number++) begun.push((await sessions.begin(user, number)).id);
    expect(sessions.find(begun[0]!, 100)).toBeUndefined();
    expect(begun.slice(1).every((id) => sessions.find(id, 100) !== undefined)).toBe(true);
    expect(new Set(begun).size).toBe(21);
  });
});

describe('sessions in a file', () => {
  const open = async (file: string, now: number, report: (error: unknown) => void = () => undefined) => {
    const sessions = new Sessions({ idleMs: 1_000, longestMs: 10_000 }, new SessionFile(file, report));
    await sessions.load(now);
    return sessions;
  };

  it('go on after a restart, and those that ended do not', async () => {
    const file = join(folder, 'web', 'sessions.json');
    const before = await open(file, 0);
    const [kept, left] = [await before.begin(user, 0), await before.begin(user, 0)];
    await before.end(left.id, 100);
    const after = await open(file, 500);
    expect(after.find(kept.id, 500)).toMatchObject({ user: 'ada', beganAt: 0 });
    expect(after.find(left.id, 500)).toBeUndefined();
    expect((await open(file, 1_101)).find(kept.id, 1_101)).toBeUndefined();
  });

  it('that its owner alone may read, and that lets nobody in', async () => {
    const file = join(folder, 'web', 'sessions.json');
    const { id } = await (await open(file, 0)).begin(user, 0);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const content = await readFile(file, 'utf8');
    for (const secret of [id, csrfTokenOf(id), user.password]) expect(content).not.toContain(secret);
  });

  it('are lost with a file that is not understood or cannot be written, and signing in still works', async () => {
    const reports: unknown[] = [];
    const file = join(folder, 'damaged.json');
    await writeFile(file, '{"sessions":[{"key":1}]}');
    const sessions = await open(file, 0, (error) => reports.push(error));
    expect(reports).toHaveLength(1);
    await rm(file);
    await writeFile(join(folder, 'no-folder'), '');
    const nowhere = await open(join(folder, 'no-folder', 'sessions.json'), 0, (error) => reports.push(error));
    const { id } = await nowhere.begin(user, 0);
    expect(nowhere.find(id, 1)).toBeDefined();
    expect(reports.length).toBeGreaterThan(1);
    expect(sessions.find(id, 1)).toBeUndefined();
  });

  it('are written one after the other, the newest last, however many begin at once', async () => {
    const file = join(folder, 'many.json');
    const before = await open(file, 0);
    const begun = await Promise.all(Array.from({ length: 15 }, () => before.begin(user, 0)));
    const after = await open(file, 1);
    expect(begun.every(({ id }) => after.find(id, 1) !== undefined)).toBe(true);
  });
});

describe('passwords', () => {
  it('are kept as hashes that only they fit, in any way of writing the same letters', async () => {
    const hash = await hashPassword('Caf\u00E9 horse battery');
    expect(isPasswordHash(hash)).toBe(true);
    expect(hash).not.toContain('horse');
    expect(await isPassword('Cafe\u0301 horse battery', hash)).toBe(true);
    expect(await isPassword('cafe horse battery', hash)).toBe(false);
    expect(await isPassword('', undefined)).toBe(false);
    expect(isPasswordHash(hash.replace(/^scrypt\$\d+/, 'scrypt$1024'))).toBe(false);
  });
});

describe('the code of the first start', () => {
  it('is another each time and is read as it is typed', () => {
    const code = new FirstCode();
    expect(code.text).toMatch(/^[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}$/);
    expect(code.isSame(code.text.toLowerCase().replaceAll('-', '  '))).toBe(true);
    expect(code.isSame('')).toBe(false);
    expect(new FirstCode().text).not.toBe(code.text);
  });
});

describe('the file of users', () => {
  it('is readable by its owner alone, and takes what others wrote into it', async () => {
    const file = join(folder, 'users.json');
    const [one, other] = [new UserFile(file), new UserFile(file)];
    expect((await other.users()).size).toBe(0);
    await one.set('ada', 'operator', 'correct horse battery');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).not.toContain('horse');
    expect((await other.users()).get('ada')).toMatchObject({ role: 'operator' });
    await Promise.all([one.set('b', 'reader', 'x'.repeat(12)), one.set('c', 'reader', 'x'.repeat(12))]);
    expect(await one.remove('ada')).toBe(true);
    expect(await one.remove('ada')).toBe(false);
    expect([...(await new UserFile(file).users()).keys()].sort()).toEqual(['b', 'c']);
    expect(await one.setFirst('late', 'x'.repeat(12))).toBe(false);
  });

  it('lets nobody in when it is not understood', async () => {
    const file = join(folder, 'bad.json');
    for (const content of [
      '',
      '[]',
      '{"users": {}}',
      '{"users": [{"name": "a b", "role": "reader", "password": "x"}]}',
      '{"users": [{"name": "a", "role": "root", "password": "x"}]}',
      '{"users": [{"name": "a", "role": "reader", "password": "plain"}]}',
    ]) {
      await writeFile(file, content);
      await expect(new UserFile(file).users()).rejects.toMatchObject({ code: 'USERS_UNREADABLE' });
    }
  });

  it('says so when it cannot be written', async () => {
    await writeFile(join(folder, 'plain'), '');
    const users = new UserFile(join(folder, 'plain', 'users.json'));
    await expect(users.set('a', 'reader', 'x'.repeat(12))).rejects.toMatchObject({
      code: expect.stringMatching(/^USERS_/),
    });
  });
});

describe('pending changes', () => {
  it('outlive the process, one after the other under each name', async () => {
    const store = new DraftStore(join(folder, 'pending'));
    const operations = [{ kind: 'matchingMode', mode: 'dotted' }] as const;
    expect(await store.of('../../etc')).toBeUndefined();
    await store.put('../../etc', { baseVersion: 7, operations });
    expect(await new DraftStore(join(folder, 'pending')).of('../../etc')).toEqual({ baseVersion: 7, operations });
    const order: number[] = [];
    await Promise.all([
      store.exclusively('a', async () => {
        await new Promise((resolve) => setImmediate(resolve));
        order.push(1);
      }),
      store.exclusively('a', () => Promise.resolve(order.push(2))),
    ]);
    expect(order).toEqual([1, 2]);
    await store.drop('../../etc');
    expect(await new DraftStore(join(folder, 'pending')).of('../../etc')).toBeUndefined();
  });
});
