import { type RouteFault, routeFault } from './route-fault.ts';
import {
  type ReadRoute,
  readRoute,
  type RouteRules,
  TargetPool,
  type WrittenRoute,
  writeRoute,
} from './route-grammar.ts';
import type { ReceivingDomain, SmtpRoute } from './smtp-route.ts';

/** What a file of routes may hold at most, whatever its table may hold. */
export const ROUTE_FILE_LIMITS = {
  octets: 64 * 1024 * 1024,
  lineCharacters: 32 * 1024,
  spareLines: 10_000,
  faults: 50_000,
} as const;

export type ReadRouteFile =
  | { readonly kind: 'routes'; readonly routes: readonly SmtpRoute[] }
  | { readonly kind: 'faults'; readonly faults: readonly RouteFault[] };

/** Lines read before the reader lets others have a turn. */
const LINES_A_TURN = 1000;

/**
 * Looks at the octets of a file before anything is made of them: size, compression, NUL.
 *
 * @returns undefined when they may be decoded (as UTF-8, strictly)
 */
export function checkRouteFileOctets(octets: Uint8Array): RouteFault | undefined {
  if (octets.length > ROUTE_FILE_LIMITS.octets) return fileFault(`has more than ${ROUTE_FILE_LIMITS.octets} octets`);
  if (octets[0] === 0x1f && octets[1] === 0x8b) return fileFault('is compressed; unpack it first');
  if (octets.includes(0)) return fileFault('has a NUL in it; it is no text');
  return undefined;
}

/** The fault of a file that is not UTF-8. */
export function notUtf8(): RouteFault {
  return fileFault('is not UTF-8');
}

/**
 * Reads a file of routes, all of it or nothing, and finds every fault with its line (R190 to R193).
 *
 * A generator: it pauses after every thousand lines, so that a server can go on with other work in between. It makes
 * one entry after the other and no copy of the text.
 *
 * @param text decoded, an optional byte order mark included
 */
export function* readRouteFile(text: string, rules: RouteRules): Generator<void, ReadRouteFile> {
  const faults: RouteFault[] = [];
  const routes: SmtpRoute[] = [];
  const lines = new Map<ReceivingDomain, number>();
  const pool = new TargetPool();
  const maxLines = rules.maxRoutes + ROUTE_FILE_LIMITS.spareLines;
  let start = text.startsWith('\u{FEFF}') ? 1 : 0;
  for (let line = 1; start < text.length; line++) {
    if (line > maxLines)
      return { kind: 'faults', faults: [...faults, { ...fileFault(`has more than ${maxLines} lines`), line }] };
    const feed = text.indexOf('\n', start);
    const end = feed < 0 ? text.length : feed;
    if (end - start > ROUTE_FILE_LIMITS.lineCharacters) {
      faults.push({ ...fileFault(`has a line of more than ${ROUTE_FILE_LIMITS.lineCharacters} characters`), line });
    } else {
      const written = readRouteLine(text.slice(start, end));
      if (written !== undefined) take(readRoute(written, rules, pool), line, lines, routes, faults);
    }
    if (faults.length >= ROUTE_FILE_LIMITS.faults) return { kind: 'faults', faults: [...faults, tooManyFaults(line)] };
    start = end + 1;
    if (line % LINES_A_TURN === 0) yield;
  }
  const custom = routes.length - (lines.has('ALL') ? 1 : 0);
  if (custom > rules.maxRoutes - 1) {
    const message = `has ${custom} entries besides ALL; the table takes ${rules.maxRoutes - 1}`;
    faults.push(routeFault('ROUTE_LIMIT', 'file', String(custom), message));
  }
  return faults.length > 0 ? { kind: 'faults', faults } : { kind: 'routes', routes };
}

