import type { AddressLiteral, Domain } from '@mailyard/mail';
import type { RouteTarget } from '@mailyard/smtp-routes';
import type { BatchBy } from './destination-key.ts';
import type { DeliveryTerms } from './delivery-terms.ts';

/**
 * What is asked of TLS towards hosts (R144), after AsyncOS. `preferred` takes it where it is offered, `required` sends
 * nothing without. The `Verify` of each judges the certificate as well: `preferredVerify` tells what it found and sends
 * all the same, `requiredVerify` sends nothing to a host whose certificate does not hold.
 */
export type TlsUse = 'none' | 'preferred' | 'preferredVerify' | 'required' | 'requiredVerify';

/** Whether nothing is sent in the clear. */
export function demandsTls(tls: TlsUse): boolean {
  return tls === 'required' || tls === 'requiredVerify';
}

/** Whether the certificate is judged, whatever follows from that. */
export function judgesCertificate(tls: TlsUse): boolean {
  return tls === 'preferredVerify' || tls === 'requiredVerify';
}

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
