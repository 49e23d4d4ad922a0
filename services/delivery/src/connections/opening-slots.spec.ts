import { describe, expect, it } from 'vitest';
import { OpeningSlots, type OpeningSlot } from './opening-slots.ts';

/** Takes slots until there is none. */
function takeAll(slots: OpeningSlots<number>, now: number): OpeningSlot[] {
  const taken: OpeningSlot[] = [];
  for (let slot = slots.take(0, true, now); slot !== undefined; slot = slots.take(0, true, now)) taken.push(slot);
  return taken;
}

describe('OpeningSlots', () => {
  it('become fewer with failures, whose slots rest, and more with success', () => {
    const slots = new OpeningSlots<number>();
    const first = takeAll(slots, 0);
    for (const slot of first) slots.ended(slot, false, 10);
    expect(takeAll(slots, 59)).toHaveLength(0);
    const second = takeAll(slots, 60);
    expect(second.length).toBeLessThan(first.length);
    for (const slot of second) slots.ended(slot, true, 70);
    expect(takeAll(slots, 70).length).toBeGreaterThan(second.length);
  });

  it('are not held by hosts that are silent', () => {
    const slots = new OpeningSlots<number>();
    const { length } = takeAll(slots, 0);
    expect(takeAll(slots, 999)).toHaveLength(0);
    expect(takeAll(slots, 1_000)).toHaveLength(length);
  });

  it('are left to new mail by half', () => {
    const slots = new OpeningSlots<number>();
    const all = takeAll(slots, 0).length;
    const others = new OpeningSlots<number>();
    let retries = 0;
    while (others.take(retries, false, 0) !== undefined) retries += 1;
    expect(retries).toBe(all / 2);
    expect(takeAll(others, 0)).toHaveLength(all - retries);
  });

  it('are not rested by failures of mail that was tried before, which has its own pace', () => {
    const slots = new OpeningSlots<number>();
    for (let who = 0; who < 1_000; who++) slots.ended(slots.take(who, false, 0)!, false, 0);
    expect(takeAll(slots, 0)).toHaveLength(takeAll(new OpeningSlots<number>(), 0).length);
  });

  it('are given in the order in which they were asked for, to fresh mail first', () => {
    const slots = new OpeningSlots<number>();
    takeAll(slots, 0);
    slots.leave(0);
    for (const who of [3, 1, 2, 1]) expect(slots.take(who, false, 1)).toBeUndefined();
    expect(slots.take(4, true, 1)).toBeUndefined();
    slots.leave(2);
    expect(slots.isAwaited).toBe(true);
    expect(slots.next(1)).toEqual([]);
    expect(slots.next(1_000)).toEqual([4, 3, 1]);
    expect(slots.isAwaited).toBe(false);
    expect(slots.take(3, false, 1_000)).toBeDefined();
  });
});
