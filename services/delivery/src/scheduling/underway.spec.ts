import * as fc from 'fast-check';
import type { MessageId } from '@mailyard/queue';
import { describe, expect, it } from 'vitest';
import { Underway } from './underway.ts';

describe('the recipients underway', () => {
  it('are those that were added and not taken away, whatever their numbers', () => {
    const change = fc.record({
      kind: fc.constantFrom('add' as const, 'delete' as const, 'forget' as const),
      message: fc.constantFrom('a', 'b') as fc.Arbitrary<MessageId>,
      recipient: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 999 })),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
        const underway = new Underway();
        const naive = new Set<string>();
        for (const { kind, message, recipient } of changes) {
          if (kind === 'add') {
            underway.add(message, recipient);
            naive.add(`${message} ${recipient}`);
          } else if (kind === 'delete') {
            underway.delete(message, recipient);
            naive.delete(`${message} ${recipient}`);
          } else {
            underway.forget(message);
            for (const key of [...naive]) if (key.startsWith(message)) naive.delete(key);
          }
          for (const asked of [0, 29, 30, 31, recipient])
            expect(underway.has(message, asked)).toBe(naive.has(`${message} ${asked}`));
          expect(underway.size).toBe(new Set([...naive].map((key) => key[0])).size);
        }
      }),
    );
  });
});
