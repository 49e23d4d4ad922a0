import { describe, expect, it } from 'vitest';
import { keyRecordText, masterFileLine, publicKeyIn } from './key-record.ts';
import { composeSignature, finishSignature, relaxedField } from './signature.ts';
import { chooseFields, mayBeSigned } from './signed-fields.ts';

const HEADER = [
  'Received: from a by b; Fri, 11 Jul 2003 21:00:37 -0700',
  'To: first@example.com',
  'From: Joe <joe@football.example.com>',
  'Subject: Is dinner\r\n\tready?',
  'to: second@example.com',
  'X-Other: 1',
  '',
].join('\r\n');
const TERMS = {
  domain: 'football.example.com',
  selector: 'brisbane',
  algorithm: 'ed25519-sha256',
  bodyHash: '2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=',
  at: 1_528_637_909,
} as const;

describe('relaxedField', () => {
  it.each([
    ['A: X', 'a:X'],
    ['B : Y\t\r\n\tZ  ', 'b:Y Z'],
    ['SubJect:\t\t', 'subject:'],
    ['Empty:', 'empty:'],
    ['Name:\u00a0x\u00a0', 'name:\u00a0x\u00a0'],
  ])('makes of %j the form of RFC 6376 §3.4.2', (field, expected) => {
    expect(relaxedField(field)).toBe(expected);
  });
});

describe('chooseFields', () => {
  it('takes the lowest field of a name first, and names From once more than it stands (RFC 6376 §5.4.2, §8.15)', () => {
    const { names, fields } = chooseFields(HEADER, ['Subject', 'TO', 'Cc']);
    expect(names).toEqual(['from', 'from', 'subject', 'to', 'to']);
    expect(fields).toEqual([
      'From: Joe <joe@football.example.com>',
      'Subject: Is dinner\r\n\tready?',
      'to: second@example.com',
      'To: first@example.com',
    ]);
  });

  it('leaves out what changes on the way where nothing else is said', () => {
    const { names } = chooseFields(`${HEADER}Message-ID: <1@x>\r\nList-Unsubscribe: <https://x>\r\n`);
    expect(names).toEqual(['from', 'from', 'subject', 'to', 'to', 'message-id', 'list-unsubscribe']);
  });

  it('takes no line for a field that is none', () => {
    expect(chooseFields('From: a@b\r\nno field\r\n: none\r\nSubject : x\r\n').names).toEqual([
      'from',
      'from',
      'subject',
    ]);
  });
});

describe('mayBeSigned', () => {
  it.each([
    [HEADER, true],
    ['Subject: x\r\n', false],
    ['From: a@b\r\nFrom: c@d\r\n', false],
    ['From: a@b\r\n\tFrom: c@d\r\n', true],
  ])('of %j is %j (RFC 6376 §5.4, §8.15)', (header, expected) => {
    expect(mayBeSigned(header)).toBe(expected);
  });
});

describe('composeSignature', () => {
  it('signs the fields in their order and its own last, without a line end (RFC 6376 §3.7)', () => {
    const { field, data } = composeSignature(chooseFields(HEADER, ['subject']), TERMS);
    expect(data.split('\r\n')).toEqual([
      'from:Joe <joe@football.example.com>',
      'subject:Is dinner ready?',
      relaxedField(field),
    ]);
    expect(relaxedField(field)).toBe(
      'dkim-signature:v=1; a=ed25519-sha256; c=relaxed/relaxed; d=football.example.com; s=brisbane; t=1528637909; ' +
        'h=from:from:subject; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; b=',
    );
  });

  it('signs them as they stand in the simple form, and says until when they hold', () => {
    const terms = { ...TERMS, canonicalization: 'simple/relaxed', expiresAfterSeconds: 86_400 } as const;
    const { field, data } = composeSignature(chooseFields(HEADER, ['subject']), terms);
    expect(data).toBe(`From: Joe <joe@football.example.com>\r\nSubject: Is dinner\r\n\tready?\r\n${field}`);
    expect(field).toContain(' t=1528637909; x=1528724309;');
  });

  it('keeps to lines of 78 characters, whatever is in it (RFC 5322 §2.1.1)', () => {
    const names = Array.from({ length: 40 }, (_, place) => `X-Field-${place}`);
    const header = `From: a@b\r\n${names.map((name) => `${name}: x\r\n`).join('')}`;
    const unfinished = composeSignature(chooseFields(header, names), { ...TERMS, domain: `${'d'.repeat(60)}.example` });
    for (const length of [86, 88, 342, 344, 684]) {
      const value = 'A'.repeat(length);
      const whole = finishSignature(unfinished, value);
      expect(whole.endsWith('\r\n')).toBe(true);
      for (const line of whole.slice(0, -2).split('\r\n')) expect(line.length).toBeLessThanOrEqual(78);
      expect(whole.replaceAll(/\s/g, '').split(';b=')[1]).toBe(value);
      expect(
        whole
          .slice(0, -2)
          .split('\r\n')
          .slice(1)
          .every((line) => line.startsWith('\t')),
      ).toBe(true);
    }
  });
});

describe('a key in the DNS', () => {
  it('stands in strings of 255 octets (RFC 1035 §3.3.14) and is found again (RFC 6376 §3.6.1)', () => {
    const text = keyRecordText('rsa-sha256', 'A'.repeat(392));
    const line = masterFileLine('s._domainkey.example.com', text);
    expect(line).toMatch(/^s\._domainkey\.example\.com\. IN TXT \( "v=DKIM1; k=rsa; p=A{237}" "A{155}" \)$/);
    expect(publicKeyIn(text)).toBe('A'.repeat(392));
    expect(masterFileLine('x.example', keyRecordText('ed25519-sha256', 'B='))).toBe(
      'x.example. IN TXT "v=DKIM1; k=ed25519; p=B="',
    );
  });

  it.each([
    ['k=rsa; p=AB CD ;', 'ABCD'],
    ['v=DKIM1; p=', ''],
    ['v=spf1 -all', undefined],
    ['v=DKIM2; p=AB', undefined],
    ['', undefined],
  ])('in %j is %j', (text, expected) => {
    expect(publicKeyIn(text)).toBe(expected);
  });
});
