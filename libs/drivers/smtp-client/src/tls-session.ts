/** TLS of a session: how it is asked for, and what is to be said of it once it is there. */
import { isIP } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { type Host, judgesCertificate, type RelayOptions, type SessionTls } from '@mailyard/delivery-rules';
import { judgeCertificate } from './certificate.ts';
import type { TlsContext } from './tls-context.ts';

/** Sessions are never resumed, so that nothing which was found under other terms counts. */
export function handshakeOptions({ name }: Host, { tls }: RelayOptions, context: TlsContext): ConnectionOptions {
  return {
    ...(isIP(name) === 0 ? { servername: name } : {}),
    secureContext: context.get(judgesCertificate(tls)),
    // Which names count is said by `describeTls`, and what follows by `refusalOf`.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  };
}

/** What a handshake led to. */
export function describeTls(socket: TLSSocket, host: Host, { tls, certificateNames = [] }: RelayOptions): SessionTls {
  const session = { protocol: socket.getProtocol() ?? '', cipher: socket.getCipher().name };
  if (!judgesCertificate(tls)) return { ...session, certificate: 'unjudged' };
  const fault = judgeCertificate(socket, [host.name, ...certificateNames]);
  return fault === undefined
    ? { ...session, certificate: 'verified' }
    : { ...session, certificate: 'unverified', fault };
}

/** Why nothing may be sent over a session, if so (R144). */
export function refusalOf({ fault }: SessionTls, { tls }: RelayOptions): string | undefined {
  return fault === undefined || tls !== 'requiredVerify' ? undefined : `certificate not verified: ${fault}`;
}
