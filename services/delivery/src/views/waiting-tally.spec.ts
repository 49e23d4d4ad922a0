import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { WaitingTally } from './waiting-tally.ts';

const change = fc.record({
  domain: fc.nat({ max: 200 }),
  key: fc.constantFrom('a', 'b', 'c', 'd'),
  recipients: fc.oneof(fc.constant(0), fc.nat({ max: 5 })),
});

it('counts by destination as one that goes over all domains does (R213)', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 400 }), (changes) => {
      const real = new WaitingTally();
      const naive = new Map<number, { readonly key: string; readonly recipients: number }>();
      for (const { domain, key, recipients } of changes) {
        real.set(domain, key, recipients);
        if (recipients === 0) naive.delete(domain);
        else naive.set(domain, { key, recipients });
      }
      const expected = new Map<string, { waiting: number; domains: number[] }>();
      for (const [domain, { key, recipients }] of naive) {
        const row = expected.get(key) ?? { waiting: 0, domains: [] };
        row.waiting += recipients;
        row.domains.push(domain);
        expected.set(key, row);
      }
      expect(real.size).toBe(expected.size);
      for (const [key, { waiting, domains }] of expected) {
        const row = real.find(key)!;
        expect(real.keyOf(row)).toBe(key);
        expect(real.waitingOf(row)).toBe(waiting);
        expect(real.domainCountOf(row)).toBe(domains.length);
        expect(real.domainsOf(row).toSorted((a, b) => a - b)).toEqual(domains.toSorted((a, b) => a - b));
        expect(real.domainsOf(row, 2)).toEqual(real.domainsOf(row).slice(0, 2));
        const linked: number[] = [];
        for (let domain = real.firstOf(row); domain >= 0; domain = real.after(domain)) linked.push(domain);
        expect(linked).toEqual(real.domainsOf(row));
      }
      const used = Array.from({ length: real.rowLimit }, (_, row) => real.keyOf(row)).filter((key) => key !== '');
      expect(used.toSorted()).toEqual([...expected.keys()].toSorted());
    }),
  );
});
