import { createHmac, randomBytes } from 'node:crypto';
import { AttemptLimit, isPasswordOf, isSame, type ScramKeys, type SmtpAccount } from '@mailyard/credentials';
import { ipv6Groups, type Reply, reply } from '@mailyard/mail';
import type { Evidence, InjectionSession } from '@mailyard/smtp-receiver';
import { publishMailEvent } from '@mailyard/telemetry';

/** Who may authenticate. */
export interface SmtpUsers {
  /** @throws MtaError `USERS_UNREADABLE` */
  account(name: string): Promise<SmtpAccount>;
}

export interface DeskClock {
  now(): number;
  wait(ms: number): Promise<void>;
}

const ACCEPTED = reply(235, '2.7.0', 'Authentication successful');
const WRONG = reply(535, '5.7.8', 'Authentication credentials invalid');
const LATER = reply(454, '4.7.0', 'Temporary authentication failure');

/** From one address, and at one name from anywhere: the latter waits less, or anybody could lock anybody out. */
const BY_ADDRESS = { free: 10, longestMs: 300_000 };
const BY_NAME = { free: 5, longestMs: 30_000 };
/** Who guesses waits so long for each answer; who is refused unheard too. */
const REFUSAL_MS = 1_000;
/** Passwords that wait to be looked at. One is looked at at a time: the threads are there for disks, too. */
const MOST_WAITING = 64;
/** Names whose password is known to be right, and whence they came. */
const MOST_KNOWN = 10_000;
const LONGEST_NAME = 64;

type Result = 'succeeded' | 'failed' | 'limited';

/**
 * Judges who authenticates at all listeners of a process, and slows down who guesses: after some failures from an
 * address, or at a name, further attempts are refused unheard for a time that doubles. An address from which somebody
 * came before is not held up by what is done to the name from elsewhere.
 */
