import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PartBuffer } from './part-buffer.ts';

describe('PartBuffer', () => {
  it('cuts content into full parts and a rest, whatever the pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), fc.integer({ min: 1, max: 500 }), (pieces, size) => {
        const buffer = new PartBuffer(size);
        const parts: Buffer[] = [];
        for (const piece of pieces)
          for (let rest = buffer.add(piece); buffer.isFull; rest = buffer.add(rest))
            parts.push(Buffer.from(buffer.take()));
        const last = Buffer.from(buffer.take());
        for (const part of parts) expect(part.length).toBe(size);
        expect(last.length).toBeLessThan(size);
        expect(Buffer.concat([...parts, last]).equals(Buffer.concat(pieces))).toBe(true);
      }),
    );
  });

  it('grows from small to a whole part', () => {
    const buffer = new PartBuffer(1_000_000);
    const content = Buffer.from(Array.from({ length: 999_999 }, (_, at) => at & 255));
    for (let at = 0; at < content.length; at += 10_007) buffer.add(content.subarray(at, at + 10_007));
    expect(Buffer.from(buffer.take()).equals(content)).toBe(true);
  });
});
