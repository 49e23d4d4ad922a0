/** TLS of a session: how it is asked for, and what is to be said of it once it is there. */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import {
  type Host,
  judgeDane,
  judgesCertificate,
  type RelayOptions,
  type SessionTls,
  type TlsFault,
} from '@mailyard/delivery-rules';
import { judgeCertificate, shownCertificates } from './certificate.ts';
import type { TlsContext } from './tls-context.ts';

/** The name by which the host is asked for its certificate (SNI); none for an address. */
export function serverName({ name }: Host, { dane }: RelayOptions): string | undefined {
  const asked = dane?.base ?? name;
  return isIP(asked) === 0 ? asked : undefined;
}

/** Sessions are never resumed, so that nothing which was found under other terms counts. */
export function handshakeOptions(host: Host, options: RelayOptions, context: TlsContext): ConnectionOptions {
  const servername = serverName(host, options);
  const { tls, dane, mtaSts } = options;
  return {
    ...(servername === undefined ? {} : { servername }),
    secureContext: context.get(dane === undefined && (mtaSts !== undefined || judgesCertificate(tls))),
    // Which names count is said by `describeTls`, and what follows by `refusalOf`.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  };
}

/** What a handshake led to. */
export function describeTls(socket: TLSSocket, host: Host, options: RelayOptions): SessionTls {
  const { tls, dane, mtaSts, certificateNames = [] } = options;
  const session = { protocol: socket.getProtocol() ?? '', cipher: socket.getCipher().name };
  const names = [host.name, ...certificateNames];
  if (dane !== undefined) {
    const fault = judgeDane(dane.records, {
      chain: shownCertificates(socket),
      names: [...new Set([dane.base, ...names])],
      now: Date.now(),
      digest: (algorithm, octets) => createHash(algorithm).update(octets).digest(),
    });
    return fault === undefined ? { ...session, certificate: 'dane' } : { ...session, certificate: 'unverified', fault };
  }
  if (mtaSts === undefined && !judgesCertificate(tls)) return { ...session, certificate: 'unjudged' };
  const shown = socket.getPeerX509Certificate();
  // For the host's own name alone, and no common name (RFC 8461 §4.2).
  const policyFault = mtaSts === undefined ? undefined : judgeCertificate(socket, shown, [host.name], 'never');
  const fault = judgesCertificate(tls) ? judgeCertificate(socket, shown, names) : policyFault;
  return {
    ...session,
    ...(fault === undefined ? { certificate: 'verified' } : { certificate: 'unverified', fault: fault.reason }),
    ...(policyFault === undefined ? {} : { policyFault }),
  };
}

/** Why nothing may be sent over a session, if so (R144). */
export function refusalOf(
  { fault, policyFault }: SessionTls,
  { tls, dane, mtaSts }: RelayOptions,
): { readonly reason: string; readonly tlsResult?: TlsFault['result'] } | undefined {
  if (policyFault !== undefined && mtaSts === 'enforce')
    return { reason: `certificate not verified: ${policyFault.reason}`, tlsResult: policyFault.result };
  const mustHold = dane !== undefined || tls === 'requiredVerify';
  return fault !== undefined && mustHold ? { reason: `certificate not verified: ${fault}` } : undefined;
}
