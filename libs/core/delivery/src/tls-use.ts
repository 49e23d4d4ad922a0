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
