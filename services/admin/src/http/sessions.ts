import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { User } from './user-file.ts';

/** Somebody who signed in. */
export interface Session {
  readonly user: string;
  /** The hash of the password that it began with: another one ends it. */
  readonly password: string;
  /** Goes with every write. */
  readonly csrfToken: string;
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

/**
 * The sessions of this process, in memory: a restart signs everybody out. They are kept under a hash of their id, so
 * that a copy of the memory's keys opens nothing.
 */
export class Sessions {
  readonly #limits: SessionLimits;
  readonly #sessions = new Map<string, Session>();

  constructor(limits: SessionLimits = SESSION_LIMITS) {
    this.#limits = limits;
  }

  /** Begins a session under a new id. @returns the id, for the cookie alone */
  begin({ name, password }: User, now: number): { readonly id: string; readonly session: Session } {
    this.#expire(now);
    const own = [...this.#sessions].filter(([, { user }]) => user === name);
    if (own.length >= MOST_OF_ONE) this.#sessions.delete(own[0]![0]);
    if (this.#sessions.size >= MOST_SESSIONS) this.#sessions.delete(this.#sessions.keys().next().value!);
    const id = randomBytes(32).toString('base64url');
    const csrfToken = randomBytes(32).toString('base64url');
    const session: Session = { user: name, password, csrfToken, beganAt: now, seenAt: now };
    this.#sessions.set(hashOf(id), session);
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
    return session;
  }

  end(id: string): void {
    this.#sessions.delete(hashOf(id));
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

function hashOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url');
}
