import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ParsedReply, REPLY_LIMIT_OCTETS, ReplyParser } from './reply-parser.ts';

function feedAll(pieces: readonly string[]): { replies: ParsedReply[]; fault: string | undefined } {
  const parser = new ReplyParser();
  const replies = pieces.flatMap((piece) => parser.feed(piece));
  return { replies, fault: parser.fault };
}

const code = fc.integer({ min: 200, max: 599 });
const line = fc.string({
  maxLength: 80,
  unit: fc.integer({ min: 32, max: 126 }).map((point) => String.fromCharCode(point)),
});
const reply = fc.tuple(code, fc.array(line, { minLength: 1, maxLength: 5 }));
const end = fc.constantFrom('\r\n', '\n');

describe('ReplyParser', () => {
  it('reads what was printed, wherever it is cut, CRLF or LF', () => {
    fc.assert(
      fc.property(fc.array(reply, { maxLength: 5 }), end, fc.array(fc.nat(600)), (some, eol, cuts) => {
        // What was said before is read like what is said for the first time.
        const replies = [...some, ...some, ...some.toReversed()];
        const text = replies
          .flatMap(([number, lines]) =>
            lines.map((each, i) => `${number}${i < lines.length - 1 ? '-' : ' '}${each}${eol}`),
          )
          .join('');
        const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).toSorted((a, b) => a - b), text.length];
        const pieces = places.slice(1).map((place, i) => text.slice(places[i], place));
        const { replies: read, fault } = feedAll(pieces);
        expect(fault).toBeUndefined();
        expect(read.map((each) => [each.reply.code, each.lines])).toEqual(replies);
      }),
    );
  });

  it('never throws, and gives no control character away', () => {
    const octets = fc.string({
      maxLength: 300,
      unit: fc.integer({ min: 0, max: 255 }).map((o) => String.fromCharCode(o)),
    });
    const nearly = fc
      .array(fc.constantFrom('250', '-', ' ', '\r\n', '\n', '\r', 'x', '\0', 'é', '2', '999'))
      .map((p) => p.join(''));
    fc.assert(
      fc.property(fc.array(fc.oneof(octets, nearly)), (pieces) => {
        const { replies } = feedAll(pieces);
        for (const { reply: read, lines } of replies) {
          expect(read.code).toBeGreaterThanOrEqual(200);
          for (const text of lines)
            expect(Buffer.from(text).every((octet) => octet === 9 || (octet >= 32 && octet !== 127))).toBe(true);
        }
      }),
    );
  });

  it.each([
    ['hello\r\n', 'no code'],
    ['199 x\r\n', 'a code below 200'],
    ['650 x\r\n', 'a code above 599'],
    ['250_x\r\n', 'no separator'],
    ['250-a\r\n251 b\r\n', 'two codes in one reply'],
    ['\r\n', 'an empty line'],
    [' 250 x\r\n', 'a blank before the code'],
  ])('refuses %j: %s', (text) => {
    const { replies, fault } = feedAll([text, '250 Ok\r\n']);
    expect(replies).toEqual([]);
    expect(fault).toMatch(/^not a reply/);
  });

  it.each(['250\r\n', '250 \r\n', '250-\r\n250\r\n'])('takes %j, a code without text', (text) => {
    expect(feedAll([text]).replies.map(({ reply: { code: number } }) => number)).toEqual([250]);
  });

  it('does not take the last line of a longer reply for one that stands alone, nor the other way round', () => {
    const { replies } = feedAll(['250-a\r\n250 b\r\n250 b\r\n250-a\r\n250 b\r\n']);
    expect(replies.map(({ lines }) => lines)).toEqual([['a', 'b'], ['b'], ['a', 'b']]);
  });

  it('reads UTF-8 where it is that, else latin1', () => {
    const octets = Buffer.from('550 gr\u00fc\u00df\r\n', 'utf8').toString('latin1');
    expect(feedAll([octets, '550 gr\xfc\r\n']).replies.map(({ lines }) => lines[0])).toEqual([
      'gr\u00fc\u00df',
      'gr\xfc',
    ]);
  });

  it('gives up a reply that does not end: one line, many lines, many pieces', () => {
    const long = 'x'.repeat(1_000);
    expect(feedAll([`250 ${'x'.repeat(REPLY_LIMIT_OCTETS)}`]).fault).toBe('reply too long');
    expect(feedAll(Array.from({ length: 100 }, () => `250-${long}\r\n`)).fault).toBe('reply too long');
    expect(feedAll(['250 ', ...Array.from({ length: 100 }, () => long)]).fault).toBe('reply too long');
    expect(feedAll(Array.from({ length: 100 }, () => `250 ${long}\r\n`)).fault).toBeUndefined();
  });
});
