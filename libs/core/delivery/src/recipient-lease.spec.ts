import { describe, expect, it } from 'vitest';
import type { RecipientAnswer, RecipientStatement } from './limit-board.ts';
import type { LimitStanding } from './limit-standing.ts';
import { LATER, RecipientLease } from './recipient-lease.ts';

const MINUTE = 60_000;

function leaseOf(most: number, change: Partial<LimitStanding> = {}) {
  const standing = { me: 'w', trust: 'good', isSettled: true, turn: 0, share: (limit: number) => limit / 2, ...change };
  let calls = 0;
  const lease = new RecipientLease('k', { most, windowMs: MINUTE }, standing as LimitStanding, () => (calls += 1));
  return {
    lease,
    standing: standing as { -readonly [K in keyof LimitStanding]: LimitStanding[K] },
    calls: () => calls,
  };
}

/** What a board says that has so many left in a window. */
function answer(lease: RecipientLease, now: number, left: number, window = 'a', endsInMs = MINUTE): RecipientStatement {
  const statement = lease.statement(now)!;
  const granted = Math.min(statement.ask, left);
  lease.answered(
    { granted: granted < statement.least ? 0 : granted, window, endsInMs } as RecipientAnswer,
    statement,
    now,
  );
  return statement;
}

describe('a lease of recipients (R140)', () => {
  it('asks for a block, and for the next one before it is used up', () => {
    const { lease, calls } = leaseOf(800);
    expect(lease.freeAt(1, 0)).toBe(LATER);
    expect(answer(lease, 0, 800)).toMatchObject({ ask: 50, least: 1 });
    const before = calls();
    for (let i = 0; i < 37; i++) {
      expect(lease.freeAt(1, i)).toBe(0);
      lease.take(1, i);
    }
    expect(calls()).toBe(before);
    expect(lease.statement(40)).toBeUndefined();
    lease.take(1, 40);
    expect(lease.statement(41)).toMatchObject({ ask: 50, least: 1 });
    expect(lease.freeAt(12, 41)).toBe(0);
  });

  it('waits for the end of the window when the board has no more, and asks again then', () => {
    const { lease } = leaseOf(8);
    lease.freeAt(3, 100);
    answer(lease, 100, 2);
    // What others give back may be enough.
    expect(lease.freeAt(3, 1_100)).toBe(LATER);
    expect(answer(lease, 1_100, 2, 'a', MINUTE - 1_000)).toMatchObject({ ask: 3, least: 3 });
    expect(lease.freeAt(3, 3_600)).toBe(MINUTE + 100);
    expect(lease.freeAt(3, MINUTE + 100)).toBe(LATER);
    answer(lease, MINUTE + 100, 8, 'b');
    expect(lease.freeAt(3, MINUTE + 101)).toBe(0);
  });

  it('gives back what is too little for what waits, and what was not used for a while, once', () => {
    const { lease } = leaseOf(80);
    lease.freeAt(1, 0);
    answer(lease, 0, 2);
    lease.freeAt(9, 10);
    answer(lease, 10, 0);
    expect(lease.statement(20)).toMatchObject({ ask: 0, back: { window: 'a', count: 2 } });
    expect(lease.statement(20)).toBeUndefined();
    const idle = leaseOf(80).lease;
    idle.freeAt(1, 0);
    answer(idle, 0, 80);
    idle.tick(1_000);
    expect(idle.statement(1_000)).toBeUndefined();
    idle.tick(2_000);
    expect(idle.statement(2_000)).toMatchObject({ back: { window: 'a', count: 5 } });
    expect(idle.freeAt(1, 2_100)).toBe(LATER);
  });

  it('uses what it has leased and then its share while the board is away, and tells it afterwards', () => {
    const { lease, standing } = leaseOf(20);
    lease.freeAt(2, 0);
    answer(lease, 0, 2);
    standing.trust = 'away';
    for (const taken of [2, 3, 5]) {
      expect(lease.freeAt(taken, 10_000)).toBe(0);
      lease.take(taken, 10_000);
    }
    expect(lease.freeAt(1, 10_001)).toBe(MINUTE);
    standing.trust = 'good';
    expect(lease.freeAt(1, 20_000)).toBe(LATER);
    expect(answer(lease, 20_000, 12)).toMatchObject({ spent: 8, ask: 2 });
    expect(lease.freeAt(1, 20_001)).toBe(0);
    expect(lease.statement(20_001)).toBeUndefined();
  });

  it('has a window of its own while the board is away for longer, and tells nothing of those that are over', () => {
    const { lease } = leaseOf(4, { trust: 'away' });
    for (const now of [0, MINUTE, 2 * MINUTE]) {
      expect(lease.freeAt(2, now)).toBe(0);
      lease.take(2, now);
      expect(lease.freeAt(1, now + 1)).toBe(now + MINUTE);
    }
    expect(lease.statement(2 * MINUTE + 5)).toMatchObject({ spent: 2, ask: 0 });
    expect(lease.statement(3 * MINUTE)).toBeUndefined();
  });

  it('keeps to its share also with leave of the board until the others have told what they used', () => {
    const { lease, standing } = leaseOf(8, { isSettled: false });
    lease.freeAt(4, 0);
    answer(lease, 0, 8);
    lease.take(4, 1);
    expect(lease.freeAt(1, 2)).toBe(MINUTE);
    standing.isSettled = true;
    expect([lease.takeHeldBack(), lease.takeHeldBack()]).toEqual([true, false]);
    expect(lease.freeAt(1, 3)).toBe(LATER);
  });

  it('begins anew when an operator wants it, and tells so until the board has heard (R210)', () => {
    const { lease } = leaseOf(8);
    lease.freeAt(8, 0);
    answer(lease, 0, 8);
    lease.take(8, 0);
    lease.reset();
    expect(lease.freeAt(1, 10)).toBe(LATER);
    expect(lease.statement(10)).toMatchObject({ isReset: true, ask: 1 });
    expect(answer(lease, 20, 8, 'b')).toMatchObject({ isReset: true });
    expect(lease.freeAt(1, 30)).toBe(0);
    expect(lease.statement(30)).toBeUndefined();
  });

  it('lets a parcel go that is larger than a window, alone', () => {
    const { lease } = leaseOf(4);
    expect(lease.freeAt(9, 0)).toBe(LATER);
    answer(lease, 0, 4);
    expect(lease.freeAt(9, 1)).toBe(0);
    lease.take(9, 1);
    expect(lease.statement(2)).toMatchObject({ spent: 5 });
  });
});
