import { parseIpv4, parseIpv6 } from './ip-address.ts';

/** An address literal in its canonical text: `[192.0.2.1]` or `[IPv6:2001:db8::1]`. */
export type AddressLiteral = string & { readonly __brand: 'AddressLiteral' };

/**
 * Reads an address literal, brackets included. A mapped IPv4 address (`[IPv6:::ffff:192.0.2.1]`) is not taken for the
 * IPv4 address in it; octal and shortened forms are refused, and so is every tag but `IPv6`.
 *
 * @returns its canonical text (RFC 5952); undefined when it is none
 * @see RFC 5321 §4.1.3
 */
export function parseAddressLiteral(text: string): AddressLiteral | undefined {
  if (!text.startsWith('[') || !text.endsWith(']')) return undefined;
  const inner = text.slice(1, -1);
  if (/^ipv6:/i.test(inner)) {
    const address = parseIpv6(inner.slice(5));
    return address === undefined ? undefined : (`[IPv6:${address}]` as AddressLiteral);
  }
  const address = parseIpv4(inner);
  return address === undefined ? undefined : (`[${address}]` as AddressLiteral);
}
