import type { AddressLiteral, Domain } from '@mailyard/mail';
import type { RouteTarget } from '@mailyard/smtp-routes';
import type { BatchBy } from './destination-key.ts';
import type { DeliveryTerms } from './delivery-terms.ts';

/**
 * The names, besides the host's own, for one of which its certificate may be (as AsyncOS compares them): those in the
 * route whose MX hosts are used, and the recipient domain where no other domain's mail goes over the same connections.
 */
export function certificateNames(
  target: RouteTarget,
  domain: Domain | AddressLiteral,
  batchBy: BatchBy,
  { row, recipients }: Pick<DeliveryTerms, 'row' | 'recipients'>,
): readonly string[] {
  const names = target.kind === 'hosts' ? target.hosts.filter(({ lookup }) => lookup === 'mx') : [];
  const isAlone = target.kind === 'usedns' || batchBy === 'domain' || row === domain || recipients !== undefined;
  return [...names.map(({ host }) => host), ...(isAlone && !domain.startsWith('[') ? [domain] : [])];
}
