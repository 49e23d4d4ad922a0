/**
 * Reads the route tables of other programs: sendmail's mailertable and Postfix's transport table (R195). Both match a
 * name without a dot exactly, so the table that takes them over is set to the mode `dotted` (R37).
 */
import { type RouteFault, routeFault } from './route-fault.ts';
import { type ReadRouteFile, ROUTE_FILE_LIMITS, tooManyFaults } from './route-file.ts';
import { readRoute, type RouteRules, type WrittenRoute } from './route-grammar.ts';
import type { ReceivingDomain, SmtpRoute } from './smtp-route.ts';

export type ForeignFormat = 'mailertable' | 'transport';

/** A line taken apart, or why it cannot be taken over. */
type Converted = WrittenRoute | { readonly problem: string };

/** What one line of each table means, with continuation lines joined where the format has them. */
const CONVERTERS: { readonly [F in ForeignFormat]: (key: string, value: string) => Converted } = {
  mailertable: convertMailertable,
  transport: convertTransport,
};

/**
 * Reads such a table, all of it or nothing; whatever has no counterpart here is a fault with its line, so that nothing
 * is dropped in silence.
 *
 * A generator like {@link readRouteFile}: it pauses after every thousand lines.
 *
 * @param text the source of the table, not its compiled form
 */
export function* readForeignTable(
  text: string,
  format: ForeignFormat,
  rules: RouteRules,
): Generator<void, ReadRouteFile> {
  const faults: RouteFault[] = [];
  const routes: SmtpRoute[] = [];
  const seen = new Map<ReceivingDomain, number>();
  const maxLines = rules.maxRoutes + ROUTE_FILE_LIMITS.spareLines;
  let read = 0;
  for (const { line, content } of entriesOf(text, format, maxLines)) {
    if (++read % 1000 === 0) yield;
    if (line > maxLines || content.length > ROUTE_FILE_LIMITS.lineCharacters) {
      faults.push({
        ...routeFault('ROUTE_FILE_INVALID', 'file', '', `the file has a line too many or one too long (line ${line})`),
        line,
      });
      break;
    }
    const blank = content.search(/[ \t]/);
    const [key, value] = blank < 0 ? [content, ''] : [content.slice(0, blank), content.slice(blank).trim()];
    const converted = CONVERTERS[format](key, value);
    if ('problem' in converted)
      faults.push({ ...routeFault('ROUTE_NOT_CONVERTIBLE', 'line', content, converted.problem), line });
    else takeOver(converted, line, rules, seen, routes, faults);
    if (faults.length >= ROUTE_FILE_LIMITS.faults) return { kind: 'faults', faults: [...faults, tooManyFaults(line)] };
  }
  return faults.length > 0 ? { kind: 'faults', faults } : { kind: 'routes', routes };
}

function takeOver(
  written: WrittenRoute,
  line: number,
  rules: RouteRules,
  seen: Map<ReceivingDomain, number>,
  routes: SmtpRoute[],
  faults: RouteFault[],
): void {
  const result = readRoute(written, rules);
  if ('faults' in result) {
    for (const fault of result.faults) faults.push({ ...fault, line });
    return;
  }
  const { receivingDomain } = result.route;
  const earlier = seen.get(receivingDomain);
  if (earlier !== undefined) {
    const message = `stands in line ${earlier} and again in line ${line}`;
    faults.push({ ...routeFault('ROUTE_DUPLICATE', 'receivingDomain', receivingDomain, message), line });
    return;
  }
  seen.set(receivingDomain, line);
  routes.push(result.route);
}

/**
 * The entries of a table. Postfix continues an entry on lines that begin with a blank (postmap(1)). A line too many is an
 * entry too, and the last, whatever it holds.
 */