export class AuthenticationDesk {
  readonly #users: SmtpUsers;
  readonly #clock: DeskClock;
  readonly #byAddress = new AttemptLimit(BY_ADDRESS);
  readonly #byName = new AttemptLimit(BY_NAME);
  /** At a name from an address from which it came before. */
  readonly #byVisitor = new AttemptLimit(BY_NAME);
  /** Of names, what their right password comes to under a key that nobody else has: it need not be derived again. */
  readonly #proven = new Map<string, Buffer>();
  readonly #key = randomBytes(32);
  readonly #visitors = new Map<string, true>();
  #waiting = 0;
  #isTold = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(users: SmtpUsers, clock: DeskClock) {
    this.#users = users;
    this.#clock = clock;
  }

  /** What SCRAM begins with, whether somebody has the name or not. */
  async scramKeys(session: InjectionSession, name: string): Promise<ScramKeys | Reply> {
    try {
      if (this.#waitMs(session, name) === 0) return (await this.#account(name)).keys;
    } catch (error) {
      this.#tell(error);
    }
    return this.#refuse(session, 'SCRAM-SHA-256', 'limited', undefined);
  }

  async judge(session: InjectionSession, evidence: Evidence): Promise<Reply> {
    const { mechanism, name } = evidence;
    let result: Result = 'limited';
    let isKnown = false;
    try {
      const account = await this.#account(name);
      ({ isKnown } = account);
      result = await this.#hear(session, evidence, account);
    } catch (error) {
      // Nobody is let in, and nobody is blamed.
      this.#tell(error);
    }
    if (result !== 'succeeded') return this.#refuse(session, mechanism, result, isKnown ? name : undefined);
    remember(this.#visitors, visitorOf(session, name), true);
    return ACCEPTED;
  }

  async #account(name: string): Promise<SmtpAccount> {
    const account = await this.#users.account(name);
    this.#isTold = false;
    return account;
  }

  /** Once, until the users can be read again. */
  #tell(error: unknown): void {
    if (this.#isTold) return;
    this.#isTold = true;
    const detail = error instanceof Error ? error.message : String(error);
    publishMailEvent({ kind: 'alarm', name: 'smtp-users', detail });
  }

  /** @param name of a user; what nobody is called is told nowhere: it may be a password in the wrong place */
  async #refuse(
    session: InjectionSession,
    mechanism: string,
    result: Result,
    name: string | undefined,
  ): Promise<Reply> {
    const user = name === undefined ? {} : { user: name };
    publishMailEvent({ kind: 'injectionAuthentication', icid: session.icid, mechanism, result, ...user });
    await this.#clock.wait(REFUSAL_MS);
    return result === 'failed' ? WRONG : LATER;
  }

  async #hear(session: InjectionSession, evidence: Evidence, account: SmtpAccount): Promise<Result> {
    if (this.#waitMs(session, evidence.name) > 0) return 'limited';
    if (!('password' in evidence)) {
      const { isProven, keys } = evidence;
      // The password may have been changed since the exchange began.
      return this.#count(session, evidence.name, isProven && isSame(keys.storedKey, account.keys.storedKey), account);
    }
    const proof = createHmac('sha256', this.#key)
      .update(`${account.keys.storedKey.toString('base64')}\0${evidence.password}`)
      .digest();
    const proven = this.#proven.get(evidence.name);
    if (account.isKnown && proven !== undefined && isSame(proven, proof)) return 'succeeded';
    return this.#inTurn(async () => {
      // Others may have failed meanwhile, and who has gone guesses no more.
      if (session.gone || this.#waitMs(session, evidence.name) > 0) return 'limited';
      const isRight = await isPasswordOf(account.keys, evidence.password);
      if (isRight && account.isKnown) remember(this.#proven, evidence.name, proof);
      return this.#count(session, evidence.name, isRight, account);
    });
  }

  #count(session: InjectionSession, name: string, isRight: boolean, { isKnown }: SmtpAccount): Result {
    const counts = [
      [this.#byAddress, addressKey(session.clientAddress)],
      [this.#byName, nameKey(name)],
      [this.#byVisitor, visitorOf(session, name)],
    ] as const;
    const isIn = isRight && isKnown;
    for (const [limit, key] of counts)
      if (isIn) limit.succeeded(key);
      else limit.failed(key, this.#clock.now());
    return isIn ? 'succeeded' : 'failed';
  }

  #waitMs(session: InjectionSession, name: string): number {
    const now = this.#clock.now();
    const byAddress = this.#byAddress.waitMs(addressKey(session.clientAddress), now);
    const visitor = visitorOf(session, name);
    // Whoever has a name of his own at this address makes it forget the failures there, and not those at the name.
    const byName = this.#visitors.has(visitor)
      ? this.#byVisitor.waitMs(visitor, now)
      : this.#byName.waitMs(nameKey(name), now);
    return Math.max(byAddress, byName);
  }

  /** Does one thing after the other, and nothing where too many wait. */
  async #inTurn(work: () => Promise<Result>): Promise<Result> {
    if (this.#waiting >= MOST_WAITING) return 'limited';
    this.#waiting += 1;
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    try {
      return await done;
    } finally {
      this.#waiting -= 1;
    }
  }
}

/** Of IPv6 the network: whoever has one address of it has 2^64 (RFC 4291 §2.5.4). */
function addressKey(address: string): string {
  return ipv6Groups(address)?.slice(0, 4).join(':') ?? address;
}

/** Names that are made up may be of any length. */
function nameKey(name: string): string {
  return name.slice(0, LONGEST_NAME);
}

function visitorOf(session: InjectionSession, name: string): string {
  return `${addressKey(session.clientAddress)} ${nameKey(name)}`;
}

/** Keeps the newest; what was kept first goes first. */
function remember<T>(kept: Map<string, T>, key: string, value: T): void {
  kept.delete(key);
  kept.set(key, value);
  for (const oldest of kept.keys()) {
    if (kept.size <= MOST_KNOWN) return;
    kept.delete(oldest);
  }
}
