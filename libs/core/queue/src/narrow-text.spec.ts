import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNarrow, narrowOctets, readNarrow, writeNarrow } from './narrow-text.ts';

const CHARACTERS = 'abcdefghijklmnopqrstuvwxyz0123456789.-_@<>+=:/[](),;!#$%&*?~ ^{}'.split('');
const texts = fc.string({ unit: fc.constantFrom(...CHARACTERS), maxLength: 70 });

describe('narrow texts', () => {
  it('come back as they were, from any place, in three quarters of their octets', () => {
    fc.assert(
      fc.property(texts, texts, fc.nat(5), (text, other, at) => {
        const octets = new Uint8Array(at + narrowOctets(text.length)).fill(255);
        expect(writeNarrow(text, octets, at)).toBe(true);
        expect(readNarrow(octets, at, text.length)).toBe(text);
        expect(isNarrow(text, octets, at)).toBe(true);
        if (other.length === text.length) expect(isNarrow(other, octets, at)).toBe(other === text);
      }),
    );
  });

  it.each(['Upper', "it's", 'naïve', 'a\u0000', '日本'])('do not have %j among them', (text) => {
    expect(writeNarrow(text, new Uint8Array(64), 0)).toBe(false);
  });
});
