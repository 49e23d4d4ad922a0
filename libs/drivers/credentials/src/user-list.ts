import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MtaError } from '@mailyard/mail';
import { writePrivateFile } from './private-file.ts';

export const USER_NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
export const SHORTEST_PASSWORD = 12;
/**
 * The file is looked at again after so long; who was taken out of it is out within that time. While nobody is known it is
 * looked at each time: who has just made the first user wants to sign in, not to be asked for the first one.
 */
const LOOK_MS = 1_000;

/** Reads what a user has besides the name. @throws Error that says what is wrong: `role is no role` */
export type UserReader<User> = (name: string, entry: Readonly<Record<string, unknown>>) => User;

/**
 * Users in a file of JSON that only its owner may read: `{"users": [{name, …}]}`.
 *
 * It may be changed while the gateway runs, by the command line or a mounted secret. A file that cannot be understood
 * lets nobody in.
 */
export class UserList<User extends { readonly name: string }> {
  readonly file: string;
  readonly #reader: UserReader<User>;
  #users: ReadonlyMap<string, User> = new Map();
  #mark = '';
  #lookedAt = -Infinity;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(file: string, reader: UserReader<User>) {
    this.file = file;
    this.#reader = reader;
  }

  /** The users now. @throws MtaError `USERS_UNREADABLE` */
  async users(): Promise<ReadonlyMap<string, User>> {
    const now = performance.now();
    if (this.#users.size > 0 && now - this.#lookedAt < LOOK_MS) return this.#users;
    await this.#read();
    this.#lookedAt = now;
    return this.#users;
  }

  /** @returns false when there is no such user. @throws MtaError `USERS_UNREADABLE`, `USERS_READ_ONLY` */
  remove(name: string): Promise<boolean> {
    return this.change((users) => users.delete(name));
  }

  /**
   * Edits the list as the file has it now; false leaves it as it is.
   *
   * @throws MtaError `USERS_UNREADABLE`, `USERS_READ_ONLY`
   */
  protected change<T>(edit: (users: Map<string, User>) => T): Promise<T> {
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
    try {
      const { mtimeMs, size, ino } = await stat(this.file);
      const mark = `${mtimeMs} ${size} ${ino}`;
      if (mark === this.#mark) return;
      this.#users = this.#parse(await readFile(this.file, 'utf8'));
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

  #parse(content: string): Map<string, User> {
    const users = new Map<string, User>();
    const refuse = (problem: string): never => {
      throw new MtaError('USERS_UNREADABLE', `${this.file}: ${problem}`);
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
      const { name } = one;
      if (typeof name !== 'string' || !USER_NAME.test(name)) return refuse(`users[${index}].name is no name`);
      try {
        users.set(name, this.#reader(name, one));
      } catch (error) {
        return refuse(`users[${index}].${(error as Error).message}`);
      }
    }
    return users;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