function take(
  read: ReadRoute,
  line: number,
  lines: Map<ReceivingDomain, number>,
  routes: SmtpRoute[],
  faults: RouteFault[],
): void {
  if ('faults' in read) {
    for (const fault of read.faults) faults.push({ ...fault, line });
    return;
  }
  const { receivingDomain } = read.route;
  const earlier = lines.get(receivingDomain);
  if (earlier !== undefined) {
    const message = `stands in line ${earlier} and again in line ${line}`;
    faults.push({ ...routeFault('ROUTE_DUPLICATE', 'receivingDomain', receivingDomain, message), line });
    return;
  }
  lines.set(receivingDomain, line);
  routes.push(read.route);
}

/** Reads a file of routes in one go: {@link readRouteFile} without its pauses. */
export function parseRouteFile(text: string, rules: RouteRules): ReadRouteFile {
  const reader = readRouteFile(text, rules);
  for (;;) {
    const step = reader.next();
    if (step.done === true) return step.value;
  }
}

const LINE = /^(\S+)(?:[ \t]+(.*))?$/s;
const PROFILE = /^(.*)\/auth=([^/,\s]*)$/s;

/**
 * Takes one line apart: `<domain>[:] <dest>[, <dest>]*[/auth=NAME]` (R191).
 *
 * @returns undefined for a blank line and a comment
 */
export function readRouteLine(line: string): WrittenRoute | undefined {
  const text = trimBlanks(line);
  if (text === '' || text.startsWith('#')) return undefined;
  const match = LINE.exec(text);
  // A line of nothing but a carriage return and other space characters is left to the domain's reader to refuse.
  const [domain, list] = match === null ? [text, ''] : [match[1]!, match[2] ?? ''];
  const receivingDomain = domain.length > 1 && domain.endsWith(':') ? domain.slice(0, -1) : domain;
  const profile = PROFILE.exec(list);
  const destinations = splitDestinations(profile === null ? list : profile[1]!);
  return profile === null
    ? { receivingDomain, destinations }
    : { receivingDomain, destinations, authProfile: profile[2]! };
}

function trimBlanks(line: string): string {
  let start = 0;
  let end = line.length;
  if (end > 0 && line.charCodeAt(end - 1) === 13) end--;
  while (start < end && isBlank(line.charCodeAt(start))) start++;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end--;
  return line.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/** Splits a list of destinations at its commas; an empty place between two commas stays, to be refused. */
export function splitDestinations(list: string): readonly string[] {
  const trimmed = trimBlanks(list);
  return trimmed === '' ? [] : trimmed.split(',').map(trimBlanks);
}

/** Prints one entry as a line of the file, without an end of line. */
export function printRouteLine(route: SmtpRoute, width = 0): string {
  const { receivingDomain, destinations, authProfile } = writeRoute(route);
  const domain = route.receivingDomain === 'ALL' ? 'ALL:' : receivingDomain;
  const suffix = authProfile === undefined ? '' : `/auth=${authProfile}`;
  return `${domain.padEnd(width)} ${destinations.join(', ')}${suffix}`.trimEnd();
}

/**
 * Prints a file of routes: deterministic, the default last, the identity when read again (R194).
 *
 * @param routes in the order of the table
 * @param by the tool and its version
 * @param at UTC, ISO 8601
 */
export function printRouteFile(routes: Iterable<SmtpRoute>, by: string, at: string): string {
  const lines: string[] = [`# SMTP routes, exported by ${by} at ${at}`];
  let last = 'ALL:';
  for (const route of routes) {
    if (route.receivingDomain === 'ALL') last = printRouteLine(route);
    else lines.push(printRouteLine(route));
  }
  return `${lines.join('\n')}\n${last}\n`;
}

/** Ends the reading of a file that would fill the memory with its faults. */
export function tooManyFaults(line: number): RouteFault {
  return { ...fileFault(`has more than ${ROUTE_FILE_LIMITS.faults} faults; it was read to line ${line}`), line };
}

function fileFault(message: string): RouteFault {
  return routeFault('ROUTE_FILE_INVALID', 'file', '', `the file ${message}`);
}
