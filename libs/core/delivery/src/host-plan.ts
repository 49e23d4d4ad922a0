/**
 * From a route to the addresses to try, in order (R50 to R58, R63).
 *
 * A plan is made from what the DNS has answered so far. It either names the questions that are still open or it is
 * complete; whoever drives it asks and plans again, at most twice: MX first, then addresses. So every case of the DNS
 * is a value, and the work of an attempt is bounded whatever the DNS says.
 *
 * The answer is final: hosts that were found are never matched against the route table (R51, R52), and when none of
 * them answers there is no other source of hosts (R58).
 */
import type { AddressLiteral, Domain } from '@mailyard/mail';
import type { DestinationHost, RouteTarget } from '@mailyard/smtp-routes';
import { familiesOf, type IpPreference, orderAddresses } from './ip-preference.ts';
import { familiesOfGateway, type VirtualGateway } from './virtual-gateway.ts';
import type { AddressAnswer, Host, MxAnswer } from './ports.ts';

/** The hosts of one MX answer that are looked at: the best by preference. */
export const MX_HOST_LIMIT = 20;
/** Addresses of one host that are tried. */
export const ADDRESS_LIMIT = 8;
/** Addresses of one plan. */
const CANDIDATE_LIMIT = 100;

/** What the DNS has answered so far. */
export interface DnsAnswers {
  readonly mx: ReadonlyMap<string, MxAnswer>;
  readonly addresses: ReadonlyMap<string, AddressAnswer>;
}

export interface PlanOptions {
  /** How many connections this destination has had: destinations of one priority take turns by it (R55). */
  readonly turn: number;
  /** Numbers in [0, 1) that order MX hosts of equal preference; taken in order, again from the start at the end. */
  readonly random: readonly number[];
  readonly ipPreference: IpPreference;
  /** From where it leaves: addresses of a family that it has none of are not tried (R147). */
  readonly gateway?: VirtualGateway;
}

/** A destination of the entry, or the domain itself, that leads to no host. */
export interface DestinationFault {
  /** As logs show it. */
  readonly destination: string;
  /** Permanent: null MX, no such name, no address. Temporary: the DNS did not say (R63), or none may be used (R142). */
  readonly kind: 'permanent' | 'temporary';
  readonly reason: string;
  /** RFC 3463, RFC 7505 */
  readonly enhancedStatus: '4.4.3' | '4.4.4' | '5.1.2' | '5.1.10' | '5.4.4';
}

export type HostPlan =
  | { readonly kind: 'ask'; readonly mx: readonly Domain[]; readonly addresses: readonly Domain[] }
  /** In the order to be tried. Faults are those of destinations that led nowhere. */
  | { readonly kind: 'hosts'; readonly hosts: readonly Host[]; readonly faults: readonly DestinationFault[] }
  /** Permanent only if every destination fails permanently (R63). */
  | { readonly kind: 'nowhere'; readonly permanent: boolean; readonly faults: readonly DestinationFault[] };

type Expansion =
  | { readonly kind: 'ask'; readonly mx: readonly string[]; readonly addresses: readonly string[] }
  | { readonly kind: 'hosts'; readonly hosts: readonly Host[] }
  | { readonly kind: 'fault'; readonly fault: DestinationFault };

/**
 * Plans where to try a recipient domain.
 *
 * @param target hosts or DNS; `/dev/null` leads nowhere and is not planned
 */
export function planHosts(
  target: Exclude<RouteTarget, { kind: 'null' }>,
  domain: Domain | AddressLiteral,
  answers: DnsAnswers,
  options: PlanOptions,
): HostPlan {
  const destinations = target.kind === 'hosts' ? inTurn(target.hosts, options.turn) : [destinationOfDomain(domain)];
  const mx = new Set<string>();
  const addresses = new Set<string>();
  const hosts: Host[] = [];
  const faults: DestinationFault[] = [];
  const seen = new Set<string>();
  for (const destination of destinations) {
    const expansion = expand(destination, answers, options);
    if (expansion.kind === 'ask') {
      for (const name of expansion.mx) mx.add(name);
      for (const name of expansion.addresses) addresses.add(name);
    } else if (expansion.kind === 'fault') {
      faults.push(expansion.fault);
    } else {
      for (const host of expansion.hosts) {
        const key = hostKey(host);
        if (seen.has(key) || hosts.length >= CANDIDATE_LIMIT) continue;
        seen.add(key);
        hosts.push(host);
      }
    }
  }
  if (mx.size > 0 || addresses.size > 0) return { kind: 'ask', mx: domains(mx), addresses: domains(addresses) };
  if (hosts.length > 0) return { kind: 'hosts', hosts, faults };
  return { kind: 'nowhere', permanent: faults.every(({ kind }) => kind === 'permanent'), faults };
}

/**
 * Names a host where its state is kept: address and port, and by which virtual gateway, since a host may refuse one and
 * take mail from another.
 */
export function hostKey({ address, port }: Pick<Host, 'address' | 'port'>, gateway?: string): string {
  const key = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  return gateway === undefined ? key : `${key} via ${gateway}`;
}

/** Prints a host as logs and records show it: `name [address]:port`. */
export function formatHost({ name, address, port }: Host): string {
  return `${name} [${address}]:${port}`;
}

function domains(names: ReadonlySet<string>): Domain[] {
  return [...names] as Domain[];
}

