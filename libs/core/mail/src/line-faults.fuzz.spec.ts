import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BARE_LINE_END, LEADING_DOT, lineFaults } from './line-faults.ts';

/** The same, octet by octet. */
function naive(octets: Uint8Array): number {
  let faults = 0;
  for (let at = 0; at < octets.length; at++) {
    if (octets[at] === 13 && octets[at + 1] !== 10) faults |= BARE_LINE_END;
    if (octets[at] === 10 && octets[at - 1] !== 13) faults |= BARE_LINE_END;
    if (octets[at] === 46 && octets[at - 1] === 10) faults |= LEADING_DOT;
  }
  return faults;
}

const line = fc.nat(40).map((length) => `${'x'.repeat(length)}\r\n`);
const odd = fc.constantFrom('\r', '\n', '\r\n', '.', '\r\n.', '\n.', '', '\x8d\x8a', '\xae');
const text = fc
  .array(fc.oneof({ weight: 20, arbitrary: line }, odd), { maxLength: 40 })
  .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));

describe('the faults of lines', () => {
  it('are those that a loop by octet finds', () => {
    fc.assert(
      fc.property(text, (octets) => {
        expect(lineFaults(octets)).toBe(naive(octets));
      }),
      { numRuns: 3_000 },
    );
  });

  it('are found wherever they are, also where the content is looked at in several goes', () => {
    const clean = Buffer.from('y'.repeat(76).concat('\r\n').repeat(2_600));
    expect(lineFaults(clean)).toBe(0);
    const around = [0, 1, 15, 16, 17, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 196_607, clean.length - 1];
    for (const at of around) {
      for (const octet of [10, 13, 46]) {
        const spoilt = Buffer.from(clean);
        spoilt[at] = octet;
        expect(lineFaults(spoilt)).toBe(naive(spoilt));
      }
    }
    for (let length = 65_500; length < 65_560; length++) {
      const lines = Buffer.from(`${'z'.repeat(length)}\r\n.x\r\n`);
      expect(lineFaults(lines)).toBe(LEADING_DOT);
      expect(lineFaults(lines.subarray(0, length + 2))).toBe(0);
      expect(lineFaults(lines.subarray(0, length + 1))).toBe(BARE_LINE_END);
    }
  });

  it('of one piece are not those of the piece before it', () => {
    expect(lineFaults(Buffer.from('a\r'))).toBe(BARE_LINE_END);
    expect(lineFaults(Buffer.from('\n'))).toBe(BARE_LINE_END);
    expect(lineFaults(Buffer.from('a\r\n'))).toBe(0);
    expect(lineFaults(Buffer.from('.'))).toBe(0);
    expect(lineFaults(new Uint8Array())).toBe(0);
  });
});
