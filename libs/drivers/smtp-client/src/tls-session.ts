/** TLS of a session: how it is asked for, and what is to be said of it once it is there. */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { type Host, judgeDane, judgesCertificate, type RelayOptions, type SessionTls } from '@mailyard/delivery-rules';
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
  return {
    ...(servername === undefined ? {} : { servername }),
    secureContext: context.get(options.dane === undefined && judgesCertificate(options.tls)),
    // Which names count is said by `describeTls`, and what follows by `refusalOf`.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  };
}

/** What a handshake led to. */
export function describeTls(socket: TLSSocket, host: Host, options: RelayOptions): SessionTls {
  const { tls, dane, certificateNames = [] } = options;
  const session = { protocol: socket.getProtocol() ?? '', cipher: socket.getCipher().name };
  if (dane === undefined && !judgesCertificate(tls)) return { ...session, certificate: 'unjudged' };
  const names = [host.name, ...certificateNames];
  const fault =
    dane === undefined
      ? judgeCertificate(socket, names)
      : judgeDane(dane.records, {
          chain: shownCertificates(socket),
          names: [...new Set([dane.base, ...names])],
          now: Date.now(),
          digest: (algorithm, octets) => createHash(algorithm).update(octets).digest(),
        });
  if (fault !== undefined) return { ...session, certificate: 'unverified', fault };
  return { ...session, certificate: dane === undefined ? 'verified' : 'dane' };
}

/** Why nothing may be sent over a session, if so (R144). */
export function refusalOf({ fault }: SessionTls, { tls, dane }: RelayOptions): string | undefined {
  const mustHold = dane !== undefined || tls === 'requiredVerify';
  return fault !== undefined && mustHold ? `certificate not verified: ${fault}` : undefined;
}
