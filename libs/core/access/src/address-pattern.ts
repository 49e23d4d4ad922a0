import type { AddressLiteral, Domain } from '@mailyard/mail';
import { comparableLocalPart, parseAddressLiteral, parseDomain } from '@mailyard/mail';

/**
 * One form in which tables of AsyncOS name addresses (R112, R132): a full address, a local part at any domain (`user@`),
 * a domain, a partial domain (`.x`: everything below x, not x), an address literal, or ALL.
 */
export type AddressPattern =
  | { readonly kind: 'all' }
  | { readonly kind: 'address'; readonly localPart: string; readonly domain: Domain | AddressLiteral }
  | { readonly kind: 'localPart'; readonly localPart: string }
  /** `user@.x`: this local part at every domain below x; only where addresses are rewritten (R136). */
  | { readonly kind: 'addressBelow'; readonly localPart: string; readonly domain: Domain }
  | { readonly kind: 'domain'; readonly domain: Domain | AddressLiteral }
  | { readonly kind: 'below'; readonly domain: Domain };

/** What is compared with a pattern. The local part is compared without regard to case and needless quotes. */
export interface Subject {
  readonly localPart: string;
  /** '' for a bare postmaster. */
  readonly domain: Domain | AddressLiteral | '';
}

/**
 * Reads a pattern of the recipient access table (R132): `user@example.com`, `user@`, `example.com`, `.example.com`,
 * `[192.0.2.1]`, `ALL`.
 *
 * @returns undefined when it is none
 */
export function readRecipientPattern(text: string): AddressPattern | undefined {
  if (text.toUpperCase() === 'ALL') return { kind: 'all' };
  const at = text.lastIndexOf('@');
  return at < 0 ? readDomainPattern(text) : readAddressPattern(text, at);
}

/**
 * Reads a member of a mail policy (R112): `user@example.com`, `user@`, `@example.com`, `@.example.com`, `ALL`.
 *
 * @returns undefined when it is none
 */
export function readMemberPattern(text: string): AddressPattern | undefined {
  if (text.toUpperCase() === 'ALL') return { kind: 'all' };
  if (text.startsWith('@')) return readDomainPattern(text.slice(1));
  const at = text.lastIndexOf('@');
  return at < 0 ? undefined : readAddressPattern(text, at);
}

/**
 * Reads the left side of a row that rewrites recipients (R136): `user@example.com`, `user@.example.com`, `@example.com`,
 * `@.example.com`. Never a name at any domain: it would take the mail of clients that relay away from other people's domains.
 *
 * @returns undefined when it is none
 */
export function readRewritingPattern(text: string): AddressPattern | undefined {
  const at = text.lastIndexOf('@');
  if (at < 0) return undefined;
  if (at === 0) return readDomainPattern(text.slice(1));
  if (text[at + 1] !== '.') {
    const pattern = readAddressPattern(text, at);
    return pattern?.kind === 'address' ? pattern : undefined;
  }
  const domain = parseDomain(text.slice(at + 2));
  const pattern = readAddressPattern(text.slice(0, at + 1), at);
  return domain === undefined || pattern?.kind !== 'localPart'
    ? undefined
    : { kind: 'addressBelow', localPart: pattern.localPart, domain };
}

function readAddressPattern(text: string, at: number): AddressPattern | undefined {
  const localPart = comparableLocalPart(text.slice(0, at));
  // oxlint-disable-next-line no-control-regex -- controls are what a local part may not have
  if (localPart === '' || localPart.length > 64 || /[\0-\x1f\x7f]/.test(localPart)) return undefined;
  if (at === text.length - 1) return { kind: 'localPart', localPart };
  const domain = readDomain(text.slice(at + 1));
  return domain === undefined ? undefined : { kind: 'address', localPart, domain };
}

function readDomainPattern(text: string): AddressPattern | undefined {
  if (text.startsWith('.')) {
    const below = parseDomain(text.slice(1));
    return below === undefined ? undefined : { kind: 'below', domain: below };
  }
  const domain = readDomain(text);
  return domain === undefined ? undefined : { kind: 'domain', domain };
}

function readDomain(text: string): Domain | AddressLiteral | undefined {
  return text.startsWith('[') ? parseAddressLiteral(text) : parseDomain(text);
}

/** Tells whether a pattern names this address. */
export function matches(pattern: AddressPattern, { localPart, domain }: Subject): boolean {
  switch (pattern.kind) {
    case 'all':
      return true;
    case 'address':
      return pattern.domain === domain && pattern.localPart === comparableLocalPart(localPart);
    case 'localPart':
      return pattern.localPart === comparableLocalPart(localPart);
    case 'addressBelow':
      return isBelow(domain, pattern.domain) && pattern.localPart === comparableLocalPart(localPart);
    case 'domain':
      return pattern.domain === domain;
    case 'below':
      return isBelow(domain, pattern.domain);
  }
}

function isBelow(domain: Subject['domain'], above: Domain): boolean {
  return domain.length > above.length + 1 && domain.endsWith(`.${above}`) && !domain.startsWith('[');
}

/** A pattern as members of mail policies are written, in the form in which it is compared. */
export function printPattern(pattern: AddressPattern): string {
  switch (pattern.kind) {
    case 'all':
      return 'ALL';
    case 'address':
      return `${pattern.localPart}@${pattern.domain}`;
    case 'localPart':
      return `${pattern.localPart}@`;
    case 'addressBelow':
      return `${pattern.localPart}@.${pattern.domain}`;
    case 'domain':
      return `@${pattern.domain}`;
    case 'below':
      return `@.${pattern.domain}`;
  }
}
