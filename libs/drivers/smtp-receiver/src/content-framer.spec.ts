import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ContentFramer } from './content-framer.ts';

/** The rule, line by line: what the framer must agree with. */
function naive(wire: string): { content: string; rest: string } | undefined {
  let content = '';
  let at = 0;
  for (;;) {
    const end = wire.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const line = wire.slice(at, end);
    at = end + 2;
    if (line === '.') return { content, rest: wire.slice(at) };
    content += `${line.startsWith('.') ? line.slice(1) : line}\r\n`;
  }
}

function frame(wire: string, cuts: readonly number[]): { content: string; rest: string; bare: boolean } | undefined {
  const framer = new ContentFramer();
  let content = '';
  let bare = false;
  const places = [...new Set(cuts.map((cut) => cut % (wire.length + 1)))].sort((a, b) => a - b);
  let from = 0;
  for (const to of [...places, wire.length]) {
    if (to === from) continue;
    const chunk = Buffer.from(wire.slice(from, to), 'latin1');
    const framed = framer.take(chunk);
    content += framed.piece?.toString('latin1') ?? '';
    bare ||= framed.bare;
    if (framed.end >= 0) return { content, rest: wire.slice(from + framed.end), bare };
    from = to;
  }
  return undefined;
}

describe('the framing of content', () => {
  it.each([
    ['text', 'a\r\n.\r\n', 'a\r\n', ''],
    ['nothing', '.\r\n', '', ''],
    ['stuffed dots', '..\r\n..a\r\n.\r\nMAIL', '.\r\n.a\r\n', 'MAIL'],
    ['an empty line', '\r\n.\r\n', '\r\n', ''],
    ['what is pipelined behind', 'a\r\n.\r\nQUIT\r\n', 'a\r\n', 'QUIT\r\n'],
  ])('takes %s', (_name, wire, content, rest) => {
    expect(frame(wire, [])).toEqual({ content, rest, bare: false });
    for (let cut = 0; cut <= wire.length; cut++) expect(frame(wire, [cut])).toEqual({ content, rest, bare: false });
  });

  it.each(['\n.\n', '\r.\r', '\n.\r\n', '\r\n.\n', '\r\n.\r', '\r.\r\n'])(
    'does not end at %j, and tells that it is bare (smuggling)',
    (trick) => {
      const wire = `a${trick}MAIL FROM:<x@y>\r\n.\r\n`;
      for (let cut = 0; cut <= wire.length; cut++) {
        const framed = frame(wire, [cut]);
        expect(framed).toMatchObject({ rest: '', bare: true });
        expect(framed?.content).toContain('MAIL FROM:<x@y>\r\n');
      }
    },
  );

  it('agrees with reading by line, wherever the chunks are cut', () => {
    const piece = fc.constantFrom('\r\n', '.', '\r\n.', '\r\n.\r\n', '\r', '\n', 'a', '..', '\u00ff');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), fc.array(fc.nat(60), { maxLength: 5 }), (pieces, cuts) => {
        const wire = `${pieces.join('')}\r\n.\r\n`;
        const framed = frame(wire, cuts);
        const expected = naive(wire)!;
        const bare = /\r(?!\n)|(?<!\r)\n/.test(wire.slice(0, wire.length - expected.rest.length));
        expect(framed).toEqual({ ...expected, bare });
      }),
      { numRuns: 5000 },
    );
  });
});
