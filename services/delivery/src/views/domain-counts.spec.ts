import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { DomainCounts } from './domain-counts.ts';

it('counts like a map, and is empty once it was taken', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ domain: fc.nat({ max: 2_000 }), isMore: fc.boolean() })), (changes) => {
      const real = new DomainCounts();
      const naive = new Map<number, number>();
      for (const { domain, isMore } of changes) {
        const known = naive.get(domain) ?? 0;
        if (!isMore && known === 0) continue;
        real.add(domain, isMore ? 1 : -1);
        naive.set(domain, known + (isMore ? 1 : -1));
      }
      const counted = [...naive].filter(([, count]) => count > 0).sort(([a], [b]) => a - b);
      expect([...real.take()]).toEqual(counted);
      expect([...real.take()]).toEqual([]);
    }),
  );
});
