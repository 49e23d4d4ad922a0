import { type DestinationRules, printDestination, readDestination } from './destination.ts';
import { readReceivingDomain } from './receiving-domain.ts';
import { type RouteFault, routeFault } from './route-fault.ts';
import type { DestinationHost, RouteTarget, SmtpRoute } from './smtp-route.ts';

/** What an installation allows in its route table. */
export interface RouteRules extends DestinationRules {
  /** The most entries, `ALL` counted (R2, R3). */
  readonly maxRoutes: number;
  /** The most destinations of one entry (R22). */
  readonly maxDestinations: number;
}

export const DEFAULT_ROUTE_RULES: RouteRules = {
  maxRoutes: 10_000,
  maxDestinations: 100,
  allowSingleLabel: false,
  allowReserved: false,
};

/** An entry as it is typed, stored and sent: each piece a string of the table's grammar. */
export interface WrittenRoute {
  readonly receivingDomain: string;
  /** `host[:port][/pri=N]` each; or one of `USEDNS`, `/dev/null`; none at all only for `ALL` (R4). */
  readonly destinations: readonly string[];
  readonly authProfile?: string;
}

export type ReadRoute = { readonly route: SmtpRoute } | { readonly faults: readonly RouteFault[] };

const PROFILE_NAME = /^[A-Za-z0-9_.-]{1,64}$/;
const USEDNS: RouteTarget = { kind: 'usedns' };
const NULL: RouteTarget = { kind: 'null' };

const POOL_LIMIT = 50_000;

/** Targets read before under the same rules: entries that say the same share one, in memory and in work. */
export class TargetPool {
  readonly #targets = new Map<string, RouteTarget>();

  find(key: string): RouteTarget | undefined {
    return this.#targets.get(key);
  }

