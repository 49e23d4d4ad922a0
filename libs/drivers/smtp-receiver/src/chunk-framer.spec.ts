import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkFramer } from './chunk-framer.ts';

function frame(pieces: readonly Buffer[]): { content: string; bare: boolean } {
  const framer = new ChunkFramer();
  let bare = false;
  let content = '';
  for (const octets of pieces) {
    const taken = framer.take(octets);
    bare ||= taken.bare;
    content += taken.piece.toString('latin1');
  }
  const last = framer.finish();
  return { content: content + last.piece.toString('latin1'), bare: bare || last.bare };
}

describe('content that comes in chunks', () => {
  it('is kept as it came, dots and all', () => {
    expect(frame([Buffer.from('.\r\n..x\r\n'), Buffer.from('.\r\n')])).toEqual({
      content: '.\r\n..x\r\n.\r\n',
      bare: false,
    });
  });

  it('gets the line end that its last line lacks', () => {
    expect(frame([Buffer.from('a\r\nb')]).content).toBe('a\r\nb\r\n');
    expect(frame([]).content).toBe('');
  });

  it('has bare line ends found wherever it is cut', () => {
    const text = fc
      .array(fc.constantFrom('a', '.', '\r', '\n', '\r\n'), { maxLength: 20 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(20), { maxLength: 4 }), (whole, cuts) => {
        const places = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).sort((a, b) => a - b), whole.length];
        const pieces = places.slice(1).map((end, i) => Buffer.from(whole.slice(places[i], end)));
        const { content, bare } = frame(pieces);
        expect(bare).toBe(whole.replaceAll('\r\n', '').search(/[\r\n]/) >= 0);
        if (!bare) expect(content).toBe(whole === '' || whole.endsWith('\n') ? whole : `${whole}\r\n`);
      }),
      { numRuns: 1000 },
    );
  });
});
