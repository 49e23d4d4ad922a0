import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Arena } from './arena.ts';

test('pieces stay what they were while others come and go', () => {
  const steps = fc.array(fc.record({ size: fc.nat({ max: 2_500 }), free: fc.nat(), frees: fc.boolean() }), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const arena = new Arena();
      const kept: { readonly name: number; readonly piece: Uint8Array }[] = [];
      for (const [number, { size, free, frees }] of all.entries()) {
        if (frees && kept.length > 0) arena.free(kept.splice(free % kept.length, 1)[0]!.name);
        const piece = new Uint8Array(size).fill(number);
        const name = arena.put(piece);
        expect(name).toBeGreaterThan(0);
        kept.push({ name, piece });
      }
      for (const { name, piece } of kept) expect(arena.get(name)).toEqual(piece);
    }),
    { numRuns: 50 },
  );
});

test('pages that have become empty serve other sizes', () => {
  const arena = new Arena();
  const names = Array.from({ length: 10_000 }, () => arena.put(new Uint8Array(90)));
  const size = arena.sizeOctets;
  for (const name of names) arena.free(name);
  for (let i = 0; i < 5_000; i++) arena.put(new Uint8Array(190));
  expect(arena.sizeOctets).toBeLessThanOrEqual(size * 1.1);
});
