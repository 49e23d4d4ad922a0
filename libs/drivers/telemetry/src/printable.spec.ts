import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable, printableJson } from './printable.ts';

describe('printable text', () => {
  it.each([
    ['\x1b[31mred\x1b]0;title\x07', '\\x1b[31mred\\x1b]0;title\\x07'],
    ['a\r\nb', 'a\\x0d\\x0ab'],
    ['\x9b2J', '\\x9b2J'],
    ['\u202eexe.txt\u2028', '\\u202eexe.txt\\u2028'],
    ['grün 日本', 'grün 日本'],
  ])('escapes %j', (text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  it('has no control character, whatever comes in', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !/\p{Cc}/u.test(printable(text))));
  });

  it('stays JSON of the same value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = printableJson({ text });
        expect(JSON.parse(json)).toEqual({ text });
        expect(json).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});
