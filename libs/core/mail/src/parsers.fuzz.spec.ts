/** Every reader of outside octets: whatever comes in, it answers; what it takes it prints and reads again alike. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUtf8, isXtext, parseMailbox, readMailParameters, readPath, readRcptParameters } from './index.ts';

const RUNS = { numRuns: 3000 };
/** Pieces that mean something to one of the readers, so that whole forms come up by chance. */
const piece = fc.constantFrom(
  ...['<', '>', '@', ':', ',', '"', '\\', '.', ' ', '=', ';', '+', '+2B', '+2b', '[', ']', 'IPv6:', '::1', '192.0.2.1'],
  ...['a', 'joe', 'example.com', 'postmaster', 'xn--', '\u00e9', '\u3002', '\u212a', '\ud800', '\0', '\r', '\n', '\t'],
  ...[
    'SIZE=',
    '1',
    '0x10',
    '1e3',
    'BODY=',
    '8BITMIME',
    'RET=',
    'FULL',
    'ENVID=',
    'NOTIFY=',
    'NEVER',
    'SUCCESS',
    'ORCPT=',
  ],
  ...['rfc822;', 'SMTPUTF8', '__proto__', 'constructor', 'x'.repeat(70)],
);
const text = fc.oneof(
  fc.array(piece, { maxLength: 25 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary' }),
);
const octets = fc.uint8Array({ maxLength: 40 }).map((bytes) => String.fromCharCode(...bytes));

describe('readers of outside octets', () => {
  it('take a path or refuse it, and the address in it stands alone', () => {
    fc.assert(
      fc.property(text, (line) => {
        const read = readPath(line);
        if (read.kind === 'malformed' || read.mailbox === null) return;
        const { address, localPart, domain } = read.mailbox;
        expect(parseMailbox(address)).toEqual(read.mailbox);
        expect(`<${address}>`.length).toBeLessThanOrEqual(256);
        // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
        expect(address).not.toMatch(/[\0-\x1f\x7f]/);
        if (domain !== '') expect(address.startsWith(`${localPart}@`)).toBe(true);
        expect(domain).toMatch(/^[a-z0-9._-]*$|^\[(?:\d+(?:\.\d+){3}|IPv6:[0-9a-f:.]+)\]$/);
      }),
      RUNS,
    );
  });

  it('take parameters or refuse them with a reply of one printable line', () => {
    fc.assert(
      fc.property(text, (rest) => {
        for (const read of [readMailParameters(rest), readRcptParameters(rest)]) {
          if (!('code' in read)) continue;
          expect([501, 555]).toContain(read.code);
          expect(read.text).toMatch(/^[\x20-\x7e]+$/);
        }
      }),
      RUNS,
    );
  });

  it('take what they print of parameters again', () => {
    const parameters = fc.record(
      {
        SIZE: fc.nat().map(String),
        BODY: fc.constantFrom('7BIT', '8BITMIME'),
        RET: fc.constantFrom('FULL', 'HDRS'),
        ENVID: fc.stringMatching(/^(?:[!-*,-<>-~]|\+[0-9A-F]{2}){1,30}$/),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(parameters, (given) => {
        const words = Object.entries(given).map(([keyword, value]) => ` ${keyword}=${value}`);
        const read = readMailParameters(words.join(''));
        if ('code' in read) throw new Error(`${words.join('')}: ${read.text}`);
        expect(read.sizeOctets).toBe(given.SIZE === undefined ? undefined : Number(given.SIZE));
        expect([read.eightBit, read.ret, read.envid]).toEqual([given.BODY === '8BITMIME', given.RET, given.ENVID]);
        expect(readMailParameters(`${words.join('')}${words[0] ?? ' SIZE=1 SIZE=1'}`)).toMatchObject({ code: 501 });
      }),
      RUNS,
    );
  });

  it('read UTF-8 as the decoder of the platform does', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const naive = (given: string): string | undefined => {
      try {
        return decoder.decode(Uint8Array.from(given, (octet) => octet.charCodeAt(0)));
      } catch {
        return undefined;
      }
    };
    const written = fc
      .string({ unit: 'binary' })
      .map((given) => String.fromCharCode(...new TextEncoder().encode(given)));
    fc.assert(
      fc.property(
        fc.oneof(
          octets,
          written,
          fc
            .array(
              fc.constantFrom(
                '\xf0',
                '\x9f',
                '\x98',
                '\x80',
                'a',
                '\xed',
                '\xa0',
                '\xc0',
                '\xe2',
                '\x82',
                '\xac',
                '\xf4',
                '\x90',
              ),
            )
            .map((all) => all.join('')),
        ),
        (given) => {
          expect(decodeUtf8(given)).toBe(naive(given));
        },
      ),
      RUNS,
    );
  });

  it('know xtext from what is none', () => {
    fc.assert(
      fc.property(fc.oneof(text, octets), (given) => {
        let at = 0;
        while (at < given.length) {
          const code = given.charCodeAt(at);
          if (code === 43 && /^[0-9A-F]{2}$/.test(given.slice(at + 1, at + 3))) at += 3;
          else if (code > 32 && code < 127 && code !== 43 && code !== 61) at += 1;
          else break;
        }
        expect(isXtext(given)).toBe(at === given.length);
      }),
      RUNS,
    );
  });
});
