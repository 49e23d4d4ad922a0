import { type Domain, ipv6Groups, parseDomain, parseIpv4 } from '@mailyard/mail';

/**
 * One source of a host access table (R121), read. Addresses are numbers: 32 bits of IPv4 or 128 of IPv6, first and last
 * inclusive.
 */
export type HostPattern =
  | { readonly kind: 'all' }
  | { readonly kind: 'range'; readonly family: 4 | 6; readonly first: bigint; readonly last: bigint }
  | { readonly kind: 'name'; readonly domain: Domain }
  /** Everything below a domain, not the domain. */
  | { readonly kind: 'below'; readonly domain: Domain }
  /** Asks a service that is not there: it is kept, and matches nobody. */
  | { readonly kind: 'unserved'; readonly service: 'reputation' | 'dnslist' };

/** An IP address as the number that ranges are made of. */
export interface AddressNumber {
  readonly family: 4 | 6;
  readonly value: bigint;
}

const REPUTATION = /^(?:sbrs\[(?:none|-?\d+(?:\.\d+)?:-?\d+(?:\.\d+)?)\]|sbo:\d+)$/i;
const DNSLIST = /^dnslist\[([^\]\s]+)\]$/i;
const NUMERIC = /^[\d./-]+$/;

/**
 * Reads a source: `192.0.2.1`; `192.0.2.` and `192.0.2`; `192.0.2.1-9`, `192.0.2-3`, `10-11`; `192.0.2.0/24`, `10/8`; an
 * IPv6 address, `first-last` or CIDR; `mail.example.com`; `.example.com`; `ALL`; `SBRS[a:b]`, `SBRS[none]`, `SBO:n`;
 * `dnslist[zone]`.
 *
 * @returns what is wrong with it when it is none
 */
export function readHostPattern(text: string): HostPattern | string {
  if (text === '' || text.length > 255) return 'is no address, range, network, host name, .partialhost or ALL';
  if (/^all$/i.test(text)) return { kind: 'all' };
  if (REPUTATION.test(text)) return { kind: 'unserved', service: 'reputation' };
  if (DNSLIST.test(text)) return { kind: 'unserved', service: 'dnslist' };
  if (text.includes(':')) return readIpv6(text);
  if (NUMERIC.test(text)) return readIpv4(text);
  const isBelow = text.startsWith('.');
  const domain = parseDomain(isBelow ? text.slice(1) : text);
  if (domain === undefined) return 'is no address, range, network, host name, .partialhost or ALL';
  return isBelow ? { kind: 'below', domain } : { kind: 'name', domain };
}

/** The number of an address in text; one of IPv4 mapped into IPv6 is taken for what it is. */
export function addressNumber(text: string): AddressNumber | undefined {
  if (!text.includes(':')) {
    const address = parseIpv4(text);
    return address === undefined ? undefined : { family: 4, value: ofOctets(address.split('.').map(Number)) };
  }
  const groups = ipv6Groups(text);
  if (groups === undefined) return undefined;
  const value = groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n);
  return value >> 32n === MAPPED ? { family: 4, value: value & 0xffffffffn } : { family: 6, value };
}

const MAPPED = 0xffffn;

function ofOctets(octets: readonly number[]): bigint {
  return BigInt(octets.reduce((sum, octet) => sum * 256 + octet, 0));
}

function readIpv4(text: string): HostPattern | string {
  const match = /^(\d{1,3}(?:\.\d{1,3}){0,3})(?:(\.)|-(\d{1,3})|\/(\d{1,2}))?$/.exec(text);
  if (match === null) return 'is no IPv4 address, partial address, range on the last octet or network';
  const [, written, dot, end, bits] = match as unknown as [string, string, string?, string?, string?];
  const octets = written.split('.').map(readOctet);
  const last = end === undefined ? undefined : readOctet(end);
  if (octets.includes(undefined) || (end !== undefined && last === undefined))
    return 'has an octet that is not 0 to 255, written without needless zeros';
  if (octets.length === 4 && dot !== undefined) return 'has a dot behind its fourth octet';
  const rest = 4 - octets.length;
  const scale = 256n ** BigInt(rest);
  const first = ofOctets(octets as number[]) * scale;
  if (bits !== undefined) return network(4, first, Number(bits));
  if (last === undefined) return { kind: 'range', family: 4, first, last: first + scale - 1n };
  if (last < octets.at(-1)!) return 'is a range that ends before it begins';
  const width = BigInt(last - octets.at(-1)! + 1);
  return { kind: 'range', family: 4, first, last: first + width * scale - 1n };
}

function readOctet(text: string): number | undefined {
  return Number(text) > 255 || (text.length > 1 && text.startsWith('0')) ? undefined : Number(text);
}

function readIpv6(text: string): HostPattern | string {
  const [, begin, end, bits] = /^([^-/]+)(?:-([^-/]+)|\/(\d{1,3}))?$/.exec(text) ?? [];
  const first = addressNumber(begin ?? '');
  if (first === undefined) return 'is no IPv6 address, range or network';
  const { family, value } = first;
  // A network of mapped addresses counts its bits from the front of the IPv6 address.
  if (bits !== undefined) return network(family, value, family === 4 ? Number(bits) - 96 : Number(bits));
  if (end === undefined) return { kind: 'range', family, first: value, last: value };
  const last = addressNumber(end);
  if (last?.family !== family) return 'is no IPv6 address, range or network';
  if (last.value < value) return 'is a range that ends before it begins';
  return { kind: 'range', family, first: value, last: last.value };
}

function network(family: 4 | 6, first: bigint, bits: number): HostPattern | string {
  const width = family === 4 ? 32 : 128;
  if (bits < 0 || bits > width) return `has a prefix that is not 0 to ${width}`;
  const size = 1n << BigInt(width - bits);
  if (first % size !== 0n) return `has bits set beyond its prefix of ${bits}`;
  return { kind: 'range', family, first, last: first + size - 1n };
}
