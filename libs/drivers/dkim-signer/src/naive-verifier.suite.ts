/** Verifies signatures as RFC 6376 §6 describes it, field by field and line by line: a second opinion for tests. */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';

/** What a verifier finds in the DNS: the `p=` of a record by `selector._domainkey.domain`. */
export type PublishedKeys = ReadonlyMap<string, string>;

const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex');

/** Judges each DKIM-Signature of a message, the uppermost first: `pass`, or what is wrong. */
export function verifyMessage(message: Buffer, keys: PublishedKeys): string[] {
  const text = message.toString('latin1');
  const split = text.indexOf('\r\n\r\n');
  const header = split < 0 ? text : text.slice(0, split);
  const body = split < 0 ? '' : text.slice(split + 4);
  const fields = header.replace(/\r\n$/, '').split(/\r\n(?![ \t])/);
  return fields
    .filter((field) => /^dkim-signature[ \t]*:/i.test(field))
    .map((field) => judge(field, fields, body, keys));
}

function judge(field: string, fields: readonly string[], body: string, keys: PublishedKeys): string {
  const tags = new Map(
    field
      .slice(field.indexOf(':') + 1)
      .split(';')
      .map((tag): [string, string] => {
        const [name = '', ...rest] = tag.split('=');
        return [name.trim(), rest.join('=').replace(/\s/g, '')];
      }),
  );
  const tag = (name: string): string => tags.get(name) ?? '';
  const [headerForm, bodyForm] = tag('c').split('/');
  const hash = createHash('sha256').update(canonicalBody(body, bodyForm!), 'latin1').digest('base64');
  if (hash !== tag('bh')) return `body hash ${hash} is not ${tag('bh')}`;
  const left = [...fields];
  const chosen: string[] = [];
  for (const name of tag('h').split(':')) {
    const place = left.findLastIndex(
      (one) => one.slice(0, one.indexOf(':')).trim().toLowerCase() === name.toLowerCase(),
    );
    if (place >= 0) chosen.push(...left.splice(place, 1));
  }
  const own = field.replace(/(;\s*b=)[^;]*/, '$1');
  const data = [...chosen, own].map((one) => (headerForm === 'relaxed' ? relaxed(one) : one)).join('\r\n');
  const published = keys.get(`${tag('s')}._domainkey.${tag('d')}`);
  if (published === undefined) return `no key at ${tag('s')}._domainkey.${tag('d')}`;
  const value = Buffer.from(tag('b'), 'base64');
  const octets = Buffer.from(data, 'latin1');
  const isRight =
    tag('a') === 'rsa-sha256'
      ? verify('sha256', octets, keyOf(Buffer.from(published, 'base64')), value)
      : verify(
          null,
          createHash('sha256').update(octets).digest(),
          keyOf(Buffer.concat([SPKI_ED25519, Buffer.from(published, 'base64')])),
          value,
        );
  return isRight ? 'pass' : 'signature is wrong';
}

function keyOf(spki: Buffer): KeyObject {
  return createPublicKey({ key: spki, format: 'der', type: 'spki' });
}

function relaxed(field: string): string {
  const [name = '', ...rest] = field.split(':');
  const value = rest
    .join(':')
    .replaceAll('\r\n', '')
    .replace(/[ \t]+/g, ' ')
    .replace(/^ | $/g, '');
  return `${name.trim().toLowerCase()}:${value}`;
}

function canonicalBody(body: string, form: string): string {
  const lines = body
    .split('\r\n')
    .map((line) => (form === 'simple' ? line : line.replace(/[ \t]+/g, ' ').replace(/ $/, '')));
  while (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) return form === 'simple' ? '\r\n' : '';
  return `${lines.join('\r\n')}\r\n`;
}
