import type { DkimProfile } from '@mailyard/configuration';
import type { OctetText } from '@mailyard/mail';
import type { BodyCanonicalization } from './body-canonicalization.ts';
import type { SignedFields } from './signed-fields.ts';

export type DkimAlgorithm = 'rsa-sha256' | 'ed25519-sha256';

/** What a signature says besides the fields that it covers. */
export interface SignatureTerms
  extends Pick<DkimProfile, 'domain' | 'selector' | 'canonicalization' | 'expiresAfterSeconds'> {
  readonly algorithm: DkimAlgorithm;
  /** Base64. */
  readonly bodyHash: string;
  /** Seconds of the epoch. */
  readonly at: number;
}

/** A signature without its value: the field so far, and the octets that are to be signed. */
export interface UnfinishedSignature {
  /** DKIM-Signature up to its last tag, `b=`. */
  readonly field: OctetText;
  readonly data: OctetText;
}

/** Characters of a line that folding keeps to (RFC 5322 §2.1.1). */
const LINE = 78;

/** The canonicalization of a profile's bodies. */
export function bodyCanonicalizationOf({
  canonicalization,
}: Pick<DkimProfile, 'canonicalization'>): BodyCanonicalization {
  return canonicalization?.endsWith('/simple') === true ? 'simple' : 'relaxed';
}

/** Makes a signature up to its value (RFC 6376 §3.5, §3.7). The same terms give the same octets. */
export function composeSignature({ names, fields }: SignedFields, terms: SignatureTerms): UnfinishedSignature {
  const {
    algorithm,
    canonicalization = 'relaxed/relaxed',
    domain,
    selector,
    at,
    expiresAfterSeconds,
    bodyHash,
  } = terms;
  const list = names.map((name, place) => (place === names.length - 1 ? `${name};` : `${name}:`));
  const field = fold([
    'DKIM-Signature: v=1;',
    ` a=${algorithm};`,
    ` c=${canonicalization};`,
    ` d=${domain};`,
    ` s=${selector};`,
    ` t=${at};`,
    ...(expiresAfterSeconds === undefined ? [] : [` x=${at + expiresAfterSeconds};`]),
    ` h=${list[0]}`,
    ...list.slice(1),
    ` bh=${bodyHash};`,
    ' b=',
  ]);
  const canonical = canonicalization.startsWith('relaxed/') ? relaxedField : (whole: OctetText) => whole;
  // The signature's own field comes last and without a line end (§3.7).
  const data = [...fields, field].map(canonical).join('\r\n');
  return { field, data };
}

/** Puts the value into a signature: the whole field, its CRLF too. @param value base64 */
export function finishSignature({ field }: UnfinishedSignature, value: string): OctetText {
  const room = LINE - (field.length - field.lastIndexOf('\n') - 1);
  const lines = value.slice(Math.max(0, room)).match(/.{1,76}/g) ?? [];
  return `${[`${field}${value.slice(0, Math.max(0, room))}`, ...lines].join('\r\n\t')}\r\n`;
}

/** A field in the relaxed form: name in lower case, one line, one space for each run of blanks, none at the ends (§3.4.2). */
export function relaxedField(field: OctetText): OctetText {
  const colon = field.indexOf(':');
  const name = field.slice(0, colon).trimEnd().toLowerCase();
  // No `trim`: octets of UTF-8 may look like spaces of other scripts.
  const value = field
    .slice(colon + 1)
    .replaceAll('\r\n', '')
    .replace(/[ \t]+/g, ' ');
  return `${name}:${value.slice(value.startsWith(' ') ? 1 : 0, value.endsWith(' ') ? -1 : undefined)}`;
}

/** Joins words, each with the blank before it, into lines that are folded where they would become too long. */
function fold(words: readonly string[]): string {
  let text = '';
  let length = 0;
  for (const word of words) {
    if (length > 0 && length + word.length > LINE) {
      text += `\r\n\t${word.trimStart()}`;
      length = 1 + word.trimStart().length;
    } else {
      text += word;
      length += word.length;
    }
  }
  return text;
}
