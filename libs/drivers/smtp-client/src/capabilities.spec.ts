import { describe, expect, it } from 'vitest';
import { NO_CAPABILITIES, parseCapabilities } from './capabilities.ts';

describe('parseCapabilities', () => {
  it('reads what hosts offer, in any case', () => {
    expect(
      parseCapabilities([
        'mx.test greets you',
        'pipelining',
        'SIZE 35882577',
        '8BITMIME',
        'SmtpUtf8',
        'DSN',
        'STARTTLS',
        'AUTH PLAIN login',
        'AUTH=CRAM-MD5',
        'LIMITS RCPTMAX=20 MAILMAX=5 FUTURE=1',
      ]),
    ).toEqual({
      pipelining: true,
      eightBitMime: true,
      smtpUtf8: true,
      dsn: true,
      startTls: true,
      size: true,
      sizeLimitOctets: 35_882_577,
      mechanisms: ['PLAIN', 'LOGIN', 'CRAM-MD5'],
      recipientLimit: 20,
      transactionLimit: 5,
    });
  });

  it('does not take the name of the host for an offer', () => {
    expect(parseCapabilities(['PIPELINING'])).toEqual(NO_CAPABILITIES);
  });

  it.each(['SIZE', 'SIZE 0', 'SIZE 0x10', 'SIZE 1e3', 'SIZE -5', 'SIZE 18446744073709551617'])(
    'knows no limit from %s',
    (line) => {
      expect(parseCapabilities(['mx.test', line])).toMatchObject({ size: true, sizeLimitOctets: undefined });
    },
  );

  it('passes over what it does not know', () => {
    expect(parseCapabilities(['mx.test', '__proto__ x', 'constructor', '', 'XYZZY'])).toEqual(NO_CAPABILITIES);
  });
});
