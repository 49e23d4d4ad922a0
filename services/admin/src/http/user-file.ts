import { UserList } from '@mailyard/credentials';
import { type Role, ROLES } from '@mailyard/grpc';
import { hashPassword, isPasswordHash } from './password-hash.ts';

/** Somebody who may sign in to the page. */
export interface User {
  readonly name: string;
  readonly role: Role;
  /** As `hashPassword` makes it. */
  readonly password: string;
}

/** The users of the page: `{"users": [{name, role, password}]}`. */
export class UserFile extends UserList<User> {
  constructor(file: string) {
    super(file, readUser);
  }

  /** Adds a user, or changes the role and password of one. @throws MtaError `USERS_UNREADABLE`, `USERS_READ_ONLY` */
  async set(name: string, role: Role, password: string): Promise<void> {
    const hash = await hashPassword(password);
    await this.change((users) => users.set(name, { name, role, password: hash }));
  }

  /** Makes the first user. @returns false when there is one already */
  async setFirst(name: string, password: string): Promise<boolean> {
    const hash = await hashPassword(password);
    return this.change((users) => {
      if (users.size > 0) return false;
      users.set(name, { name, role: 'administrator', password: hash });
      return true;
    });
  }
}

function readUser(name: string, { role, password }: Readonly<Record<string, unknown>>): User {
  const known = ROLES.find((one) => one === role);
  if (known === undefined) throw new Error('role is no role');
  if (typeof password !== 'string' || !isPasswordHash(password))
    throw new Error('password is no hash of ours; see mailyard user');
  return { name, role: known, password };
}