  keep(key: string, target: RouteTarget): void {
    if (this.#targets.size >= POOL_LIMIT) this.#targets.clear();
    this.#targets.set(key, target);
  }
}

/**
 * Reads an entry and finds all its faults at once (R7 to R23).
 *
 * @param pool for reading many
 */
export function readRoute(written: WrittenRoute, rules: RouteRules, pool?: TargetPool): ReadRoute {
  const domain = readReceivingDomain(written.receivingDomain);
  const faults: RouteFault[] = 'code' in domain ? [domain] : [];
  const { destinations, authProfile } = written;
  const key = pool === undefined ? '' : `${authProfile ?? ''}\n${destinations.join('\n')}`;
  const known = destinations.length === 0 ? undefined : pool?.find(key);
  const isDefault = !('code' in domain) && domain.receivingDomain === 'ALL';
  const target = known ?? readTarget(destinations, authProfile, isDefault, rules, faults);
  if (faults.length > 0 || 'code' in domain || target === undefined) return { faults };
  if (known === undefined && destinations.length > 0) pool?.keep(key, target);
  return { route: { ...domain, target } };
}

/**
 * Reads the right side of an entry.
 *
 * @param faults takes what is wrong
 * @returns undefined when something is
 */
export function readTarget(
  destinations: readonly string[],
  authProfile: string | undefined,
  isDefault: boolean,
  rules: RouteRules,
  faults: RouteFault[],
): RouteTarget | undefined {
  const before = faults.length;
  if (destinations.length === 0 && !isDefault) {
    faults.push(routeFault('ROUTE_DEST_INVALID', 'destinations', '', 'has no destination; only ALL may be empty'));
  }
  if (destinations.length > rules.maxDestinations) {
    const message = `has ${destinations.length} destinations; ${rules.maxDestinations} are allowed`;
    faults.push(routeFault('ROUTE_LIMIT', 'destinations', String(destinations.length), message));
    return undefined;
  }
  const hosts: DestinationHost[] = [];
  let keyword: RouteTarget | undefined;
  for (const [index, text] of destinations.entries()) {
    const field = `destinations[${index}]`;
    const read = readDestination(text, field, rules);
    if (read.kind === 'fault') faults.push(read.fault);
    else if (read.kind === 'host') hosts.push(read.host);
    else {
      keyword = read.keyword === 'USEDNS' ? USEDNS : NULL;
      if (read.isDecorated || destinations.length > 1 || authProfile !== undefined) {
        faults.push(routeFault('ROUTE_KEYWORD_NOT_ALONE', field, text, `${read.keyword} stands alone in its entry`));
      }
    }
  }
  findDuplicates(hosts, destinations, faults);
  if (authProfile !== undefined) findProfileFaults(authProfile, hosts.length > 0 || keyword !== undefined, faults);
  if (faults.length > before) return undefined;
  if (keyword !== undefined) return keyword;
  if (hosts.length === 0) return USEDNS;
  return authProfile === undefined ? { kind: 'hosts', hosts } : { kind: 'hosts', hosts, authProfile };
}

function findDuplicates(
  hosts: readonly DestinationHost[],
  destinations: readonly string[],
  faults: RouteFault[],
): void {
  if (hosts.length < 2 || hosts.length !== destinations.length) return;
  const seen = new Map<string, number>();
  for (const [index, { host, port }] of hosts.entries()) {
    const earlier = seen.get(`${host} ${port}`);
    if (earlier === undefined) seen.set(`${host} ${port}`, index);
    else {
      const message = `is the same host and port as ${destinations[earlier]}`;
      faults.push(routeFault('ROUTE_DEST_DUPLICATE', `destinations[${index}]`, destinations[index]!, message));
    }
  }
}

function findProfileFaults(name: string, hasDestination: boolean, faults: RouteFault[]): void {
  if (!PROFILE_NAME.test(name)) {
    const message = 'is no name of a profile: letters, digits, dot, hyphen, underscore, at most 64';
    faults.push(routeFault('ROUTE_AUTH_PROFILE_UNKNOWN', 'authProfile', name, message));
  } else if (!hasDestination) {
    faults.push(
      routeFault('ROUTE_KEYWORD_NOT_ALONE', 'authProfile', name, 'an empty ALL takes no authentication profile'),
    );
  }
}

/** Prints an entry as {@link readRoute} reads it; an empty `ALL` and `ALL USEDNS` mean the same and print as empty (R5). */
export function writeRoute(route: SmtpRoute): WrittenRoute {
  const receivingDomain = route.typedDomain ?? route.receivingDomain;
  const destinations = printTarget(route.target, route.receivingDomain === 'ALL');
  const authProfile = route.target.kind === 'hosts' ? route.target.authProfile : undefined;
  return authProfile === undefined ? { receivingDomain, destinations } : { receivingDomain, destinations, authProfile };
}

/** The destinations of a target as strings, the authentication profile left out. */
export function printTarget(target: RouteTarget, isDefault = false): readonly string[] {
  if (target.kind === 'hosts') return target.hosts.map(printDestination);
  if (target.kind === 'null') return ['/dev/null'];
  return isDefault ? [] : ['USEDNS'];
}

/** Whether two targets send mail the same way. */
export function isSameTarget(a: RouteTarget, b: RouteTarget): boolean {
  if (a === b) return true;
  if (a.kind !== 'hosts' || b.kind !== 'hosts') return a.kind === b.kind;
  return (
    a.authProfile === b.authProfile &&
    a.hosts.length === b.hosts.length &&
    a.hosts.every((host, index) => {
      const other = b.hosts[index]!;
      return (
        host.host === other.host &&
        host.port === other.port &&
        host.priority === other.priority &&
        host.lookup === other.lookup
      );
    })
  );
}

/** Where an answer leads, as the table writes it; `DNS` for the recipient domain's own exchangers. */
export function printAnswer({ target }: { readonly target: RouteTarget }): string {
  return target.kind === 'usedns' ? 'DNS' : printTarget(target).join(', ');
}
