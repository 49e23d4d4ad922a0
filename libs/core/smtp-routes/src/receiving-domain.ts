import { parseAddressLiteral, parseDomain, parseIpAddress } from '@mailyard/mail';
import { type RouteFault, routeFault } from './route-fault.ts';
import type { ReceivingDomain } from './smtp-route.ts';

/** A receiving domain that was read, with its spelling where that differs (R20). */
export interface ReadReceivingDomain {
  readonly receivingDomain: ReceivingDomain;
  readonly typedDomain?: string;
}

/**
 * Reads the left side of an entry: a domain name, a partial domain with one leading dot, an address literal in
 * brackets, or `ALL` in any case (R7, R8, R9, R19, R20).
 *
 * @param text without blanks around it
 */
export function readReceivingDomain(text: string): ReadReceivingDomain | RouteFault {
  if (/^all$/i.test(text)) return { receivingDomain: 'ALL' };
  if (text.startsWith('[')) {
    const literal = parseAddressLiteral(text);
    if (literal === undefined) return refusal(text, 'is no address literal: write [192.0.2.1] or [IPv6:2001:db8::1]');
    return { receivingDomain: literal as string as ReceivingDomain };
  }
  if (text.includes('*'))
    return refusal(text, 'has a wildcard; a leading dot (.example.com) stands for all domains below');
  if (text.includes('@')) return refusal(text, 'is an address; an entry takes the domain after its @');
  const isPartial = text.startsWith('.');
  const name = isPartial ? text.slice(1) : text;
  const domain = parseDomain(name);
  if (domain === undefined || name === '') return refusal(text, 'is no domain name, no partial domain and not ALL');
  if (parseIpAddress(domain) !== undefined)
    return refusal(text, `is an address; write [${domain}] for mail to the literal`);
  const receivingDomain = (isPartial ? `.${domain}` : domain) as ReceivingDomain;
  const typedDomain = text.endsWith('.') ? text.slice(0, -1) : text;
  return typedDomain === receivingDomain || !DISPLAYABLE.test(typedDomain)
    ? { receivingDomain }
    : { receivingDomain, typedDomain };
}

/** Letters, marks and digits of any script: what is shown again holds nothing that a terminal or a page would not show. */
const DISPLAYABLE = /^[\p{L}\p{M}\p{Nd}._-]+$/u;

function refusal(text: string, why: string): RouteFault {
  return routeFault('ROUTE_DOMAIN_INVALID', 'receivingDomain', text, why);
}
