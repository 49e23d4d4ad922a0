import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCursor, readOffsets, writeCursor, writeOffsets } from './event-cursor.ts';

const instant = fc.integer({ min: 0, max: 4_000_000_000_000 });
const offset = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

describe('a cursor of events', () => {
  it('is read as it was written, and is a word of letters, digits, dots and hyphens', () => {
    fc.assert(
      fc.property(instant, offset, instant, fc.array(offset, { maxLength: 64 }), (opening, number, at, offsets) => {
        const cursor = { opening, number, at, offsets: writeOffsets(new Map(offsets.entries())) };
        const text = writeCursor(cursor);
        expect(text).toMatch(/^[0-9a-z.-]+$/);
        expect(readCursor(text)).toEqual(cursor);
        if (offsets.length > 0) expect(readOffsets(cursor.offsets)).toEqual(offsets);
      }),
    );
  });

  it('tells 0 for a partition of which nothing was told', () => {
    expect(readOffsets(writeOffsets(new Map([[2, 40]])))).toEqual([0, 0, 40]);
    expect(readOffsets('')).toEqual([0]);
  });

  it.each([
    '',
    'x',
    '1.2.3',
    '1.2.3.A',
    '1.2.3.4.5',
    '-1.2.3.4',
    '1 .2.3.4',
    `1.2.3.${'1-'.repeat(9_000)}`,
    '1.2.3.4\n',
  ])('is not %j', (text) => {
    expect(readCursor(text)).toBeUndefined();
  });

  it('is never thrown at by what somebody made up', () => {
    fc.assert(fc.property(fc.string({ maxLength: 60 }), (text) => void readCursor(text)));
  });
});
