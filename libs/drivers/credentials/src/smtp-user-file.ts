import { createHash, randomBytes } from 'node:crypto';
import { decoyKeys, makeScramKeys, printScramKeys, readScramKeys, type ScramKeys } from './scram.ts';
import { UserList } from './user-list.ts';

/** Somebody who may send mail out through the gateway. */
export interface SmtpUser {
  readonly name: string;
  /** As `printScramKeys` makes it. */
  readonly verifier: string;
}

/** What a name comes to: keys that fit its password, or none where nobody has the name. */
export interface SmtpAccount {
  readonly isKnown: boolean;
  readonly keys: ScramKeys;
}

/** The users of SMTP AUTH: `{"users": [{name, verifier}]}`. */
export class SmtpUserFile extends UserList<SmtpUser> {
  readonly #ofNobody = randomBytes(32);

  constructor(file: string) {
    super(file, (name, { verifier }) => {
      if (typeof verifier !== 'string' || readScramKeys(verifier) === undefined)
        throw new Error('verifier is none of ours; see mailyard smtp-user');
      return { name, verifier };
    });
  }

  /** @returns keys that look the same whether somebody has the name or not. @throws MtaError `USERS_UNREADABLE` */
  async account(name: string): Promise<SmtpAccount> {
    const users = await this.users();
    const user = users.get(name);
    if (user !== undefined) return { isKnown: true, keys: readScramKeys(user.verifier)! };
    // What no client learns, but all processes that read the file have, also after a restart.
    const [first] = users.values();
    if (first === undefined) return { isKnown: false, keys: decoyKeys(name, this.#ofNobody) };
    const secret = createHash('sha256').update(first.verifier).digest();
    return { isKnown: false, keys: decoyKeys(name, secret, readScramKeys(first.verifier)!.iterations) };
  }

  /** Adds a user, or changes the password of one. @throws MtaError `USERS_UNREADABLE`, `USERS_READ_ONLY` */
  async set(name: string, password: string): Promise<void> {
    const verifier = printScramKeys(await makeScramKeys(password));
    await this.change((users) => users.set(name, { name, verifier }));
  }
}
