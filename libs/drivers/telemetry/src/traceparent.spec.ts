import { randomFillSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isInShare, parseTraceparent, SpanIds } from './traceparent.ts';

describe('traceparent', () => {
  it('is read as it was written', () => {
    const [traceId, spanId] = ['a1'.repeat(16), 'b2'.repeat(8)];
    expect(parseTraceparent(`00-${traceId}-${spanId}-01`)).toEqual({ traceId, spanId, sampled: true });
    expect(parseTraceparent(`00-${traceId}-${spanId}-00`)?.sampled).toBe(false);
  });

  it.each([
    '',
    `01-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
    `00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`,
    `00-${'A'.repeat(32)}-${'b'.repeat(16)}-01`,
  ])('refuses %j', (text) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });
});

describe('ids of spans', () => {
  it('come once each', () => {
    const ids = new SpanIds((pool) => randomFillSync(pool));
    expect(new Set(Array.from({ length: 2_000 }, () => ids.next())).size).toBe(2_000);
  });

  it('are never zero', () => {
    let fills = 0;
    const ids = new SpanIds((pool) => void pool.fill(fills++ === 0 ? 0 : 7));
    expect(ids.next()).toBe('07'.repeat(8));
  });
});

describe('a share of all traces', () => {
  it('is about as large as it says, and part of every larger one', () => {
    const traceIds = Array.from({ length: 4_000 }, () => randomFillSync(Buffer.alloc(16)).toString('hex'));
    const tenth = traceIds.filter((id) => isInShare(id, 0.1));
    expect(tenth.length).toBeGreaterThan(250);
    expect(tenth.length).toBeLessThan(600);
    expect(tenth.every((id) => isInShare(id, 0.3))).toBe(true);
    expect(traceIds.every((id) => isInShare(id, 1))).toBe(true);
    expect(traceIds.some((id) => isInShare(id, 0))).toBe(false);
  });
});
