import { ipv6Groups, parseDomain, parseIpAddress, parseIpv4, parseIpv6 } from '@mailyard/mail';
import { type RouteFault, type RouteFaultCode, routeFault } from './route-fault.ts';
import type { DestinationHost } from './smtp-route.ts';

/** What an installation allows in destinations. */
export interface DestinationRules {
  /** Take names of one label besides `localhost` (R19). */
  readonly allowSingleLabel: boolean;
  /** Take link-local, multicast and unspecified addresses. */
  readonly allowReserved: boolean;
}

/** A destination that stands alone in its entry (R16 to R18). */
export type Keyword = 'USEDNS' | '/dev/null';

export type ReadDestination =
  | { readonly kind: 'host'; readonly host: DestinationHost }
  | { readonly kind: 'keyword'; readonly keyword: Keyword; readonly isDecorated: boolean }
  | { readonly kind: 'fault'; readonly fault: RouteFault };

export const DEFAULT_PORT = 25;

const KEYWORD = /^(usedns|\/dev\/null)([:/].*)?$/i;
const PORT = /^[1-9]\d{0,4}$/;
const PRIORITY = /^(?:0|[1-9]\d{0,4})$/;
const BRACKETED = /^\[([^[\]]*)\](?::(.*))?$/;

/**
 * Reads one destination: `host[:port][/pri=N]`, an address, `[host]`, `[2001:db8::5]:2525`, `USEDNS` or `/dev/null`
 * (R10 to R19).
 *
 * @param text without blanks around it
 * @param field where it stands, for the fault
 */
export function readDestination(text: string, field: string, rules: DestinationRules): ReadDestination {
  const keyword = KEYWORD.exec(text);
  if (keyword !== null) {
    const [, word, decoration] = keyword as unknown as [string, string, string | undefined];
    if (word.toUpperCase() === 'USEDNS')
      return { kind: 'keyword', keyword: 'USEDNS', isDecorated: decoration !== undefined };
    if (word === '/dev/null') return { kind: 'keyword', keyword: '/dev/null', isDecorated: decoration !== undefined };
    return refuse('ROUTE_DEST_INVALID', field, text, 'is no destination; to drop mail write /dev/null in lower case');
  }
  const slash = text.indexOf('/');
  const priority = readPriority(slash < 0 ? undefined : text.slice(slash), field, text);
  if (typeof priority !== 'number') return priority;
  const place = readPlace(slash < 0 ? text : text.slice(0, slash), field, rules);
  return place.kind === 'fault' ? place : { kind: 'host', host: { ...place.host, priority } };
}

function readPriority(suffix: string | undefined, field: string, text: string): number | ReadDestination {
  if (suffix === undefined) return 0;
  if (!suffix.startsWith('/pri=')) {
    const hint = /^\/\d+$/.test(suffix)
      ? 'is a block of addresses; mail goes to one host'
      : 'has something other than /pri=N behind it';
    return refuse('ROUTE_DEST_INVALID', field, text, hint);
  }
  const digits = suffix.slice(5);
  if (!PRIORITY.test(digits) || Number(digits) > 65_535)
    return refuse('ROUTE_PRI_RANGE', field, text, 'has a priority that is not 0 to 65535');
  return Number(digits);
}

type ReadPlace =
  | { readonly kind: 'host'; readonly host: DestinationHost }
  | Extract<ReadDestination, { kind: 'fault' }>;

function readPlace(text: string, field: string, rules: DestinationRules): ReadPlace {
  if (text.startsWith('[')) {
    const match = BRACKETED.exec(text);
    if (match === null) return refuse('ROUTE_DEST_INVALID', field, text, 'has brackets that do not close');
    return readHost(match[1]!.replace(/^ipv6:/i, ''), match[2], true, text, field, rules);
  }
  const colon = text.indexOf(':');
  if (colon >= 0 && text.includes(':', colon + 1)) {
    if (parseIpv6(text) === undefined)
      return refuse('ROUTE_DEST_INVALID', field, text, 'is no IPv6 address; with a port write [2001:db8::5]:2525');
    return readHost(text, undefined, false, text, field, rules);
  }
  return colon < 0
    ? readHost(text, undefined, false, text, field, rules)
    : readHost(text.slice(0, colon), text.slice(colon + 1), false, text, field, rules);
}