/** Lower priorities first; inside one, each connection begins with the next destination (R54, R55). */
function inTurn(hosts: readonly DestinationHost[], turn: number): DestinationHost[] {
  const byPriority = Map.groupBy(hosts, ({ priority }) => priority);
  return [...byPriority.keys()]
    .sort((a, b) => a - b)
    .flatMap((priority) => {
      const equal = byPriority.get(priority)!;
      const first = turn % equal.length;
      return [...equal.slice(first), ...equal.slice(0, first)];
    });
}

/** Without an entry the recipient domain is its own destination; a literal is an address (RFC 5321 §5.1, §4.1.3). */
function destinationOfDomain(domain: Domain | AddressLiteral): DestinationHost {
  if (!domain.startsWith('[')) return { lookup: 'mx', host: domain, port: 25, priority: 0 };
  const inside = domain.slice(1, -1);
  return { lookup: 'address', host: inside.replace(/^IPv6:/i, ''), port: 25, priority: 0 };
}

function expand(destination: DestinationHost, answers: DnsAnswers, options: PlanOptions): Expansion {
  const { lookup, host: name, port } = destination;
  if (lookup === 'address') return hostsAt(name, port, [name], options);
  if (lookup === 'name') return expandName(name, port, answers, options);
  const mx = answers.mx.get(name);
  if (mx === undefined) return { kind: 'ask', mx: [name], addresses: [] };
  switch (mx.kind) {
    case 'nullMx':
      return fault(name, 'permanent', `${name} takes no mail (null MX)`, '5.1.10');
    case 'noSuchDomain':
      return fault(name, 'permanent', `${name} does not exist`, '5.1.2');
    case 'failure':
      return fault(name, 'temporary', `MX of ${name} not known: ${mx.reason}`, '4.4.3');
    case 'noData':
      return expandName(name, port, answers, options);
    default:
      return mx.hosts.length === 0
        ? expandName(name, port, answers, options)
        : expandMx(name, port, mx.hosts, answers, options);
  }
}

/** The port of the entry applies to every MX host (R53). */
function expandMx(
  destination: string,
  port: number,
  hosts: readonly { readonly exchange: string; readonly preference: number }[],
  answers: DnsAnswers,
  options: PlanOptions,
): Expansion {
  const found: Host[] = [];
  const open: string[] = [];
  const faults: DestinationFault[] = [];
  for (const exchange of byPreference(hosts, options.random)) {
    const expansion = expandName(exchange, port, answers, options);
    if (expansion.kind === 'ask') open.push(...expansion.addresses);
    else if (expansion.kind === 'hosts') found.push(...expansion.hosts);
    else faults.push(expansion.fault);
  }
  if (open.length > 0) return { kind: 'ask', mx: [], addresses: open };
  if (found.length > 0) return { kind: 'hosts', hosts: found };
  const temporary = faults.find(({ kind }) => kind === 'temporary');
  if (temporary !== undefined) return { kind: 'fault', fault: { ...temporary, destination } };
  return fault(destination, 'permanent', `no MX host of ${destination} has an address`, '5.4.4');
}

/** R56: by preference, random among equals. */
function byPreference(
  hosts: readonly { readonly exchange: string; readonly preference: number }[],
  random: readonly number[],
): string[] {
  const drawn = hosts.map(({ exchange, preference }, index) => ({
    exchange,
    preference,
    draw: random.length === 0 ? index : random[index % random.length]!,
  }));
  drawn.sort((a, b) => a.preference - b.preference || a.draw - b.draw);
  const names = new Set(drawn.map(({ exchange }) => exchange.toLowerCase()).filter((exchange) => exchange !== ''));
  return [...names].slice(0, MX_HOST_LIMIT);
}

function expandName(name: string, port: number, answers: DnsAnswers, options: PlanOptions): Expansion {
  const answer = answers.addresses.get(name);
  if (answer === undefined) return { kind: 'ask', mx: [], addresses: [name] };
  switch (answer.kind) {
    case 'noSuchDomain':
      return fault(name, 'permanent', `${name} does not exist`, '5.1.2');
    case 'noData':
      return fault(name, 'permanent', `${name} has no address`, '5.4.4');
    case 'failure':
      return fault(name, 'temporary', `addresses of ${name} not known: ${answer.reason}`, '4.4.3');
    default:
      return hostsAt(name, port, answer.addresses, options);
  }
}

/** A host without an address of a family that is required is waited for: it may get one, the row may change (R142). */
function hostsAt(
  name: string,
  port: number,
  addresses: readonly string[],
  { ipPreference, gateway }: PlanOptions,
): Expansion {
  const usable = orderAddresses(addresses, ipPreference, gateway && familiesOfGateway(gateway)).slice(0, ADDRESS_LIMIT);
  if (usable.length > 0) return { kind: 'hosts', hosts: usable.map((address) => ({ name, address, port })) };
  if (addresses.length === 0) return fault(name, 'permanent', `${name} has no usable address`, '5.4.4');
  if (gateway !== undefined && orderAddresses(addresses, ipPreference).length > 0)
    return fault(
      name,
      'temporary',
      `virtual gateway ${gateway.name} has no address from which ${name} can be reached`,
      '4.4.4',
    );
  const [required] = familiesOf(ipPreference);
  const reason = `${name} has no ${required} address, and the destination controls require one`;
  return fault(name, 'temporary', reason, '4.4.4');
}

function fault(
  destination: string,
  kind: DestinationFault['kind'],
  reason: string,
  enhancedStatus: DestinationFault['enhancedStatus'],
): Expansion {
  return { kind: 'fault', fault: { destination, kind, reason, enhancedStatus } };
}
