import { type AddressLiteral, type Domain, parseAddressLiteral, parseDomain } from '@mailyard/mail';

/**
 * The domain of what a program or person asks about: an address, a domain, or a literal in brackets.
 *
 * @returns undefined when there is none
 */
export function recipientDomain(text: string): Domain | AddressLiteral | undefined {
  const domain = text.slice(text.lastIndexOf('@') + 1);
  return domain.startsWith('[') ? parseAddressLiteral(domain) : parseDomain(domain);
}
