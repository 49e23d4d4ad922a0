import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { SessionFile } from './session-file.ts';
import type { User } from './user-file.ts';

/** Somebody who signed in. */
export interface Session {
  readonly user: string;
  /** Of the password that it began with: another one ends it. */
  readonly mark: string;
  readonly beganAt: number;
  seenAt: number;
}

export interface SessionLimits {
  /** Without a request for so long it is over. */
  readonly idleMs: number;
  readonly longestMs: number;
}

export const SESSION_LIMITS: SessionLimits = { idleMs: 1_800_000, longestMs: 43_200_000 };
const MOST_SESSIONS = 1_000;
const MOST_OF_ONE = 20;

/** How often it is written down that somebody is still there. */
const SEEN_MS = 60_000;

/**
 * The sessions of this process, in memory and in a file: a restart signs nobody out. They are kept under a hash of their
 * id, so that a copy of memory or file opens nothing.
 */
export class Sessions {
  readonly #limits: SessionLimits;
  readonly #file: SessionFile | undefined;
  readonly #sessions = new Map<string, Session>();
  #savedAt = 0;

  /** @param file absent: a restart signs everybody out */
  constructor(limits: SessionLimits = SESSION_LIMITS, file?: SessionFile) {
    this.#limits = limits;
    this.#file = file;
  }

  /** Takes up what was kept before this process. */
  async load(now: number): Promise<void> {
    for (const { key, ...session } of (await this.#file?.read()) ?? [])
      if (!this.#isOver(session, now)) this.#sessions.set(key, session);
  }

  /** Begins a session under a new id. @returns the id, for the cookie alone */
  async begin(user: User, now: number): Promise<{ readonly id: string; readonly session: Session }> {
    this.#expire(now);
    const own = [...this.#sessions].filter(([, session]) => session.user === user.name);
    if (own.length >= MOST_OF_ONE) this.#sessions.delete(own[0]![0]);
    if (this.#sessions.size >= MOST_SESSIONS) this.#sessions.delete(this.#sessions.keys().next().value!);
    const id = randomBytes(32).toString('base64url');
    const session: Session = { user: user.name, mark: markOf(user), beganAt: now, seenAt: now };
    this.#sessions.set(hashOf(id), session);
    await this.#save(now);
    return { id, session };
  }

  /** The session with an id, if it goes on; this counts as a sign of life. */
  find(id: string, now: number): Session | undefined {
    const key = hashOf(id);
    const session = this.#sessions.get(key);
    if (session === undefined) return undefined;
    if (this.#isOver(session, now)) {
      this.#sessions.delete(key);
      return undefined;
    }
    session.seenAt = now;
    if (now - this.#savedAt >= SEEN_MS) void this.#save(now);
    return session;
  }

  /** Ends a session: for good, once this has settled. */
  async end(id: string, now: number): Promise<void> {
    if (this.#sessions.delete(hashOf(id))) await this.#save(now);
  }

  async #save(now: number): Promise<void> {
    this.#savedAt = now;
    await this.#file?.write(() => Array.from(this.#sessions, ([key, session]) => ({ key, ...session })));
  }

  #expire(now: number): void {
    for (const [key, session] of this.#sessions) if (this.#isOver(session, now)) this.#sessions.delete(key);
  }

  #isOver({ beganAt, seenAt }: Session, now: number): boolean {
    return now - seenAt > this.#limits.idleMs || now - beganAt > this.#limits.longestMs;
  }
}

/** Compares two secrets in a time that does not tell where they differ. */
export function isSameSecret(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}

/** What goes with every write of a session: of its id, which no script sees, and no way back to that. */
export function csrfTokenOf(id: string): string {
  return hashOf(`csrf ${id}`);
}

/** Tells whether a password is still the one of before; of its hash, which stays where it is. */
export function markOf({ password }: User): string {
  return hashOf(password);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
