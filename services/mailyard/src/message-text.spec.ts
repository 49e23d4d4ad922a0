import { array, assert, constantFrom, nat, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PrintableContent } from './message-text.ts';

/** Content that comes in these pieces, made safe to print. */
function printed(pieces: readonly Uint8Array[]): string {
  const safe = new PrintableContent();
  return pieces.map((piece) => safe.push(piece)).join('') + safe.push();
}

describe('content on a terminal (R212)', () => {
  it('keeps lines and tabs, and escapes what a terminal would obey', () => {
    const content = Buffer.from('a\r\n\tb\n\u001b[31m\r\u009b é\r\n\u0000');
    expect(printed([content])).toBe('a\n\tb\n\\x1b[31m\\x0d\\x9b é\n\\x00');
  });

  it('is the same however it is cut into pieces', () => {
    const text = string({ unit: constantFrom('\r', '\n', '\t', 'a', 'é', '\u{1f4e7}', '\u001b'), maxLength: 40 });
    assert(
      property(text, array(nat(60), { maxLength: 6 }), (content, cuts) => {
        const octets = Buffer.from(content);
        const ends = [...cuts.filter((cut) => cut < octets.length).sort((a, b) => a - b), octets.length];
        const pieces = ends.map((end, number) => octets.subarray(ends[number - 1] ?? 0, end));
        expect(printed(pieces)).toBe(printed([octets]));
        // oxlint-disable-next-line no-control-regex -- they are what must not be there
        expect(printed(pieces)).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
      }),
    );
  });
});
