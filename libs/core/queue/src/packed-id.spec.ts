import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { DIGITS } from './message-id.ts';
import { ID_OCTETS, isId, readId, writeId } from './packed-id.ts';
import type { MessageId } from './records.ts';

const id = fc.string({
  unit: fc.constantFrom(...DIGITS.split('')),
  minLength: 26,
  maxLength: 26,
}) as fc.Arbitrary<MessageId>;

test('any id comes back as it was, and is told from any other', () => {
  fc.assert(
    fc.property(id, id, fc.nat(25), (one, other, place) => {
      const octets = new Uint8Array(ID_OCTETS + 4).fill(255);
      writeId(one, octets, 2);
      expect(readId(octets, 2)).toBe(one);
      expect([...octets.subarray(0, 2), ...octets.subarray(2 + ID_OCTETS)]).toEqual([255, 255, 255, 255]);
      expect(isId(one, octets, 2)).toBe(true);
      expect(isId(other, octets, 2)).toBe(one === other);
      const mixed = one.slice(0, place) + other.slice(place, place + 1) + one.slice(place + 1);
      expect(isId(mixed, octets, 2)).toBe(mixed === one);
      expect(isId(one.slice(1), octets, 2)).toBe(false);
    }),
  );
});
