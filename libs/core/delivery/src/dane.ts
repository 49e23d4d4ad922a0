/**
 * DANE for SMTP (R144; RFC 6698, RFC 7671, RFC 7672): what TLSA records ask of a session, and whether the certificates
 * that a host shows match them.
 */
import { demandsTls, type TlsUse } from './tls-use.ts';

/**
 * `opportunistic`: where a host has TLSA records that DNSSEC vouches for, TLS is required and verified by them;
 * elsewhere as without DANE, but TLS is preferred at least. `mandatory`: a host without such records is not used.
 */
export type DaneUse = 'none' | 'opportunistic' | 'mandatory';

/** A TLSA record: usage, selector and matching type by their numbers (RFC 6698 §2.1). */
export interface TlsaRecord {
  readonly usage: number;
  readonly selector: number;
  readonly matching: number;
  readonly data: Uint8Array;
}

/**
 * What the DNS says of TLSA records. `records`: there are some, and DNSSEC vouches for them; `base` is the name that
 * they were found under, aliases followed. `none`: certainly none that count; `reason` says why, for operators.
 * `failure` is never "none" (RFC 7672 §2.1.2).
 */
export type TlsaAnswer =
  | { readonly kind: 'records'; readonly base: string; readonly records: readonly TlsaRecord[] }
  | { readonly kind: 'none'; readonly reason: string }
  | { readonly kind: 'failure'; readonly reason: string };

/** What the certificates of a host must match. */
export interface DaneDemand {
  /** The name that is asked for (SNI) and that a certificate below a trust anchor must be for (RFC 7672 §3.2.2). */
  readonly base: string;
  /** Usable ones. */
  readonly records: readonly TlsaRecord[];
}

/** What a session with a host is to be like, or why there may be none. */
export type DanePlan =
  | { readonly kind: 'session'; readonly tls: TlsUse; readonly dane?: DaneDemand }
  | { readonly kind: 'refused'; readonly reason: string };

const DANE_TA = 2;
const DANE_EE = 3;
const DIGEST_OCTETS: Readonly<Record<number, number>> = { 1: 32, 2: 64 };

/**
 * Whether a record can be used for SMTP: usages 2 and 3 alone, since nobody says which authorities would vouch for the
 * others (RFC 7672 §3.1.3).
 */
export function isUsable({ usage, selector, matching, data }: TlsaRecord): boolean {
  if (usage !== DANE_TA && usage !== DANE_EE) return false;
  if (selector !== 0 && selector !== 1) return false;
  return matching === 0 ? data.length > 0 : DIGEST_OCTETS[matching] === data.length;
}

/** What follows from the records of a host (RFC 7672 §2.2). */
export function planDane(use: Exclude<DaneUse, 'none'>, tls: TlsUse, answer: TlsaAnswer): DanePlan {
  // Whoever can make the question fail must not be able to switch DANE off (RFC 7672 §2.1.2).
  if (answer.kind === 'failure') return { kind: 'refused', reason: `TLSA records not known: ${answer.reason}` };
  if (answer.kind === 'none') {
    if (use === 'mandatory') return { kind: 'refused', reason: `DANE is demanded: ${answer.reason}` };
    return { kind: 'session', tls: tls === 'none' ? 'preferred' : tls };
  }
  const records = answer.records.filter(isUsable);
  if (records.length > 0) return { kind: 'session', tls: 'required', dane: { base: answer.base, records } };
  if (use === 'mandatory') return { kind: 'refused', reason: 'DANE is demanded: no TLSA record is usable' };
  // The host promises TLS, and says nothing of its certificate that is understood here.
  return { kind: 'session', tls: demandsTls(tls) ? tls : 'required' };
}

/** A certificate that a host shows. */
export interface ShownCertificate {
  /** The whole in DER, and its SubjectPublicKeyInfo. */
  readonly octets: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly isAuthority: boolean;
  /** Milliseconds of the epoch. */
  readonly validFrom: number;
  readonly validTo: number;
  isSignedBy(other: this): boolean;
  isFor(name: string): boolean;
}

export interface DaneJudging<C extends ShownCertificate> {
  /** From the host's own upwards. */
  readonly chain: readonly C[];
  /** For one of which a certificate below a trust anchor must be. */
  readonly names: readonly string[];
  readonly now: number;
  readonly digest: (algorithm: 'sha256' | 'sha512', octets: Uint8Array) => Uint8Array;
}

/**
 * Whether the certificates of a host match one of the records. Below a trust anchor (usage 2) each must be signed by the
 * next up to the one that matches, be within its dates, and the host's be for one of the names; with usage 3 only the
 * host's own counts, whatever it says of dates and names (RFC 7671 §5.1, §5.2). Path lengths and name constraints that
 * the domain's own authority sets are not looked at.
 *
 * @returns what is wrong, in words for operators; undefined when they match
 */
export function judgeDane<C extends ShownCertificate>(
  records: readonly TlsaRecord[],
  { chain, names, now, digest }: DaneJudging<C>,
): string | undefined {
  const [own, ...above] = chain;
  if (own === undefined) return 'no certificate was shown';
  const matches = (certificate: C, usage: number): boolean =>
    records.some((record) => record.usage === usage && isMatch(record, certificate, digest));
  if (matches(own, DANE_EE)) return undefined;
  const anchor = above.findIndex((certificate) => matches(certificate, DANE_TA));
  if (anchor < 0) return 'no certificate matches its TLSA records';
  const path = chain.slice(0, anchor + 2);
  for (const [i, certificate] of path.entries()) {
    if (now < certificate.validFrom || now > certificate.validTo)
      return i === 0 ? 'certificate is not within its dates' : 'certificate of an authority is not within its dates';
    const signer = path[i + 1];
    if (signer !== undefined && (!signer.isAuthority || !certificate.isSignedBy(signer)))
      return 'certificates do not lead to the authority of the TLSA records';
  }
  return names.some((name) => own.isFor(name)) ? undefined : `certificate is for none of ${names.join(', ')}`;
}

function isMatch<C extends ShownCertificate>(
  { selector, matching, data }: TlsaRecord,
  certificate: C,
  digest: DaneJudging<C>['digest'],
): boolean {
  const octets = selector === 0 ? certificate.octets : certificate.publicKey;
  return sameOctets(matching === 0 ? octets : digest(matching === 1 ? 'sha256' : 'sha512', octets), data);
}

function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, i) => octet === b[i]);
}
