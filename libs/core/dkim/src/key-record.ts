import type { DkimAlgorithm } from './signature.ts';

/** The name under which the public key of a selector stands (RFC 6376 §3.6.2.1). */
export function keyRecordName({ domain, selector }: { readonly domain: string; readonly selector: string }): string {
  return `${selector}._domainkey.${domain}`;
}

/** The text of the record (RFC 6376 §3.6.1, RFC 8463 §4). @param publicKey base64: SubjectPublicKeyInfo of RSA, the bare key of Ed25519 */
export function keyRecordText(algorithm: DkimAlgorithm, publicKey: string): string {
  return `v=DKIM1; k=${algorithm === 'rsa-sha256' ? 'rsa' : 'ed25519'}; p=${publicKey}`;
}

/** A TXT record as a line of a master file (RFC 1035 §5.1), its text in strings of 255 octets at most. */
export function masterFileLine(name: string, text: string): string {
  const strings = (text.match(/.{1,255}/g) ?? []).map((part) => `"${part}"`);
  return `${name}. IN TXT ${strings.length === 1 ? strings[0] : `( ${strings.join(' ')} )`}`;
}

/** The public key of a record; '' for one that was revoked, undefined where the text is no record of a key. */
export function publicKeyIn(text: string): string | undefined {
  const tags = new Map(
    text.split(';').map((tag): [string, string] => {
      const equals = tag.indexOf('=');
      return [tag.slice(0, Math.max(0, equals)).trim(), tag.slice(equals + 1).replace(/\s/g, '')];
    }),
  );
  const version = tags.get('v');
  return version === undefined || version === 'DKIM1' ? tags.get('p') : undefined;
}
