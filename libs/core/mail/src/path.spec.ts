import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { domainOf, parseMailbox } from './mailbox.ts';
import { readPath } from './path.ts';

describe('a path', () => {
  it.each([
    ['<u@example.com>', 'u@example.com', 'example.com', ''],
    [' <u@example.com> SIZE=5', 'u@example.com', 'example.com', ' SIZE=5'],
    ['<U@EXAMPLE.Com.>', 'U@EXAMPLE.Com.', 'example.com', ''],
    ['<@a.example,@b.example:u@c.example>', 'u@c.example', 'c.example', ''],
    ['<Postmaster>', 'Postmaster', '', ''],
    ['<"john doe"@example.com>', '"john doe"@example.com', 'example.com', ''],
    ['<"a@b"@example.com>', '"a@b"@example.com', 'example.com', ''],
    [String.raw`<"a\">b"@example.com>`, String.raw`"a\">b"@example.com`, 'example.com', ''],
    ['<u@[192.0.2.1]>', 'u@[192.0.2.1]', '[192.0.2.1]', ''],
    ['<u@[IPv6:2001:DB8:0::1]>', 'u@[IPv6:2001:DB8:0::1]', '[IPv6:2001:db8::1]', ''],
    ['<a%b.example@example.com>', 'a%b.example@example.com', 'example.com', ''],
    ['<b.example!a@example.com>', 'b.example!a@example.com', 'example.com', ''],
    ['<__proto__@constructor>', '__proto__@constructor', 'constructor', ''],
    ['<\u00e9@b\u00fccher.example>', '\u00e9@b\u00fccher.example', 'xn--bcher-kva.example', ''],
    ['<u@\uff45xample\u3002com>', 'u@\uff45xample\u3002com', 'example.com', ''],
  ])('%s is taken (RFC 5321 §4.1.2)', (text, address, domain, rest) => {
    const read = readPath(text);
    if (read.kind !== 'path' || read.mailbox === null) throw new Error(`was refused: ${text}`);
    expect(read).toMatchObject({ mailbox: { address, domain }, rest });
    expect(domainOf(read.mailbox.address)).toBe(domain);
  });

  it('may be null, which is a value of its own', () => {
    expect(readPath('<>')).toEqual({ kind: 'path', mailbox: null, rest: '' });
  });

  it.each([
    ['no brackets', 'u@example.com'],
    ['not closed', '<u@example.com'],
    ['two blanks', '  <u@example.com>'],
    ['text behind the bracket', '<u@example.com>SIZE=1'],
    ['no domain', '<u@>'],
    ['no local part', '<@example.com>'],
    ['a blank outside quotes', '<u u@example.com>'],
    ['a dot at the end of the local part', '<u.@example.com>'],
    ['two dots', '<u..u@example.com>'],
    ['a line end in quotes', '<"a\r\nb"@example.com>'],
    ['NUL in quotes', '<"a\0b"@example.com>'],
    ['an octal literal', '<u@[010.1.1.1]>'],
    ['a literal of another kind', '<u@[tag:abc]>'],
    ['a bracket inside', '<u<v@example.com>'],
    ['a local part of 65 octets', `<${'a'.repeat(65)}@example.com>`],
    ['a label of 64 octets', `<u@${'a'.repeat(64)}.com>`],
    ['255 octets', `<u@${'a.'.repeat(127)}com>`],
    ['an empty label', '<u@a..b>'],
    ['a C1 control', '<a\u0085b@example.com>'],
  ])('with %s is refused', (_name, text) => {
    expect(readPath(text)).toEqual({ kind: 'malformed' });
  });

  it('never throws, and what it takes it reads the same again', () => {
    const piece = fc.constantFrom(
      '<',
      '>',
      '@',
      '"',
      '\\',
      ':',
      ',',
      '.',
      ' ',
      '[',
      ']',
      'a',
      'example',
      '\u00e9',
      '\r',
      '\n',
      '\0',
      'IPv6:::1',
      'postmaster',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join('')),
        ),
        (text) => {
          const read = readPath(text);
          if (read.kind !== 'path' || read.mailbox === null) return;
          const { address } = read.mailbox;
          expect(parseMailbox(address)).toEqual(read.mailbox);
          expect(readPath(`<${address}>`)).toMatchObject({ kind: 'path', mailbox: read.mailbox });
          // oxlint-disable-next-line no-control-regex -- controls are what must not get through
          expect(address).not.toMatch(/[\0-\x1f\x7f]/);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
