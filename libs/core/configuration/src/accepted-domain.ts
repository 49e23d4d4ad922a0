import { readRoute, type ReadRoute, routeFault, type RouteRules } from '@mailyard/smtp-routes';

/** A domain (or `.domain`) to take mail for, and where to send it: what the wizard and `start --accept` are given (R171). */
export interface AcceptedDomain {
  readonly domain: string;
  readonly destinations: readonly string[];
}

/**
 * Reads one as the route that is to be made. `ALL` is refused: the gateway would be an open relay, which nobody means by
 * naming a domain.
 */
export function readAcceptedDomain({ domain, destinations }: AcceptedDomain, rules: RouteRules): ReadRoute {
  const read = readRoute({ receivingDomain: domain, destinations }, rules);
  if ('faults' in read || read.route.receivingDomain !== 'ALL') return read;
  const message = 'is no domain: the gateway would take mail for everyone';
  return { faults: [routeFault('ROUTE_DOMAIN_INVALID', 'receivingDomain', 'ALL', message)] };
}
