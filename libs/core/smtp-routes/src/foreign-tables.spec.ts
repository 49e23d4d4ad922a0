import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ForeignFormat, readForeignTable } from './foreign-tables.ts';
import { printRouteLine } from './route-file.ts';
import { DEFAULT_ROUTE_RULES } from './route-grammar.ts';

function convert(format: ForeignFormat, text: string): string[] {
  const reader = readForeignTable(text, format, DEFAULT_ROUTE_RULES);
  for (;;) {
    const step = reader.next();
    if (step.done !== true) continue;
    const { value } = step;
    return value.kind === 'routes'
      ? value.routes.map((route) => printRouteLine(route))
      : value.faults.map(({ line, code }) => `${line} ${code}`);
  }
}

describe("sendmail's mailertable", () => {
  it.each([
    ['example.com\tesmtp:[mail.example.net]', 'example.com [mail.example.net]'],
    ['.example.com smtp:mail.example.net', '.example.com mail.example.net'],
    ['example.com relay:[a.example]:b.example', 'example.com [a.example], b.example/pri=10'],
    ['example.com smtp:a.example:[b.example]:c.example', 'example.com a.example, [b.example]/pri=10, c.example/pri=20'],
    // A colon parts hosts: there are no ports in this table.
    ['example.com smtp:[a.example]:2525', '1 ROUTE_DEST_INVALID'],
    ['Example.COM ESMTP:[a.example]', 'Example.COM [a.example]'],
    ['example.com esmtp:[192.0.2.1]', 'example.com 192.0.2.1'],
    ['example.com esmtp:[IPv6:2001:db8::1]', 'example.com 2001:db8::1'],
    ['example.com discard:', 'example.com /dev/null'],
    ['. esmtp:a.example', 'ALL: a.example'],
    ['# comment\n\nexample.com esmtp:a.example\r\n', 'example.com a.example'],
    ['example.com error:5.7.0:550 no', '1 ROUTE_NOT_CONVERTIBLE'],
    ['example.com local:', '1 ROUTE_NOT_CONVERTIBLE'],
    ['.example.com esmtp:%1.inside.example', '1 ROUTE_NOT_CONVERTIBLE'],
    ['example.com mail.example.net', '1 ROUTE_NOT_CONVERTIBLE'],
    ['example.com esmtp:', '1 ROUTE_NOT_CONVERTIBLE'],
    [
      'a.example esmtp:b.example\n*.x esmtp:b.example\na.example esmtp:c.example',
      '2 ROUTE_DOMAIN_INVALID, 3 ROUTE_DUPLICATE',
    ],
  ])('%j becomes %s', (text, expected) => {
    expect(convert('mailertable', text)).toEqual(expected.split(/, (?=\d)/));
  });
});

describe("Postfix's transport table", () => {
  it.each([
    ['example.com smtp:[mail.example.net]:2525', 'example.com [mail.example.net]:2525'],
    ['example.com relay:mail.example.net', 'example.com mail.example.net'],
    ['.example.com :[mail.example.net]:submission', '.example.com [mail.example.net]:587'],
    ['example.com smtp:', 'example.com USEDNS'],
    ['example.com :', 'example.com USEDNS'],
    ['* smtp:', 'ALL:'],
    ['* smtp:[a.example]', 'ALL: [a.example]'],
    ['example.com discard:gone', 'example.com /dev/null'],
    ['example.com smtp:[a.example]:26, b.example', 'example.com [a.example]:26, b.example/pri=10'],
    ['example.com\n  smtp:\n  # comment\n [a.example]\nb.example smtp:', 'example.com [a.example], b.example USEDNS'],
    ['user@example.com smtp:a.example', '1 ROUTE_NOT_CONVERTIBLE'],
    ['example.com lmtp:unix:/run/x', '1 ROUTE_NOT_CONVERTIBLE'],
    ['example.com error:no such domain', '1 ROUTE_NOT_CONVERTIBLE'],
    ['example.com', '1 ROUTE_NOT_CONVERTIBLE'],
  ])('%j becomes %s', (text, expected) => {
    expect(convert('transport', text).join(', ')).toBe(expected);
  });

  it('never makes the reader throw, whatever it is', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 5 }),
      fc.constantFrom('smtp:', '[', ']', ':', ',', ' ', '\n', '*', '.', 'a.example', '#'),
    );
    fc.assert(
      fc.property(
        fc.constantFrom<ForeignFormat>('mailertable', 'transport'),
        fc.array(piece, { maxLength: 20 }),
        (format, pieces) => {
          convert(format, pieces.join(''));
        },
      ),
      { numRuns: 1000 },
    );
  });
});
