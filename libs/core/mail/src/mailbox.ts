import { type AddressLiteral, parseAddressLiteral } from './address-literal.ts';
import { type Domain, parseDomain } from './domain.ts';
import { hasNonAscii, utf8Length } from './utf8.ts';

/**
 * A mailbox as it stands in an envelope: `local-part@domain`, `local-part@[literal]`, or the bare `postmaster`.
 * The text is what was received, octet for octet, and is never rewritten (R1).
 *
 * @see RFC 5321 §4.1.2, §4.1.3; RFC 6531 §3.3
 */
export type Address = string & { readonly __brand: 'Address' };

/** A reverse-path; null is the null reverse-path `<>`, a value of its own (RFC 5321 §4.5.5). */
export type ReversePath = Address | null;

/** What an address says, taken apart once. */
export interface Mailbox {
  readonly address: Address;
  /** As received, quotes included. */
  readonly localPart: string;
  /** What routes and access tables compare: a domain, an address literal, or '' for a bare postmaster. */
  readonly domain: Domain | AddressLiteral | '';
  /** Whether the address has characters outside US-ASCII and so needs SMTPUTF8. */
  readonly needsSmtpUtf8: boolean;
}

/** Octets of a local part, its quotes counted (RFC 5321 §4.5.3.1.1). */
const LOCAL_PART_LIMIT = 64;
/** Octets of a path without its angle brackets (RFC 5321 §4.5.3.1.3). */
const ADDRESS_LIMIT = 254;

const DOT_STRING =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u{80}-\u{10ffff}-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u{80}-\u{10ffff}-]+)*$/u;
const QUOTED_STRING = /^"(?:[\x20\x21\x23-\x5b\x5d-\x7e\u{80}-\u{10ffff}]|\\[\x20-\x7e])*"$/u;
const CONTROLS = /[\u{80}-\u{9f}\u{2028}\u{2029}\u{feff}]/u;

/**
 * Reads a mailbox without angle brackets.
 *
 * The last `@` outside quotes divides it; `%` and `!` are plain characters. Bare `postmaster`, in any case, is one too
 * (RFC 5321 §4.1.1.3).
 *
 * @returns undefined when it is none, or longer than RFC 5321 §4.5.3.1 allows
 */
export function parseMailbox(text: string): Mailbox | undefined {
  if (text.length > ADDRESS_LIMIT) return undefined;
  if (text.length === 10 && text.toLowerCase() === 'postmaster') {
    return { address: text as Address, localPart: text, domain: '', needsSmtpUtf8: false };
  }
  const at = text.lastIndexOf('@');
  if (at < 1) return undefined;
  const localPart = text.slice(0, at);
  if (!(localPart.charCodeAt(0) === 34 ? QUOTED_STRING : DOT_STRING).test(localPart)) return undefined;
  const domain = readDomain(text.slice(at + 1));
  if (domain === undefined) return undefined;
  const needsSmtpUtf8 = hasNonAscii(text);
  if (needsSmtpUtf8 && CONTROLS.test(text)) return undefined;
  if (utf8Length(localPart) > LOCAL_PART_LIMIT || utf8Length(text) > ADDRESS_LIMIT) return undefined;
  return { address: text as Address, localPart, domain, needsSmtpUtf8 };
}

/**
 * The form in which tables compare local parts: without quotes that change nothing, in lower case. A host may tell `Joe`
 * from `joe` (RFC 5321 §2.4), our tables do not (R112); `"joe"` and `joe` are one mailbox to everybody (§4.1.2).
 */
export function comparableLocalPart(localPart: string): string {
  const bare = localPart.charCodeAt(0) === 34 ? localPart.slice(1, -1).replace(/\\(.)/gs, '$1') : localPart;
  return bare.toLowerCase();
}

/**
 * The domain part of an address that was parsed before, in comparable form.
 *
 * @returns '' for a bare postmaster
 */
export function domainOf(address: Address): Domain | AddressLiteral | '' {
  const at = address.lastIndexOf('@');
  if (at < 0) return '';
  const text = address.slice(at + 1);
  return readDomain(text) ?? (text.toLowerCase() as Domain);
}

function readDomain(text: string): Domain | AddressLiteral | undefined {
  return text.startsWith('[') ? parseAddressLiteral(text) : parseDomain(text);
}
