import { describe, expect, it } from 'vitest';
import { RecipientLimit } from './recipient-limit.ts';

describe('a limit of recipients', () => {
  it('lets as many go as are allowed, and goes on when the window has ended (R140)', () => {
    const limit = new RecipientLimit({ most: 4, windowMs: 60_000 });
    expect(limit.isBegun).toBe(false);
    expect(limit.freeAt(3, 0)).toBe(0);
    limit.take(3, 0);
    expect(limit.isBegun).toBe(true);
    expect(limit.freeAt(1, 10)).toBe(0);
    limit.take(1, 10);
    expect(limit.freeAt(1, 59_999)).toBe(60_000);
    expect(limit.isOver(59_999)).toBe(false);
    expect(limit.isOver(60_000)).toBe(true);
    expect(limit.freeAt(1, 60_000)).toBe(0);
    limit.take(4, 60_000);
    expect(limit.freeAt(1, 60_001)).toBe(120_000);
  });
});
