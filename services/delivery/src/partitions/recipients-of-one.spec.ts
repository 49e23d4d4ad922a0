import type { MessageId } from '@mailyard/queue';
import { beforeEach, describe, expect, it } from 'vitest';
import { RecipientsOfOne } from './recipients-of-one.ts';

const A = 'a' as MessageId;
const B = 'b' as MessageId;
let placed: unknown[];
let read: RecipientsOfOne;
beforeEach(() => {
  placed = [];
  read = new RecipientsOfOne((...one) => placed.push(one));
});

describe('recipients that were read one after the other', () => {
  it('are placed together until another message comes', () => {
    read.add(A, 0, true);
    read.add(A, 1, true);
    expect(placed).toEqual([]);
    read.add(B, 0, true);
    expect(placed).toEqual([[A, [0, 1], true]]);
    read.flush();
    expect(placed).toEqual([
      [A, [0, 1], true],
      [B, [0], true],
    ]);
    read.flush();
    expect(placed).toHaveLength(2);
  });

  it('are parted where new ones of a message are followed by known ones', () => {
    read.add(A, 0, true);
    read.add(A, 1, false);
    read.flush();
    expect(placed).toEqual([
      [A, [0], true],
      [A, [1], false],
    ]);
  });

  it('are not placed when they were withdrawn before; what was known already cannot be', () => {
    read.add(A, 0, true);
    read.add(A, 1, true);
    expect(read.withdraw(B, 0)).toBe(false);
    expect(read.withdraw(A, 2)).toBe(false);
    expect(read.withdraw(A, 0)).toBe(true);
    expect(read.withdraw(A, 0)).toBe(false);
    read.flush();
    expect(placed).toEqual([[A, [1], true]]);
    read.add(A, 1, false);
    expect(read.withdraw(A, 1)).toBe(false);
  });

  it('are forgotten with the partition', () => {
    read.add(A, 0, true);
    read.clear();
    read.flush();
    expect(placed).toEqual([]);
  });
});
