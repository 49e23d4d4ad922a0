import { randomFillSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseTraceparent, TraceIds } from './traceparent.ts';

describe('traceparent', () => {
  it('reads what it made, and no id comes twice', () => {
    const ids = new TraceIds((pool) => randomFillSync(pool));
    const seen = new Set<string>();
    for (let i = 0; i < 2_000; i++) {
      const context = parseTraceparent(ids.traceparent(true))!;
      expect(context.sampled).toBe(true);
      seen.add(context.traceId);
    }
    expect(seen.size).toBe(2_000);
  });

  it('passes over an id of zeros', () => {
    let fills = 0;
    const ids = new TraceIds((pool) => void pool.fill(fills++ === 0 ? 0 : 7));
    expect(ids.traceId()).toBe('07'.repeat(16));
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
