import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isUsable, judgeDane, planDane, type ShownCertificate, type TlsaAnswer, type TlsaRecord } from './dane.ts';

const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const digest = (algorithm: string, of: Uint8Array): Uint8Array =>
  new Uint8Array(createHash(algorithm).update(of).digest());
const record = (usage: number, selector: number, matching: number, data: Uint8Array): TlsaRecord => ({
  usage,
  selector,
  matching,
  data,
});

/** `leaf` signed by `middle` signed by `root`; what a test says otherwise. */
class Shown implements ShownCertificate {
  readonly name: string;
  readonly by: string;
  octets: Uint8Array;
  publicKey: Uint8Array;
  isAuthority = true;
  validFrom = 1_000;
  validTo = 2_000;

  constructor(name: string, by: string, change: Partial<ShownCertificate> = {}) {
    this.name = name;
    this.by = by;
    this.octets = octets(`certificate ${name}`);
    this.publicKey = octets(`key ${name}`);
    Object.assign(this, change);
  }

  isSignedBy(other: Shown): boolean {
    return this.by === other.name;
  }

  isFor(name: string): boolean {
    return name === 'mx.example.net';
  }
}

const leaf = (change: Partial<ShownCertificate> = {}): Shown =>
  new Shown('leaf', 'middle', { isAuthority: false, ...change });
const middle = (change: Partial<ShownCertificate> = {}): Shown => new Shown('middle', 'root', change);
const root = new Shown('root', 'root');
const WHOLE = [leaf(), middle(), root];

const judge = (
  records: readonly TlsaRecord[],
  chain: readonly Shown[] = WHOLE,
  names: readonly string[] = ['mx.example.net'],
): string | undefined => judgeDane(records, { chain, names, now: 1_500, digest });

describe('TLSA records (R144, RFC 6698 §2.1)', () => {
  // SHA-256 and SHA-512 of `key leaf`, by sha256sum and sha512sum.
  const SHA256 = '88d60feb7fe2ced6c5aa16fde0f0383f4202bb3f6a30bddc128aeee117d809ef';
  const SHA512 =
    'd0b6bf83f0d87eda91e12717f83834c60de7d28c685fe43810b32b506cef447e3f5b2fa6793e09943769ade85d1ca2b024c9f5a7bf0fa6741412c760e799978b';

  it.each([
    ['the certificate', record(3, 0, 0, octets('certificate leaf'))],
    ['its key', record(3, 1, 0, octets('key leaf'))],
    ['the SHA-256 of its key', record(3, 1, 1, new Uint8Array(Buffer.from(SHA256, 'hex')))],
    ['the SHA-512 of its key', record(3, 1, 2, new Uint8Array(Buffer.from(SHA512, 'hex')))],
  ])('of usage 3 name %s, of which nothing else is asked (RFC 7671 §5.1)', (_what, one) => {
    expect(judge([one])).toBeUndefined();
    expect(judge([one], [leaf({ validTo: 1_001 })], ['other.test'])).toBeUndefined();
    expect(judge([record(3, 1, 1, digest('sha256', octets('another'))), one])).toBeUndefined();
  });

  it.each([
    ['another certificate', record(3, 0, 0, octets('certificate middle'))],
    ['the key where the certificate is meant', record(3, 0, 1, digest('sha256', octets('key leaf')))],
    ['a digest by the other algorithm', record(3, 1, 1, digest('sha512', octets('key leaf')).slice(0, 32))],
    ['an authority that signed it', record(3, 1, 0, octets('key middle'))],
    ['only its beginning', record(3, 1, 0, octets('key'))],
    ['itself as its authority', record(2, 1, 0, octets('key leaf'))],
  ])('do not match when they name %s', (_what, one) => {
    expect(judge([one])).toBe('no certificate matches its TLSA records');
  });

  it.each([
    ['the next', record(2, 1, 1, digest('sha256', octets('key middle')))],
    ['the last', record(2, 0, 2, digest('sha512', octets('certificate root')))],
  ])('of usage 2 name an authority above it: %s (RFC 7671 §5.2)', (_what, one) => {
    expect(judge([one])).toBeUndefined();
    expect(judge([one], WHOLE, ['other.test'])).toBe('certificate is for none of other.test');
    expect(judge([one], WHOLE, ['other.test', 'mx.example.net'])).toBeUndefined();
    expect(judge([one], [leaf({ validTo: 1_400 }), ...WHOLE.slice(1)])).toBe('certificate is not within its dates');
    expect(judge([one], [leaf(), middle({ validFrom: 1_600 }), root])).toMatch(/^certificate of an authority is not/);
    const stranger = new Shown('leaf', 'stranger', { isAuthority: false });
    expect(judge([one], [stranger, ...WHOLE.slice(1)])).toMatch(/do not lead to the authority/);
    expect(judge([one], [leaf(), middle({ isAuthority: false }), root])).toMatch(/do not lead to the authority/);
  });

  it('of usage 2 ask nothing of what stands above the authority that they name', () => {
    const one = record(2, 1, 0, octets('key middle'));
    expect(judge([one], [leaf(), middle(), new Shown('other', 'other', { validTo: 0 })])).toBeUndefined();
  });

  it('match no host that shows nothing', () => {
    expect(judge([record(3, 1, 0, octets('key leaf'))], [])).toBe('no certificate was shown');
  });

  it('are usable by usage, selector, matching type and length alone (RFC 7672 §3.1.3)', () => {
    const lengths = [0, 1, 31, 32, 33, 64];
    const usable: string[] = [];
    for (const usage of [0, 1, 2, 3, 4, 255])
      for (const selector of [0, 1, 2])
        for (const matching of [0, 1, 2, 3])
          for (const length of lengths)
            if (isUsable(record(usage, selector, matching, new Uint8Array(length))))
              usable.push(`${usage}${selector}${matching}/${length}`);
    const each = ['0/1', '0/31', '0/32', '0/33', '0/64', '1/32', '2/64'];
    expect(usable).toEqual(['20', '21', '30', '31'].flatMap((start) => each.map((end) => `${start}${end}`)));
  });
});

