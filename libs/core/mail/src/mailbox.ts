import { type Domain, parseDomain } from './domain.ts';

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
  /** The form routes and access tables compare: a domain, `[192.0.2.1]`, `[IPv6:2001:db8::1]`, or '' for bare postmaster. */
  readonly domain: Domain | AddressLiteral | '';
  /** Whether the address has characters outside US-ASCII and so needs SMTPUTF8. */
  readonly needsSmtpUtf8: boolean;
}

/** An address literal in its canonical text: `[192.0.2.1]` or `[IPv6:2001:db8::1]`. */
export type AddressLiteral = string & { readonly __brand: 'AddressLiteral' };

/**
 * The domain part of an address that was parsed before, in comparable form.
 *
 * The last `@` outside quotes decides (route syntax, `%` and `!` are plain characters).
 *
 * @returns '' for a bare postmaster
 */
export function domainOf(address: Address): Domain | AddressLiteral | '' {
  const at = address.lastIndexOf('@');
  if (at < 0) return '';
  const text = address.slice(at + 1);
  if (text.startsWith('[')) return text as AddressLiteral;
  return parseDomain(text) ?? (text.toLowerCase() as Domain);
}
