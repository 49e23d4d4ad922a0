import { type AddressLiteral, parseAddressLiteral } from './address-literal.ts';
import { type Domain, parseDomain } from './domain.ts';

/**
 * The domain of what a program or person asks about: an address, a domain, or a literal in brackets.
 *
 * @returns undefined when there is none
 */
export function recipientDomain(text: string): Domain | AddressLiteral | undefined {
  const domain = text.slice(text.lastIndexOf('@') + 1);
  return domain.startsWith('[') ? parseAddressLiteral(domain) : parseDomain(domain);
}
