import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Role, ROLES } from '@mailyard/grpc';
import { MtaError } from '@mailyard/mail';
import { hashPassword, isPasswordHash } from './password-hash.ts';
import { writePrivateFile } from './private-file.ts';

/** Somebody who may sign in to the page. */
export interface User {
  readonly name: string;
  readonly role: Role;
  /** As `hashPassword` makes it. */
  readonly password: string;
}

export const USER_NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
export const SHORTEST_PASSWORD = 12;
/**
 * The file is looked at again after so long; who was taken out of it is out within that time. While nobody is known it is
 * looked at each time: who has just made the first user wants to sign in, not to be asked for the first one.
 */
const LOOK_MS = 1_000;

/**
 * The users of the page, in a file of JSON that only its owner may read: `{"users": [{name, role, password}]}`.
 *
 * It may be changed while the gateway runs, by `mailyard user` or a mounted secret. A file that cannot be understood
 * lets nobody in.
 */
export class UserFile {
  readonly file: string;
  #users: ReadonlyMap<string, User> = new Map();
  #mark = '';
  #lookedAt = -Infinity;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(file: string) {
    this.file = file;
  }

  /** The users now. @throws MtaError `USERS_UNREADABLE` */
  async users(): Promise<ReadonlyMap<string, User>> {
    const now = performance.now();
    if (this.#users.size > 0 && now - this.#lookedAt < LOOK_MS) return this.#users;
    await this.#read();
    this.#lookedAt = now;
    return this.#users;
  }

  /** Adds a user, or changes the role and password of one. @throws MtaError `USERS_UNREADABLE`, `USERS_READ_ONLY` */
  async set(name: string, role: Role, password: string): Promise<void> {
    const hash = await hashPassword(password);
    await this.#change((users) => users.set(name, { name, role, password: hash }));
  }

  /** Makes the first user. @returns false when there is one already */
  async setFirst(name: string, password: string): Promise<boolean> {
    const hash = await hashPassword(password);
    return this.#change((users) => {
      if (users.size > 0) return false;
      users.set(name, { name, role: 'administrator', password: hash });
      return true;
    });
  }

  /** @returns false when there is no such user */
  remove(name: string): Promise<boolean> {
    return this.#change((users) => users.delete(name));
  }

  #change<T>(edit: (users: Map<string, User>) => T): Promise<T> {
    const changed = this.#writing.then(async () => {
      await this.#read();
      const users = new Map(this.#users);
      const result = edit(users);
      if (result !== false) await this.#write([...users.values()]);
      return result;
    });
    this.#writing = changed.catch(() => undefined);
    return changed;
  }

  async #read(): Promise<void> {
    let content: string;
    try {
      const { mtimeMs, size, ino } = await stat(this.file);
      const mark = `${mtimeMs} ${size} ${ino}`;
      if (mark === this.#mark) return;
      content = await readFile(this.file, 'utf8');
      this.#users = readUsers(content, this.file);
      this.#mark = mark;
    } catch (error) {
      this.#users = new Map();
      this.#mark = '';
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      if (error instanceof MtaError) throw error;
      throw new MtaError('USERS_UNREADABLE', `${this.file} cannot be read`, { cause: error });
    }
  }

  async #write(users: readonly User[]): Promise<void> {
    try {
      await mkdir(dirname(this.file), { recursive: true });
      await writePrivateFile(this.file, `${JSON.stringify({ users }, undefined, 2)}\n`);
    } catch (error) {
      throw new MtaError('USERS_READ_ONLY', `${this.file} cannot be written`, { cause: error });
    }
    this.#mark = '';
    await this.#read();
  }
}

function readUsers(content: string, file: string): Map<string, User> {
  const users = new Map<string, User>();
  const refuse = (problem: string): never => {
    throw new MtaError('USERS_UNREADABLE', `${file}: ${problem}`);
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch {
    return refuse('is no JSON');
  }
  const list = isRecord(parsed) ? parsed['users'] : undefined;
  if (!Array.isArray(list)) return refuse('has no list "users"');
  for (const [index, one] of list.entries()) {
    if (!isRecord(one)) return refuse(`users[${index}] is no object`);
    const { name, role, password } = one;
    if (typeof name !== 'string' || !USER_NAME.test(name)) return refuse(`users[${index}].name is no name`);
    const known = ROLES.find((one) => one === role);
    if (known === undefined) return refuse(`users[${index}].role is no role`);
    if (typeof password !== 'string' || !isPasswordHash(password))
      return refuse(`users[${index}].password is no hash of ours; see mailyard user`);
    users.set(name, { name, role: known, password });
  }
  return users;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
