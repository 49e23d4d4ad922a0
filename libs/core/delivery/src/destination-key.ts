import type { AddressLiteral, Domain } from '@mailyard/mail';
import type { DestinationHost, RouteTarget } from '@mailyard/smtp-routes';
import type { DeliveryTerms } from './delivery-terms.ts';

/**
 * Names what mail is batched by (R103). Mail with the same key shares a ready queue, transactions and connections;
 * mail with another key never does, so that authentication profiles stay apart (R153).
 */
export type DestinationKey = string & { readonly __brand: 'DestinationKey' };

/** `destination`: all domains behind the same hosts together (R103); `domain`: each domain for itself (R102). */
export type BatchBy = 'destination' | 'domain';

/**
 * The destination of a recipient domain under a route.
 *
 * An explicit entry is named by its hosts, ports, priorities and profile in canonical order, so that entries which say
 * the same in another order are one destination; `USEDNS` and no entry are named by the recipient domain.
 *
 * Domains to which different rows of the destination controls apply are apart, so that no transaction is made under two
 * of them (A9), and each domain is for itself where its recipients are counted.
 *
 * Mail of a virtual gateway is apart from all other mail (R147).
 *
 * @param gateway its name; undefined for none
 * @returns undefined for `/dev/null`, which leads nowhere
 */
export function destinationKey(
  target: RouteTarget,
  domain: Domain | AddressLiteral,
  batchBy: BatchBy,
  { row, recipients }: Pick<DeliveryTerms, 'row' | 'recipients'> = {},
  gateway?: string,
): DestinationKey | undefined {
  if (target.kind === 'null') return undefined;
  const via = gateway === undefined ? '' : ` via ${gateway}`;
  if (target.kind === 'usedns') return `${domain}${via}` as DestinationKey;
  const hosts = [...target.hosts].sort(compareHosts).map(formatDestinationHost).join(',');
  const profile = target.authProfile === undefined ? '' : `/auth=${target.authProfile}`;
  const under = row === undefined ? '' : ` under ${row}`;
  const isAlone = batchBy === 'domain' || (recipients !== undefined && row !== domain);
  return `${hosts}${profile}${under}${isAlone ? ` for ${domain}` : ''}${via}` as DestinationKey;
}

/** Prints a destination host as it stands in an entry: `host`, `host:2525`, `[host]`, `192.0.2.1`, `…/pri=10`. */
function formatDestinationHost({ lookup, host, port, priority }: DestinationHost): string {
  const name = lookup === 'name' || (host.includes(':') && port !== 25) ? `[${host}]` : host;
  return `${name}${port === 25 ? '' : `:${port}`}${priority === 0 ? '' : `/pri=${priority}`}`;
}

function compareHosts(a: DestinationHost, b: DestinationHost): number {
  if (a.priority !== b.priority) return a.priority - b.priority;
  if (a.host !== b.host) return a.host < b.host ? -1 : 1;
  if (a.port !== b.port) return a.port - b.port;
  return a.lookup < b.lookup ? -1 : a.lookup > b.lookup ? 1 : 0;
}