function* entriesOf(
  text: string,
  format: ForeignFormat,
  maxLines: number,
): Iterable<{ readonly line: number; readonly content: string }> {
  let open: { line: number; content: string } | undefined;
  let start = 0;
  for (let line = 1; start < text.length; line++) {
    const feed = text.indexOf('\n', start);
    const end = feed < 0 ? text.length : feed;
    const raw = text.slice(start, end).replace(/\r$/, '');
    start = end + 1;
    if (line > maxLines) {
      if (open !== undefined) yield open;
      yield { line, content: raw };
      return;
    }
    if (raw.trim() === '' || raw.trimStart().startsWith('#')) continue;
    if (format === 'transport' && open !== undefined && /^[ \t]/.test(raw)) open.content += ` ${raw.trim()}`;
    else {
      if (open !== undefined) yield open;
      open = { line, content: raw.trim() };
    }
  }
  if (open !== undefined) yield open;
}

const SMTP_MAILERS: ReadonlySet<string> = new Set(['smtp', 'esmtp', 'smtp8', 'dsmtp', 'relay']);

/** `domain mailer:host[:host...]`; `.` alone is everything else. @see sendmail, cf/README, MAILERTABLE */
function convertMailertable(key: string, value: string): Converted {
  const colon = value.indexOf(':');
  if (colon < 0) return { problem: 'has no mailer: it should be mailer:host' };
  const [mailer, rest] = [value.slice(0, colon).toLowerCase(), value.slice(colon + 1).trim()];
  const receivingDomain = key === '.' ? 'ALL' : key;
  if (mailer === 'discard') return { receivingDomain, destinations: ['/dev/null'] };
  if (!SMTP_MAILERS.has(mailer)) return { problem: `has the mailer ${mailer}, which no route stands for` };
  if (rest.includes('%')) return { problem: 'puts a part of the domain into the host, which a route cannot' };
  if (rest === '') return { problem: 'names no host' };
  return { receivingDomain, destinations: inOrder(splitHosts(rest, ':')) };
}

/** `pattern transport:nexthop`; `*` is everything else. @see transport(5) */
function convertTransport(key: string, value: string): Converted {
  if (key.includes('@')) return { problem: 'is for one address; a route is for a domain' };
  const receivingDomain = key === '*' ? 'ALL' : key;
  const colon = value.indexOf(':');
  if (colon < 0) return { problem: 'has no transport: it should be transport:nexthop' };
  const [transport, nexthop] = [value.slice(0, colon).toLowerCase(), value.slice(colon + 1).trim()];
  if (transport === 'discard') return { receivingDomain, destinations: ['/dev/null'] };
  if (transport !== '' && transport !== 'smtp' && transport !== 'relay')
    return { problem: `has the transport ${transport}, which no route stands for` };
  if (nexthop === '') return { receivingDomain, destinations: receivingDomain === 'ALL' ? [] : ['USEDNS'] };
  return { receivingDomain, destinations: inOrder(splitHosts(nexthop, ',').map(numberedPort)) };
}

/** Splits at separators outside brackets. */
function splitHosts(text: string, separator: string): string[] {
  const hosts: string[] = [];
  let start = 0;
  let isBracketed = false;
  for (let i = 0; i <= text.length; i++) {
    const character = text[i];
    if (character === '[') isBracketed = true;
    else if (character === ']') isBracketed = false;
    if (i < text.length && (isBracketed || (character !== separator && !(separator === ',' && /\s/.test(character!)))))
      continue;
    if (i > start) hosts.push(text.slice(start, i));
    start = i + 1;
  }
  return hosts;
}

/**
 * Both programs try several hosts in the order in which they stand; here, without priorities, they would take turns.
 *
 * @see sendmail, "Installation and Operation Guide", IPC mailers; transport(5) of Postfix 3.5
 */
function inOrder(hosts: readonly string[]): string[] {
  return hosts.map((host, place) => (place === 0 ? host : `${host}/pri=${place * 10}`));
}

/** Postfix takes names of services for ports. */
function numberedPort(host: string): string {
  return host.replace(/:smtp$/i, ':25').replace(/:submission$/i, ':587');
}
