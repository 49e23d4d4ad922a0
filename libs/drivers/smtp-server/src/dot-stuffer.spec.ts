import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { DotStuffer } from './dot-stuffer.ts';

it('stuffs what unstuffing by line gives back, in any pieces', () => {
  const line = fc.constantFrom('', '.', '..', '.a', 'a.', '.\u00e9.');
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.array(fc.nat(8), { maxLength: 3 }), (lines, cuts) => {
      const places = [0, ...cuts.map((cut) => Math.min(cut, lines.length)).sort((a, b) => a - b), lines.length];
      const stuffer = new DotStuffer();
      let wire = '';
      for (const [i, end] of places.slice(1).entries()) {
        const piece = lines.slice(places[i], end).map((text) => `${text}\r\n`);
        wire += stuffer.stuff(Buffer.from(piece.join(''))).toString();
      }
      wire += stuffer.end();
      const read = wire.slice(0, -'.\r\n'.length).split('\r\n').slice(0, -1);
      expect(read.every((text) => text !== '.')).toBe(true);
      expect(read.map((text) => (text.startsWith('.') ? text.slice(1) : text))).toEqual(lines);
    }),
  );
});

it('ends a line that was not ended before the dot', () => {
  const stuffer = new DotStuffer();
  stuffer.stuff(Buffer.from('a'));
  expect(stuffer.end()).toBe('\r\n.\r\n');
});
