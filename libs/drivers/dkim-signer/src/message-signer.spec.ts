import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { DkimProfile } from '@mailyard/configuration';
import { BodyCanonicalizer, relaxedField } from '@mailyard/dkim';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageSigner } from './message-signer.ts';
import { verifyMessage } from './naive-verifier.suite.ts';
import { parseSigningKey, type SigningKey } from './signing-key.ts';

const pem = (pair: { privateKey: { export(options: { type: 'pkcs8'; format: 'pem' }): string | Buffer } }): string =>
  String(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
const RSA = parseSigningKey(pem(generateKeyPairSync('rsa', { modulusLength: 2048 })));
const ED25519 = parseSigningKey(pem(generateKeyPairSync('ed25519')));

const PROFILE: DkimProfile = {
  name: 'rsa',
  domain: 'example.com',
  selector: 'rsa',
  key: { kind: 'environment', variable: 'RSA' },
};
const SECOND: DkimProfile = { ...PROFILE, name: 'ed25519', selector: 'ed25519' };
const PUBLISHED = new Map([
  ['rsa._domainkey.example.com', RSA.publicKey],
  ['ed25519._domainkey.example.com', ED25519.publicKey],
]);
const keys = { of: ({ name }: { name: string }): SigningKey | undefined => ({ rsa: RSA, ed25519: ED25519 })[name] };
const HEADER = 'From: Ann <ann@example.com>\r\nTo: u@example.net\r\nSubject: A \tsubject\r\n that is folded\r\n';
const AT = 1_700_000_000_999;

async function signed(
  profiles: readonly DkimProfile[],
  header: string,
  body: Buffer | undefined,
  cuts: readonly number[] = [],
): Promise<Buffer> {
  const signing = new MessageSigner(keys).begin(profiles);
  let from = 0;
  for (const cut of [...cuts, body?.length ?? 0]) {
    // What is lent is used up at once.
    const piece = Buffer.from(body?.subarray(from, cut) ?? []);
    signing.body(piece);
    piece.fill(0);
    from = cut;
  }
  const { fields, by, missing } = await signing.sign(Buffer.from(header, 'latin1'), AT);
  expect([by, missing]).toEqual([profiles.map(({ name }) => name), undefined]);
  const whole = [fields, Buffer.from(header, 'latin1')];
  return Buffer.concat(body === undefined ? whole : [...whole, Buffer.from('\r\n'), body]);
}

describe('MessageSigner', () => {
  it('makes what RFC 8463 appendix A has, by the forms and the value alone', () => {
    const seed = Buffer.from('nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=', 'base64');
    const key = parseSigningKey(
      `-----BEGIN PRIVATE KEY-----\n${Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]).toString('base64')}\n-----END PRIVATE KEY-----\n`,
    );
    expect(key.publicKey).toBe('11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=');
    const hash = createHash('sha256');
    const body = new BodyCanonicalizer('relaxed', (octets) => hash.update(octets));
    body.write(Buffer.from('Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n'));
    body.end();
    expect(hash.digest('base64')).toBe('2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=');
    const data = [
      'From: Joe SixPack <joe@football.example.com>',
      'To: Suzie Q <suzie@shopping.example.net>',
      'Subject: Is dinner ready?',
      'Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)',
      'Message-ID: <20030712040037.46341.5F8J@football.example.com>',
      'DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n' +
        ' q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : message-id : from : subject : date;\r\n' +
        ' bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=',
    ].map(relaxedField);
    const digest = createHash('sha256').update(data.join('\r\n')).digest();
    expect(sign(null, digest, key.key).toString('base64')).toBe(
      '/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==',
    );
  });

  it('signs by each profile, in their order, the same octets for the same message', async () => {
    const message = await signed([SECOND, PROFILE], HEADER, Buffer.from('Hello \t you\r\n\r\n'));
    expect(verifyMessage(message, PUBLISHED)).toEqual(['pass', 'pass']);
    expect(message.toString('latin1')).toMatch(
      /^DKIM-Signature: v=1; a=ed25519-sha256;[^]*\r\nDKIM-Signature: v=1; a=rsa-/,
    );
    expect(message.toString('latin1')).toContain(' t=1700000000;');
    expect(await signed([SECOND, PROFILE], HEADER, Buffer.from('Hello \t you\r\n\r\n'))).toEqual(message);
  });

  it('makes signatures that hold of any message in every form, and of no other', async () => {
    const unit = fc.constantFrom('a', 'B', ' ', '\t', '\u00e4', '\u00a0', '=', ';', '.', '\r\n', '\r\n');
    const body = fc.string({ unit, maxLength: 200 }).map((text) => Buffer.from(text, 'latin1'));
    const subject = fc.string({
      unit: fc.constantFrom('a', ' ', '\t', '\r\n\t', '\r\n ', '\u00ff', ':'),
      maxLength: 40,
    });
    const forms = fc.constantFrom('relaxed/relaxed', 'relaxed/simple', 'simple/relaxed', 'simple/simple' as const);
    await fc.assert(
      fc.asyncProperty(body, subject, forms, fc.boolean(), fc.nat(), async (octets, text, form, isEd25519, cut) => {
        const profile = {
          ...(isEd25519 ? SECOND : PROFILE),
          canonicalization: form as DkimProfile['canonicalization'] & string,
        };
        const header = `Received: by us\r\nSubject:${text}\r\n${HEADER}`;
        const message = await signed([profile], header, octets, [cut % (octets.length + 1)]);
        expect(verifyMessage(message, PUBLISHED)).toEqual(['pass']);
        const forged = message.toString('latin1').replace('Ann <', 'Bob <');
        expect(verifyMessage(Buffer.from(forged, 'latin1'), PUBLISHED)).toEqual(['signature is wrong']);
        const second = message.toString('latin1').replace('Received:', 'From: eve@example.com\r\nReceived:');
        expect(verifyMessage(Buffer.from(second, 'latin1'), PUBLISHED)).toEqual(['signature is wrong']);
        const longer = Buffer.concat([message, Buffer.from('more\r\n')]);
        expect(verifyMessage(longer, PUBLISHED)[0]).toMatch(/^body hash/);
      }),
      { numRuns: 200 },
    );
  });

  it('signs a message without a body, and each copy of one under its own header', async () => {
    expect(verifyMessage(await signed([PROFILE, SECOND], HEADER, undefined), PUBLISHED)).toEqual(['pass', 'pass']);
    const signing = new MessageSigner(keys).begin([PROFILE]);
    signing.body(Buffer.from('text\r\n'));
    for (const header of [HEADER, `${HEADER}X-Tag: 1\r\n`, HEADER.replace('A ', '[tag] A ')]) {
      const { fields } = await signing.sign(Buffer.from(header), AT);
      const message = Buffer.concat([fields, Buffer.from(`${header}\r\ntext\r\n`)]);
      expect(verifyMessage(message, PUBLISHED)).toEqual(['pass']);
    }
  });

  it('signs nothing that no one or two wrote (RFC 6376 §8.15)', async () => {
    const signing = new MessageSigner(keys).begin([PROFILE]);
    for (const header of ['Subject: x\r\n', `${HEADER}From: eve@example.org\r\n`])
      expect(await signing.sign(Buffer.from(header), AT)).toEqual({ fields: new Uint8Array(0), by: [] });
  });

  it('names a profile whose key is not there, unless its mail may go without', async () => {
    const away: DkimProfile = { ...PROFILE, name: 'away' };
    const missing = await new MessageSigner(keys).begin([SECOND, away]).sign(Buffer.from(HEADER), AT);
    expect(missing).toMatchObject({ by: ['ed25519'], missing: 'away' });
    const allowed = await new MessageSigner(keys)
      .begin([{ ...away, allowUnsigned: true }])
      .sign(Buffer.from(HEADER), AT);
    expect([allowed.by, allowed.fields.length, allowed.missing]).toEqual([[], 0, undefined]);
  });

  it('makes many at once, each of its own message', async () => {
    const signer = new MessageSigner(keys);
    const messages = await Promise.all(
      Array.from({ length: 50 }, async (_, number) => {
        const signing = signer.begin([PROFILE]);
        signing.body(Buffer.from(`${number}\r\n`));
        const { fields } = await signing.sign(Buffer.from(HEADER), AT);
        return Buffer.concat([fields, Buffer.from(`${HEADER}\r\n${number}\r\n`)]);
      }),
    );
    expect(new Set(messages.flatMap((message) => verifyMessage(message, PUBLISHED)))).toEqual(new Set(['pass']));
  });
});
