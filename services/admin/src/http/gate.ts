/** Who asks, and whether the request may have come from this page: before any handler sees it. */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { isAtLeast, type Role, type TokenFinder } from '@mailyard/grpc';
import { ApiRefusal } from './api-refusal.ts';
import { csrfTokenOf, isSameSecret, markOf, type Sessions } from './sessions.ts';
import type { User, UserFile } from './user-file.ts';

/** Who makes a request. */
export interface Visitor {
  readonly name: string;
  readonly role: Role;
  /** What goes with every write of a browser's session; absent for a bearer token. */
  readonly csrfToken?: string;
}

export interface GateOptions {
  readonly users: UserFile;
  readonly sessions: Sessions;
  /** The tokens of the settings, as gRPC takes them. */
  readonly tokens: TokenFinder;
  /** A proxy in front speaks TLS with browsers and passes `Host` and `X-Forwarded-For` on. */
  readonly isProxied: boolean;
  readonly now: () => number;
}

export class Gate {
  readonly #options: GateOptions;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** @throws ApiRefusal 401, 403 */
  async identify(request: IncomingMessage): Promise<Visitor> {
    const { authorization } = request.headers;
    const { tokens, users, sessions, now } = this.#options;
    if (authorization !== undefined) {
      this.demandPrivacy(request);
      const caller = tokens.findBearer(authorization);
      if (caller === undefined) throw new ApiRefusal(401, 'TOKEN_UNKNOWN', 'the token is not known');
      return caller;
    }
    const id = this.sessionId(request);
    const session = id === undefined ? undefined : sessions.find(id, now());
    const known = await users.users();
    const user = session === undefined ? undefined : known.get(session.user);
    if (session === undefined || user === undefined || markOf(user) !== session.mark) {
      if (id !== undefined) await sessions.end(id, now());
      if (known.size === 0)
        throw new ApiRefusal(401, 'FIRST_ADMINISTRATOR_NEEDED', 'there is nobody yet who could sign in');
      throw new ApiRefusal(401, 'SIGN_IN_NEEDED', 'sign in first');
    }
    return { name: user.name, role: user.role, csrfToken: csrfTokenOf(id!) };
  }

  /** @throws ApiRefusal 403 */
  demandRole({ name, role }: Visitor, needed: Role): void {
    if (isAtLeast(role, needed)) return;
    throw new ApiRefusal(403, 'ROLE_TOO_LOW', `the role ${needed} is needed; ${name} is ${role}`);
  }

  /**
   * For a request that changes something: it must come from a page of this host, and, with a cookie, carry the token of
   * its session. A bearer token is never sent by a browser on its own, so it needs neither.
   *
   * @throws ApiRefusal 403
   */
  demandOwnPage(request: IncomingMessage, visitor: Visitor | undefined): void {
    if (visitor !== undefined && visitor.csrfToken === undefined) return;
    const { origin, host } = request.headers;
    const site = request.headers['sec-fetch-site'];
    const isOwn = origin === undefined ? site === undefined || site === 'same-origin' : hostOf(origin) === host;
    if (!isOwn || (origin === undefined && visitor !== undefined && site !== 'same-origin'))
      throw new ApiRefusal(403, 'ORIGIN_FOREIGN', 'the request does not come from a page of this host');
    if (visitor?.csrfToken === undefined) return;
    const token = request.headers['x-csrf-token'];
    if (typeof token !== 'string' || !isSameSecret(token, visitor.csrfToken))
      throw new ApiRefusal(403, 'CSRF_TOKEN_WRONG', 'the request lacks the token of its session');
  }

  /** Passwords, tokens and session cookies go over TLS, or do not leave the machine. @throws ApiRefusal 403 */
  demandPrivacy(request: IncomingMessage): void {
    if (this.isSecure(request) || isLoopback(request.socket.remoteAddress ?? '')) return;
    throw new ApiRefusal(403, 'TLS_REQUIRED', 'over a network this needs TLS: see http.tls and http.proxied');
  }

  /** Whether the browser spoke TLS, with us or with the proxy. */
  isSecure({ socket }: IncomingMessage): boolean {
    return this.#options.isProxied || (socket as Partial<TLSSocket>).encrypted === true;
  }

  /** Where the browser is: what the proxy saw, since anything before that could be made up. */
  addressOf({ socket, headers }: IncomingMessage): string {
    const forwarded = headers['x-forwarded-for'];
    if (this.#options.isProxied && typeof forwarded === 'string')
      return forwarded.slice(forwarded.lastIndexOf(',') + 1).trim();
    return socket.remoteAddress ?? '';
  }

  #cookieName(request: IncomingMessage): string {
    return this.isSecure(request) ? '__Host-mailyard' : 'mailyard';
  }

  sessionId(request: IncomingMessage): string | undefined {
    const name = `${this.#cookieName(request)}=`;
    const found = (request.headers.cookie ?? '').split(/; */).find((one) => one.startsWith(name));
    const id = found?.slice(name.length);
    return id === undefined || !/^[A-Za-z0-9_-]{43}$/.test(id) ? undefined : id;
  }

  /** @param id absent: the cookie is taken back */
  cookie(request: IncomingMessage, id: string | undefined): string {
    const name = this.#cookieName(request);
    const flags = `Path=/; HttpOnly; SameSite=Strict${this.isSecure(request) ? '; Secure' : ''}`;
    return id === undefined ? `${name}=; ${flags}; Max-Age=0` : `${name}=${id}; ${flags}`;
  }

  /** Begins a session; the one that the browser had ends, whoever gave it that. */
  async signIn(request: IncomingMessage, user: User): Promise<{ readonly visitor: Visitor; readonly cookie: string }> {
    const { sessions, now } = this.#options;
    const old = this.sessionId(request);
    if (old !== undefined) await sessions.end(old, now());
    const { id } = await sessions.begin(user, now());
    return {
      visitor: { name: user.name, role: user.role, csrfToken: csrfTokenOf(id) },
      cookie: this.cookie(request, id),
    };
  }

  async signOut(request: IncomingMessage): Promise<string> {
    const { sessions, now } = this.#options;
    const id = this.sessionId(request);
    if (id !== undefined) await sessions.end(id, now());
    return this.cookie(request, undefined);
  }
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/, '');
  return plain === '::1' || plain.startsWith('127.');
}
