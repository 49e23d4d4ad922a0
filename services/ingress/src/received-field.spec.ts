import { describe, expect, it } from 'vitest';
import { receivedField } from './received-field.ts';

const RECEIPT = {
  helo: 'c.example',
  clientAddress: '192.0.2.1',
  hostname: 'mx.example',
  message: '01',
  extended: true,
  tls: false,
  authenticated: false,
  smtpUtf8: false,
  at: 1_790_000_000_000,
};

describe('the Received field (RFC 5321 §4.4)', () => {
  it('tells from whom, by whom, how, under which id, for whom and when', () => {
    expect(receivedField({ ...RECEIPT, recipient: 'u@x.example' })).toBe(
      'Received: from c.example ([192.0.2.1])\r\n\tby mx.example (Mailyard) with ESMTP id 01\r\n\tfor <u@x.example>;\r\n\tMon, 21 Sep 2026 14:13:20 +0000\r\n',
    );
  });

  it.each([
    [{ extended: false }, 'with SMTP id'],
    [{ tls: true }, 'with ESMTPS id'],
    [{ smtpUtf8: true, tls: true }, 'with UTF8SMTPS id'],
    [{ tls: true, authenticated: true }, 'with ESMTPSA id'],
    [{ authenticated: true }, 'with ESMTPA id'],
    [{ smtpUtf8: true, tls: true, authenticated: true }, 'with UTF8SMTPSA id'],
    [{ clientAddress: '2001:db8::1' }, '([IPv6:2001:db8::1])'],
    [{ helo: 'a\r\nBcc: x' }, 'from unknown ('],
  ])('with %j has %s', (change, part) => {
    expect(receivedField({ ...RECEIPT, ...change })).toContain(part);
  });

  it('names no recipient outside US-ASCII', () => {
    expect(receivedField({ ...RECEIPT, recipient: '\u00e9@x.example' })).not.toContain('for');
  });
});