function readHost(
  name: string,
  digits: string | undefined,
  isBracketed: boolean,
  text: string,
  field: string,
  rules: DestinationRules,
): ReadPlace {
  if (digits !== undefined && (!PORT.test(digits) || Number(digits) > 65_535)) {
    return refuse('ROUTE_PORT_RANGE', field, text, 'has a port that is not 1 to 65535');
  }
  const port = digits === undefined ? DEFAULT_PORT : Number(digits);
  const address = parseIpAddress(name);
  if (address !== undefined) {
    if (!rules.allowReserved && isReserved(address)) {
      return refuse(
        'ROUTE_DEST_RESERVED',
        field,
        text,
        'is link-local, multicast or unspecified; no mail is sent there',
      );
    }
    return { kind: 'host', host: { lookup: 'address', host: address, port, priority: 0 } };
  }
  const fault = faultOfName(name, rules);
  if (fault !== undefined) return refuse('ROUTE_DEST_INVALID', field, text, fault);
  const host = parseDomain(name);
  if (host === undefined) return refuse('ROUTE_DEST_INVALID', field, text, 'is no host name and no address');
  return { kind: 'host', host: { lookup: isBracketed ? 'name' : 'mx', host, port, priority: 0 } };
}

function faultOfName(name: string, rules: DestinationRules): string | undefined {
  if (/^\d+$/.test(name)) return 'is a number; a priority is written behind its host: mail.example.com/pri=10';
  // A last label of digits is never a name: it would be read as part of an address (R12 refuses ranges).
  if (/(?:^|\.)\d+(?:-\d+)?\.?$/.test(name)) return 'is no address, and ranges of addresses are not taken';
  if (/\s/.test(name)) return 'has a blank in it; separate destinations by commas';
  const labels = name.endsWith('.') ? name.slice(0, -1) : name;
  if (
    !labels.includes('.') &&
    !rules.allowSingleLabel &&
    labels.toLowerCase() !== 'localhost' &&
    parseDomain(labels) !== undefined
  ) {
    return 'has one label only; write the full name of the host';
  }
  return undefined;
}

/** Unspecified, link-local (cloud metadata lies there), multicast, broadcast: no mail host answers at these. */
function isReserved(address: string): boolean {
  if (parseIpv4(address) !== undefined) return isReservedIpv4(address);
  const groups = ipv6Groups(address)!;
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped) return isReservedIpv4(`${groups[6]! >> 8}.${groups[6]! & 255}.${groups[7]! >> 8}.${groups[7]! & 255}`);
  return groups.every((group) => group === 0) || (groups[0]! & 0xffc0) === 0xfe80 || groups[0]! >= 0xff00;
}

function isReservedIpv4(address: string): boolean {
  const [first, second] = address.split('.', 2).map(Number) as [number, number];
  return first === 0 || (first === 169 && second === 254) || first >= 224;
}

function refuse(
  code: RouteFaultCode,
  field: string,
  token: string,
  message: string,
): Extract<ReadDestination, { kind: 'fault' }> {
  return { kind: 'fault', fault: routeFault(code, field, token, message) };
}

/** Prints a destination so that {@link readDestination} reads the same again; the default port is left out. */
export function printDestination({ lookup, host, port, priority }: DestinationHost): string {
  const isIpv6 = host.includes(':');
  const needsBrackets = lookup === 'name' || (isIpv6 && port !== DEFAULT_PORT);
  const place = needsBrackets ? `[${host}]` : host;
  return `${place}${port === DEFAULT_PORT ? '' : `:${port}`}${priority === 0 ? '' : `/pri=${priority}`}`;
}
