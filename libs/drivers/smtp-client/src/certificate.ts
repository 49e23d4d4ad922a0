import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ShownCertificate, TlsFault } from '@mailyard/delivery-rules';

/** What an operator reads of a host's names is of the host's choosing. */
const SHOWN_CHARACTERS = 200;
/** Left to OpenSSL; RFC 9525 allows the wildcard as a whole label only, and AsyncOS the common name where no other is given. */
const MATCHING = { subject: 'default', wildcards: true, partialWildcards: false, multiLabelWildcards: false } as const;

/** Where the common name counts: where no other name is given, or never (RFC 8461 §4.2). */
export type CommonName = 'default' | 'never';

/**
 * Judges the certificate of a host after its handshake: the chain to an authority of the socket's context, the dates,
 * and that it is for one of the names; addresses are looked for among its IP addresses.
 *
 * @param certificate as `getPeerX509Certificate` gives it, which it does but once
 * @returns what is wrong with it; undefined when it holds
 * @see RFC 5280 §6; RFC 9525 §6
 */
export function judgeCertificate(
  socket: TLSSocket,
  certificate: X509Certificate | undefined,
  names: readonly string[],
  commonName: CommonName = 'default',
): TlsFault | undefined {
  if (certificate === undefined) return { result: 'certificate-not-trusted', reason: 'none was shown' };
  const code = socket.authorizationError as unknown as string | undefined;
  if (!socket.authorized) return faultOfChain(String(code), certificate);
  if (names.some((name) => isFor(certificate, name, commonName))) return undefined;
  return { result: 'certificate-host-mismatch', reason: faultOfName(certificate, names) };
}

interface X509Shown extends ShownCertificate {
  readonly certificate: X509Certificate;
}

/** More than any chain that is meant to be followed. */
const CHAIN_LIMIT = 20;

/** The certificates that a host has shown, its own first, each followed by its issuer. */
export function shownCertificates(socket: TLSSocket): readonly X509Shown[] {
  const chain: X509Shown[] = [];
  let next = socket.getPeerX509Certificate();
  while (next !== undefined && chain.length < CHAIN_LIMIT) {
    const certificate = next;
    chain.push({
      certificate,
      octets: certificate.raw,
      publicKey: certificate.publicKey.export({ type: 'spki', format: 'der' }),
      isAuthority: certificate.ca,
      validFrom: certificate.validFromDate.getTime(),
      validTo: certificate.validToDate.getTime(),
      isSignedBy: (other) =>
        certificate.checkIssued(other.certificate) && certificate.verify(other.certificate.publicKey),
      isFor: (name) => isFor(certificate, name),
    });
    next = certificate.issuerCertificate;
  }
  return chain;
}

/** Whether a certificate is for a host name or an address. */
export function isFor(certificate: X509Certificate, name: string, commonName: CommonName = 'default'): boolean {
  if (isIP(name) !== 0) return certificate.checkIP(name) !== undefined;
  return certificate.checkHost(name, { ...MATCHING, subject: commonName }) !== undefined;
}

/** By the name of OpenSSL's error (X509_STORE_CTX_get_error(3)). */
function faultOfChain(code: string, certificate: X509Certificate): TlsFault {
  const isOfDates = code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID';
  return {
    result: isOfDates ? 'certificate-expired' : 'certificate-not-trusted',
    reason: reasonOfChain(code, certificate),
  };
}

function reasonOfChain(code: string, { issuer, validFromDate, validToDate }: X509Certificate): string {
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return validToDate.getTime() < Date.now()
        ? `expired on ${dateOf(validToDate)}`
        : 'the certificate of an authority above it has expired';
    case 'CERT_NOT_YET_VALID':
      return `not valid before ${dateOf(validFromDate)}`;
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return 'self-signed';
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return `unknown authority ${shown(issuer)}`;
    default:
      return code.toLowerCase().replaceAll('_', ' ');
  }
}

function faultOfName(certificate: X509Certificate, names: readonly string[]): string {
  const own = certificate.subjectAltName ?? certificate.subject;
  return `wrong name: it is for ${shown(own)}, not for ${[...new Set(names)].join(' or ')}`;
}

function dateOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function shown(text: string): string {
  const printable = text.replaceAll('\n', ', ').replaceAll(/[^\x20-\x7e]/g, '?');
  return printable.length <= SHOWN_CHARACTERS ? printable : `${printable.slice(0, SHOWN_CHARACTERS)}...`;
}
