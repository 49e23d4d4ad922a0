import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClosedRecipients } from './closed-recipients.ts';
import { makeMessageId } from './message-id.ts';
import type { MessageId } from './records.ts';

/** A few that differ in one digit, and some that are not of our form. */
const IDS = [
  ...Array.from({ length: 26 }, (_, i) => `${'0'.repeat(i)}z${'0'.repeat(25 - i)}`),
  '0'.repeat(26),
  'z'.repeat(26),
  '',
  'm1',
  `${'0'.repeat(25)}u`,
  `${'0'.repeat(25)}\u0661`,
  '0'.repeat(27),
] as MessageId[];
const RIDS = [0, 1, 999, 2 ** 22 - 1, 2 ** 22, 2 ** 32];

describe('the recipients that closed lately', () => {
  it('are known exactly for as long as they are to be remembered, whatever came before and between', () => {
    const step = fc.record({
      id: fc.constantFrom(...IDS),
      recipient: fc.constantFrom(...RIDS),
      later: fc.nat(3),
      forget: fc.option(fc.nat(8), { freq: 4 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const closed = new ClosedRecipients();
        const times = new Map<string, number>();
        let now = 0;
        for (const { id, recipient, later, forget } of steps) {
          now += later;
          const key = `${id}/${recipient}`;
          expect(closed.has(id, recipient)).toBe(times.has(key));
          closed.add(id, recipient, now);
          if (!times.has(key)) times.set(key, now);
          if (forget === null) continue;
          closed.forgetBefore(now - forget);
          for (const [known, at] of times) if (at < now - forget) times.delete(known);
          for (const other of IDS)
            for (const rid of RIDS) expect(closed.has(other, rid)).toBe(times.has(`${other}/${rid}`));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('are known over many blocks, and none that are not', () => {
    const closed = new ClosedRecipients();
    const random = new Uint8Array(10);
    const id = (i: number): MessageId => {
      new DataView(random.buffer).setUint32(3, Math.imul(i, 0x9e3779b1));
      return makeMessageId(1_700_000_000_000 + i, random);
    };
    const count = 20_000;
    for (let i = 0; i < count; i++) closed.add(id(i), i % 3, i);
    closed.forgetBefore(5_000);
    for (let i = 0; i < count; i++) {
      expect(closed.has(id(i), i % 3)).toBe(i >= 5_000);
      expect(closed.has(id(i), 3)).toBe(false);
    }
    closed.forgetBefore(count);
    for (let i = 0; i < count; i += 7) expect(closed.has(id(i), i % 3)).toBe(false);
  });
});
