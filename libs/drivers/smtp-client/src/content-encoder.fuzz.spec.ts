import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ContentEncoder } from './content-encoder.ts';

/** The same, octet by octet over the whole. */
function naive(content: Buffer): string {
  let out = '';
  let atLineStart = true;
  for (let i = 0; i < content.length; i++) {
    const octet = content[i]!;
    const isCrlf = octet === 13 && content[i + 1] === 10;
    if (isCrlf || octet === 13 || octet === 10) {
      out += '\r\n';
      if (isCrlf) i++;
      atLineStart = true;
      continue;
    }
    if (atLineStart && octet === 46) out += '.';
    out += String.fromCharCode(octet);
    atLineStart = false;
  }
  return atLineStart ? out : `${out}\r\n`;
}

const piece = fc.constantFrom('\r', '\n', '\r\n', '.', '..', '.\r\n', 'text', '\xff', '\0', '\r.', '\n.', '\r\n.');
const chunk = fc.array(piece, { maxLength: 6 }).map((pieces) => Buffer.from(pieces.join(''), 'latin1'));

describe('ContentEncoder', () => {
  it('agrees with a loop over every octet, however the content is cut', () => {
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 8 }), (chunks) => {
        const encoder = new ContentEncoder();
        const sent =
          chunks.map((each) => Buffer.from(encoder.encode(each)).toString('latin1')).join('') + encoder.end();
        expect(sent).toBe(naive(Buffer.concat(chunks)));
      }),
      { numRuns: 3_000 },
    );
  });

  it('agrees with it in long chunks too, wherever the irregular place is', () => {
    const line = fc.integer({ min: 0, max: 40_000 }).map((length) => `${'x'.repeat(length)}\r\n`);
    const long = fc.array(fc.oneof({ weight: 9, arbitrary: line }, piece), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(long, (pieces) => {
        const content = Buffer.from(pieces.join(''), 'latin1');
        const encoder = new ContentEncoder();
        const sent = Buffer.from(encoder.encode(content)).toString('latin1') + encoder.end();
        expect(sent === naive(content)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('does not copy what needs no change', () => {
    const encoder = new ContentEncoder();
    const clean = Buffer.from('a line\r\nanother. one\r\n');
    expect(encoder.encode(clean).buffer).toBe(clean.buffer);
    expect(encoder.end()).toBe('');
  });
});
