import { describe, expect, it } from 'vitest';
import { Recent } from './recent.ts';

describe('a map of what is recent', () => {
  it('holds at least half of its limit, the newest, and never more than the limit', () => {
    const recent = new Recent<number, string>(100);
    for (let key = 0; key < 1_000; key++) {
      recent.set(key, String(key));
      const held = Array.from({ length: key + 1 }, (_, each) => each).filter((each) => recent.get(each) !== undefined);
      expect(held.length).toBeLessThanOrEqual(100);
      expect(held.length).toBeGreaterThanOrEqual(Math.min(key + 1, 50));
      expect(held).toEqual(Array.from({ length: held.length }, (_, back) => key - held.length + 1 + back));
    }
  });

  it('has the newest value of a key, and none once it is deleted, in both generations', () => {
    const recent = new Recent<string, number>(4);
    recent.set('a', 1);
    recent.set('b', 2);
    recent.set('a', 3);
    expect(recent.get('a')).toBe(3);
    recent.delete('a');
    recent.delete('b');
    expect([recent.get('a'), recent.get('b')]).toEqual([undefined, undefined]);
  });
});
