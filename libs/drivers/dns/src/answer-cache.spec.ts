import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerCache } from './answer-cache.ts';

describe('AnswerCache', () => {
  it('asks once while a question is under way, and again once its answer is too old', async () => {
    let now = 0;
    let asked = 0;
    const cache = new AnswerCache<number>(10, () => now);
    const ask = (): Promise<{ answer: number; keepMs: number }> => Promise.resolve({ answer: ++asked, keepMs: 100 });
    expect(await Promise.all([cache.get('a', ask), cache.get('a', ask), cache.get('b', ask)])).toEqual([1, 1, 2]);
    now = 99;
    expect(await cache.get('a', ask)).toBe(1);
    now = 100;
    expect(await cache.get('a', ask)).toBe(3);
  });

  it('does not keep what may not be kept', async () => {
    let asked = 0;
    const cache = new AnswerCache<number>(10, () => 0);
    const ask = (): Promise<{ answer: number; keepMs: number }> => Promise.resolve({ answer: ++asked, keepMs: 0 });
    await cache.get('a', ask);
    expect(await cache.get('a', ask)).toBe(2);
    expect(cache.size).toBe(0);
  });

  it('stays within its limit and never gives an answer of another name or beyond its time', async () => {
    const step = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd', '__proto__'), passMs: fc.nat(60) });
    await fc.assert(
      fc.asyncProperty(fc.array(step), async (steps) => {
        let now = 0;
        const cache = new AnswerCache<{ name: string; at: number }>(3, () => now);
        for (const { name, passMs } of steps) {
          now += passMs;
          const answer = await cache.get(name, () => Promise.resolve({ answer: { name, at: now }, keepMs: 100 }));
          expect(answer.name).toBe(name);
          expect(now - answer.at).toBeLessThan(100);
          expect(cache.size).toBeLessThanOrEqual(3);
        }
      }),
    );
  });
});
