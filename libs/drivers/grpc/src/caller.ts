import { createHash, timingSafeEqual } from 'node:crypto';
import { type Metadata, type status as Status, status } from '@grpc/grpc-js';
import { CallRefusal } from './refusal.ts';

/** What callers may do; each role may also do what the ones before it may. */
export const ROLES = ['reader', 'operator', 'administrator'] as const;
export type Role = (typeof ROLES)[number];

/** Whether a role may do what another one may. */
export function isAtLeast(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** Who calls, as the connection and its credentials tell. */
export interface Caller {
  /** Name of the token or certificate; `local` on a loopback without either. */
  readonly name: string;
  readonly role: Role;
}

/** A token, its secret already read. */
export interface Token {
  readonly name: string;
  readonly role: Role;
  readonly secret: string;
}

/** A client certificate, told by the common name of its subject. */
export interface KnownCertificate {
  readonly name: string;
  readonly role: Role;
}

/** Finds whose token stands in an `authorization` header (RFC 6750 §2.1); undefined when it is nobody's. */
export interface TokenFinder {
  findBearer(authorization: string): Caller | undefined;
}

/** Tells who calls, from a token or a client certificate. */
export class Gate implements TokenFinder {
  readonly #tokens: readonly { readonly caller: Caller; readonly hash: Buffer }[];
  readonly #certificates: ReadonlyMap<string, Role>;

  constructor(tokens: readonly Token[], certificates: readonly KnownCertificate[] = []) {
    this.#certificates = new Map(certificates.map(({ name, role }) => [name, role]));
    this.#tokens = tokens.map(({ name, role, secret }) => ({ caller: { name, role }, hash: hashOf(secret) }));
  }

  /**
   * A token says more than a certificate. A certificate without a role of its own is a reader's where roles are given out
   * at all, and an administrator's where none are.
   *
   * @param certificateName subject of a client certificate that was checked; undefined without one
   * @throws CallRefusal UNAUTHENTICATED
   */
  identify(metadata: Metadata, certificateName: string | undefined): Caller {
    const [authorization] = metadata.get('authorization');
    if (typeof authorization === 'string') {
      const caller = this.findBearer(authorization);
      if (caller === undefined) throw refuse(status.UNAUTHENTICATED, 'the token is not known', 'TOKEN_UNKNOWN');
      return caller;
    }
    const hasRoles = this.#tokens.length > 0 || this.#certificates.size > 0;
    if (certificateName !== undefined) {
      const role = this.#certificates.get(certificateName) ?? (hasRoles ? 'reader' : 'administrator');
      return { name: certificateName, role };
    }
    if (!hasRoles) return { name: 'local', role: 'administrator' };
    throw refuse(status.UNAUTHENTICATED, 'a bearer token is needed', 'TOKEN_MISSING');
  }

  /** Compares with every token in the same time, whichever it is. */
  findBearer(authorization: string): Caller | undefined {
    const secret = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    if (secret === undefined) return undefined;
    const hash = hashOf(secret);
    let found: Caller | undefined;
    for (const token of this.#tokens) if (timingSafeEqual(token.hash, hash)) found = token.caller;
    return found;
  }
}

/** @throws CallRefusal PERMISSION_DENIED */
export function demand(caller: Caller, role: Role): void {
  if (isAtLeast(caller.role, role)) return;
  throw refuse(
    status.PERMISSION_DENIED,
    `the role ${role} is needed; ${caller.name} is ${caller.role}`,
    'ROLE_TOO_LOW',
  );
}

function refuse(code: Status, message: string, reason: string): CallRefusal {
  return new CallRefusal(code, message, { reason });
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
