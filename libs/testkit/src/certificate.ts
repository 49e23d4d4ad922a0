import { createPrivateKey, createSign, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** A private key and its certificate, self-signed unless said otherwise, both PEM. */
export interface SelfSignedCertificate {
  readonly key: string;
  readonly cert: string;
}

/** Who else signs a certificate, and what kind it is. */
export interface CertificateMaking {
  /** Absent: it signs itself. */
  readonly issuer?: SelfSignedCertificate;
  /** It may sign others. */
  readonly isAuthority?: boolean;
}

/**
 * Makes a certificate (ECDSA P-256, valid from the day before `now` for a year) without any program but Node.
 *
 * @param names DNS names and IPv4 addresses it is for; the first is its common name
 * @see RFC 5280 §4.1
 */
export function makeCertificate(
  names: readonly string[] = ['localhost'],
  now = new Date(),
  { issuer, isAuthority = false }: CertificateMaking = {},
): SelfSignedCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'));
  const subject = nameOf(names[0] ?? 'localhost');
  const above = issuer === undefined ? subject : nameOf(commonNameOf(issuer));
  const day = 86_400_000;
  const validity = sequence(time(new Date(now.getTime() - day)), time(new Date(now.getTime() + 365 * day)));
  const alternativeNames = sequence(
    ...names.map((text) =>
      isIPv4(text) ? der(0x87, Buffer.from(text.split('.').map(Number))) : der(0x82, Buffer.from(text)),
    ),
  );
  const extensions = sequence(
    sequence(oid('2.5.29.17'), der(0x04, alternativeNames)),
    ...(isAuthority ? [sequence(oid('2.5.29.19'), der(0x04, sequence(der(0x01, Buffer.from([0xff])))))] : []),
  );
  const serial = randomBytes(8);
  serial[0] = (serial[0]! & 0x3f) | 0x40;
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    algorithm,
    above,
    validity,
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const signature = createSign('sha256')
    .update(toBeSigned)
    .sign(issuer === undefined ? privateKey : createPrivateKey(issuer.key));
  const certificate = sequence(toBeSigned, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
  // No empty line at the end, which OpenSSL would not read.
  const lines = certificate
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  };
}

function nameOf(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid('2.5.4.3'), der(0x0c, Buffer.from(commonName)))));
}

function commonNameOf({ cert }: SelfSignedCertificate): string {
  return new X509Certificate(cert).subject.replace(/^CN=/, '');
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const octets = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...octets]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function time(at: Date): Buffer {
  const digits = at.toISOString().replace(/\.\d+/, '').replace(/[-:T]/g, '');
  return der(0x17, Buffer.from(digits.slice(2)));
}

function oid(dotted: string): Buffer {
  const [first, second, ...rest] = dotted.split('.').map(Number);
  const octets = [first! * 40 + second!];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    octets.push(...groups);
  }
  return der(0x06, Buffer.from(octets));
}