describe('what TLSA records ask of a session (R144, RFC 7672 §2.2)', () => {
  const good = record(3, 1, 1, new Uint8Array(32));
  const bad = record(0, 1, 1, new Uint8Array(32));
  const found = (...records: TlsaRecord[]): TlsaAnswer => ({ kind: 'records', base: 'mx.example.net', records });
  const none: TlsaAnswer = { kind: 'none', reason: 'there are none' };
  const failure: TlsaAnswer = { kind: 'failure', reason: 'SERVFAIL' };
  const required = { kind: 'session', tls: 'required', dane: { base: 'mx.example.net', records: [good] } };
  const refused = (reason: string) => ({ kind: 'refused', reason });

  it.each([
    ['opportunistic', 'none', found(bad, good), required],
    ['mandatory', 'requiredVerify', found(good, bad), required],
    ['opportunistic', 'preferred', found(bad), { kind: 'session', tls: 'required' }],
    ['opportunistic', 'requiredVerify', found(bad), { kind: 'session', tls: 'requiredVerify' }],
    ['mandatory', 'preferred', found(bad), refused('DANE is demanded: no TLSA record is usable')],
    ['opportunistic', 'none', none, { kind: 'session', tls: 'preferred' }],
    ['opportunistic', 'preferredVerify', none, { kind: 'session', tls: 'preferredVerify' }],
    ['mandatory', 'required', none, refused('DANE is demanded: there are none')],
    ['opportunistic', 'none', failure, refused('TLSA records not known: SERVFAIL')],
    ['mandatory', 'none', failure, refused('TLSA records not known: SERVFAIL')],
  ] as const)('%s over %s, %j', (use, tls, answer, plan) => {
    expect(planDane(use, tls, answer)).toEqual(plan);
  });
});
