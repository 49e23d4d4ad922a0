import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeMessageId } from './message-id.ts';
import { PackedValues } from './packed-values.ts';

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, undefined, true, false, -0),
    fc.maxSafeNat(),
    fc.double({ noNaN: true }),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.uint8Array({ maxLength: 20 }),
    fc.constantFrom('<1@a.example>', '<2@a.example>', '@', 'x@y@a.example', 'é@ü'),
    fc.constant('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
    fc.array(tie('any'), { maxLength: 5 }),
    fc.dictionary(fc.constantFrom('kind', 'host', 'headerMessageId', 'a', 'b', 'c'), tie('any'), {
      noNullPrototype: true,
    }),
  ),
})).any;

test('any plain value comes back as it was', () => {
  const values = new PackedValues();
  fc.assert(
    fc.property(value, (one) => {
      expect(values.unpack(values.pack(one).slice())).toEqual(one);
    }),
  );
});

test('instants, before and after that of the id, and whole numbers again come back', () => {
  const values = new PackedValues();
  const instant = fc.maxSafeNat();
  const id = fc.tuple(fc.nat(2 ** 45), fc.uint8Array({ minLength: 10, maxLength: 10 }));
  fc.assert(
    fc.property(
      id,
      fc.array(instant),
      fc.array(fc.integer({ min: -(2 ** 36), max: 2 ** 36 })),
      ([at, tail], far, near) => {
        const one = { id: makeMessageId(at, tail), far, near: near.map((by) => at + by), again: [...far, at] };
        const packed = values.pack(one).slice();
        expect(values.unpack(packed)).toEqual(one);
        expect(values.unpackFirst(packed, 3)).toEqual([one.id, one.far, one.near]);
        expect(values.isFirstText(one.id, packed)).toBe(true);
        expect(values.isFirstText(`0${one.id.slice(0, 25)}`, packed)).toBe(one.id === `0${one.id.slice(0, 25)}`);
      },
    ),
  );
});

test('long texts and many shapes come back too', () => {
  const values = new PackedValues();
  const long = { text: 'é'.repeat(70_000), wide: '✉'.repeat(5_000), octets: new Uint8Array(70_000).fill(7) };
  expect(values.unpack(values.pack(long).slice())).toEqual(long);
  for (let shape = 0; shape < 300; shape++) {
    const one = { [`key${shape}`]: shape };
    expect(values.unpack(values.pack(one).slice())).toEqual(one);
  }
});

test('values whose form finds no place in the dictionary come back, and their first text is told or not at all', () => {
  const values = new PackedValues();
  const long = { id: 'x', flags: Array.from({ length: 1_000 }, (_, i) => i % 2 === 0) };
  expect(values.unpack(values.pack(long).slice())).toEqual(long);
  // Each is another form: the dictionary is full after 4,096.
  for (let form = 0; form < 5_000; form++) {
    const flags = Array.from({ length: 13 }, (_, bit) => (form & (1 << bit)) !== 0);
    const one = { id: `m${form}`, flags, parts: [{ flags }, { text: 'x' }] };
    const packed = values.pack(one).slice();
    expect(values.unpack(packed)).toEqual(one);
    expect(values.unpackFirst(packed, 2)).toEqual([one.id, flags]);
    expect(values.isFirstText(one.id, packed)).toBe(true);
    expect(values.isFirstText('other', packed)).toBe(false);
  }
});

test('the first values of an object come without the others', () => {
  const values = new PackedValues();
  fc.assert(
    fc.property(fc.array(value, { minLength: 3, maxLength: 3 }), ([a, b, c]) => {
      expect(values.unpackFirst(values.pack({ a, b, c }).slice(), 2)).toEqual([a, b]);
    }),
  );
  for (let shape = 0; shape < 300; shape++) values.pack({ [`key${shape}`]: shape });
  expect(values.unpackFirst(values.pack({ late: 'x', rest: 1 }).slice(), 1)).toEqual(['x']);
});

test('the first text is told without unpacking, or not at all', () => {
  const values = new PackedValues();
  const packed = values.pack({ id: '01j8x', rest: 1 }).slice();
  expect(values.isFirstText('01j8x', packed)).toBe(true);
  expect(values.isFirstText('01j8y', packed)).toBe(false);
  expect(values.isFirstText('01j8', packed)).toBe(false);
  expect(values.isFirstText('x'.repeat(300), packed)).toBeUndefined();
});
