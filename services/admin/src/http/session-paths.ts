import type { IncomingMessage } from 'node:http';
import { AttemptLimit, SHORTEST_PASSWORD, USER_NAME } from '@mailyard/credentials';
import { isMtaError } from '@mailyard/mail';
import { z } from 'zod';
import { ApiRefusal } from './api-refusal.ts';
import type { Answer, ApiOperation } from './api-server.ts';
import type { FirstCode } from './first-code.ts';
import type { Gate, Visitor } from './gate.ts';
import { isPassword } from './password-hash.ts';
import type { UserFile } from './user-file.ts';

const password = z.string().min(SHORTEST_PASSWORD).max(1024);
const typed = z.string().max(1024);
const CREDENTIALS = z.strictObject({ name: z.string().max(64), password: typed });
const FIRST = z.strictObject({ code: z.string().max(64), name: z.string().regex(USER_NAME), password });
const CHANGE = z.strictObject({ current: typed, password });

/** From one address, and at one name from anywhere: the latter waits less, or anybody could lock anybody out. */
const BY_ADDRESS = { free: 10, longestMs: 300_000 };
const BY_NAME = { free: 5, longestMs: 30_000 };
/** Hashes at work; each takes a thread and memory for a tenth of a second. */
const MOST_HASHES = 8;

export interface SessionPathsOptions {
  readonly gate: Gate;
  readonly users: UserFile;
  /** Absent: the first user is made otherwise. */
  readonly firstCode?: FirstCode;
  readonly now: () => number;
  readonly audit: (what: string, detail: Readonly<Record<string, unknown>>) => void;
}

/** Sign in, sign out, who am I. */
export function sessionPaths(options: SessionPathsOptions): ApiOperation[] {
  const { gate, users, firstCode, audit } = options;
  const guard = new Guard(options);
  return [
    { method: 'GET', path: '/api/v1/session', role: 'reader', handle: ({ visitor }) => ({ json: sessionOf(visitor) }) },
    {
      method: 'POST',
      path: '/api/v1/session',
      role: 'public',
      body: 'json',
      handle: async (call) => {
        const { name, password: secret } = call.json(CREDENTIALS);
        const user = (await users.users()).get(name);
        const isRight = await guard.attempt(call.request, name, () => isPassword(secret, user?.password));
        if (!isRight || user === undefined)
          throw new ApiRefusal(401, 'SIGN_IN_FAILED', 'the name or the password is wrong');
        audit('SIGNED_IN', { user: name, address: gate.addressOf(call.request) });
        return signedIn(await gate.signIn(call.request, user), 200);
      },
    },
    {
      method: 'DELETE',
      path: '/api/v1/session',
      role: 'reader',
      handle: async ({ request }) => ({ status: 204, headers: { 'Set-Cookie': await gate.signOut(request) } }),
    },
    {
      method: 'PUT',
      path: '/api/v1/session/password',
      role: 'reader',
      body: 'json',
      handle: async (call) => {
        const { current, password: next } = call.json(CHANGE);
        const { name } = call.visitor;
        const user = (await users.users()).get(name);
        const isRight = await guard.attempt(call.request, name, () => isPassword(current, user?.password));
        if (!isRight || user === undefined)
          throw new ApiRefusal(401, 'SIGN_IN_FAILED', 'the present password is wrong');
        await users.set(name, user.role, next).catch(refuseReadOnly);
        audit('PASSWORD_CHANGED', { user: name });
        // All sessions began with the old one, this one too: it goes on under a new id.
        const changed = (await users.users()).get(name)!;
        const { cookie } = await gate.signIn(call.request, changed);
        return { status: 204, headers: { 'Set-Cookie': cookie } };
      },
    },
    {
      method: 'POST',
      path: '/api/v1/first-administrator',
      role: 'public',
      body: 'json',
      handle: async (call) => {
        const { code, name, password: secret } = call.json(FIRST);
        if (firstCode === undefined || (await users.users()).size > 0)
          throw new ApiRefusal(409, 'FIRST_ADMINISTRATOR_EXISTS', 'there is somebody who can sign in already');
        const isRight = await guard.attempt(call.request, '', () => Promise.resolve(firstCode.isSame(code)));
        if (!isRight) throw new ApiRefusal(401, 'SIGN_IN_FAILED', 'the code is not the one that was printed');
        const isFirst = await users.setFirst(name, secret).catch(refuseReadOnly);
        if (!isFirst)
          throw new ApiRefusal(409, 'FIRST_ADMINISTRATOR_EXISTS', 'there is somebody who can sign in already');
        audit('FIRST_ADMINISTRATOR', { user: name, address: gate.addressOf(call.request) });
        return signedIn(await gate.signIn(call.request, (await users.users()).get(name)!), 201);
      },
    },
  ];
}

function sessionOf({ name, role, csrfToken = '' }: Visitor): unknown {
  return { user: name, role, csrfToken };
}

function signedIn({ visitor, cookie }: { visitor: Visitor; cookie: string }, status: number): Answer {
  return { status, json: sessionOf(visitor), headers: { 'Set-Cookie': cookie } };
}

function refuseReadOnly(error: unknown): never {
  if (isMtaError(error, 'USERS_READ_ONLY'))
    throw new ApiRefusal(
      409,
      'USERS_READ_ONLY',
      'the file of users cannot be written here; change it where it is kept',
    );
  throw error;
}

/** Lets attempts through, not too many and not too fast. */
class Guard {
  readonly #gate: Gate;
  readonly #now: () => number;
  readonly #byAddress = new AttemptLimit(BY_ADDRESS);
  readonly #byName = new AttemptLimit(BY_NAME);
  #hashes = 0;

  constructor({ gate, now }: SessionPathsOptions) {
    this.#gate = gate;
    this.#now = now;
  }

  /** @throws ApiRefusal 403, 429 */
  async attempt(request: IncomingMessage, name: string, check: () => Promise<boolean>): Promise<boolean> {
    this.#gate.demandPrivacy(request);
    const address = this.#gate.addressOf(request);
    const now = this.#now();
    const waitMs = Math.max(this.#byAddress.waitMs(address, now), this.#byName.waitMs(name, now));
    const isFull = this.#hashes >= MOST_HASHES;
    if (waitMs > 0 || isFull) {
      throw new ApiRefusal(429, 'TOO_MANY_ATTEMPTS', 'too many attempts; wait a little', {
        retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
      });
    }
    // Counted before it is known: attempts that are sent together are as many as those sent one by one.
    this.#byAddress.failed(address, now);
    this.#byName.failed(name, now);
    this.#hashes += 1;
    try {
      const isRight = await check();
      if (!isRight) {
        this.#byAddress.hold(address, this.#now());
        this.#byName.hold(name, this.#now());
        return false;
      }
      this.#byAddress.succeeded(address);
      this.#byName.succeeded(name);
      return true;
    } finally {
      this.#hashes -= 1;
    }
  }
}
