import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IndexedHeap } from './indexed-heap.ts';
import { offsetOfEntry, WaitingDomains } from './waiting-domains.ts';

interface NaiveEntry {
  readonly dueAt: number;
  readonly message: number;
  readonly recipient: number;
  released: boolean;
}

/** The same promises, kept by searching lists. */
class Naive {
  readonly domains = new Map<string, { entries: NaiveEntry[]; held: boolean; notBefore: number }>();

  of(domain: string) {
    let found = this.domains.get(domain);
    if (found === undefined) this.domains.set(domain, (found = { entries: [], held: false, notBefore: 0 }));
    return found;
  }

  nextDueAt(): number {
    let next = Infinity;
    for (const { entries, held, notBefore } of this.domains.values())
      if (!held)
        for (const { dueAt, released } of entries)
          next = Math.min(next, released ? -Infinity : Math.max(dueAt, notBefore));
    return next;
  }

  /** Takes out an entry the real one gave; fails when another one should have come first. */
  take(domain: string, message: number, recipient: number, now: number): void {
    const { entries, notBefore } = this.of(domain);
    const index = entries.findIndex((entry) => entry.message === message && entry.recipient === recipient);
    const entry = entries[index]!;
    expect(entry.released || Math.max(entry.dueAt, notBefore) <= now).toBe(true);
    const rivals = entries.filter(({ released }) => released === entries.some((other) => other.released));
    expect(rivals).toContain(entry);
    expect(Math.min(...rivals.map(({ dueAt }) => dueAt))).toBe(entry.dueAt);
    entries.splice(index, 1);
  }
}

const domainName = fc.constantFrom('a.example', 'b.example', 'c.example', 'd.example');
const step = fc.oneof(
  fc.record({
    kind: fc.constant('add' as const),
    domain: domainName,
    dueAt: fc.integer({ min: 0, max: 50 }),
    released: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('take' as const), now: fc.integer({ min: 0, max: 60 }) }),
  fc.record({ kind: fc.constant('takeOf' as const), domain: domainName, now: fc.integer({ min: 0, max: 60 }) }),
  fc.record({ kind: fc.constantFrom('release' as const, 'hold' as const, 'letGo' as const), domain: domainName }),
  fc.record({ kind: fc.constant('putOff' as const), domain: domainName, until: fc.integer({ min: 0, max: 60 }) }),
  fc.record({ kind: fc.constant('forget' as const), domain: domainName }),
);

describe('the waiting recipients', () => {
  it('come up as a search of lists says, domain by domain', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const real = new WaitingDomains();
        const naive = new Naive();
        let next = 0;
        const numbers = new Map<string, number>();
        const numberOf = (domain: string): number => {
          if (!numbers.has(domain)) numbers.set(domain, real.open());
          return numbers.get(domain)!;
        };
        const nameOf = (number: number): string => [...numbers].find(([, known]) => known === number)![0];
        for (const action of steps) {
          if (action.kind === 'add') {
            next += 1;
            real.add(numberOf(action.domain), action.dueAt, next % 64, next, next % 1_000, action.released);
            naive.of(action.domain).entries.push({
              dueAt: action.dueAt,
              message: next,
              recipient: next % 1_000,
              released: action.released,
            });
          } else if (action.kind === 'take') {
            const expected = naive.nextDueAt();
            const taken = real.nextDueAt() <= action.now ? real.take(action.now) : undefined;
            expect(taken === undefined).toBe(expected > action.now);
            if (taken !== undefined) naive.take(nameOf(taken.domain), taken.message, taken.recipient, action.now);
          } else {
            const number = numberOf(action.domain);
            const known = naive.of(action.domain);
            if (action.kind === 'takeOf') {
              const taken = real.takeOf(number, action.now);
              expect(taken !== undefined).toBe(
                known.entries.some(({ dueAt, released }) => released || Math.max(dueAt, known.notBefore) <= action.now),
              );
              if (taken !== undefined) naive.take(action.domain, taken.message, taken.recipient, action.now);
            } else if (action.kind === 'release') {
              real.release(number);
              for (const entry of known.entries) entry.released = true;
              known.notBefore = 0;
            } else if (action.kind === 'putOff') {
              real.putOff(number, action.until);
              known.notBefore = action.until;
            } else if (action.kind === 'hold') {
              real.hold(number);
              known.held = true;
            } else if (action.kind === 'letGo') {
              real.letGo(number);
              known.held = false;
            } else if (real.close(number)) {
              numbers.delete(action.domain);
              expect(known.entries).toHaveLength(0);
              naive.domains.delete(action.domain);
            }
          }
          for (const [domain, { entries, notBefore }] of naive.domains) {
            expect(real.isPutOff(numberOf(domain), 30)).toBe(notBefore > 30);
            const visited: number[] = [];
            real.visit(numberOf(domain), (partition, message, recipient) => {
              expect([partition, recipient]).toEqual([message % 64, message % 1_000]);
              visited.push(message);
            });
            expect(visited.sort((a, b) => a - b)).toEqual(entries.map(({ message }) => message));
          }
          expect(real.nextDueAt()).toBe(naive.nextDueAt());
          expect(real.size).toBe([...naive.domains.values()].reduce((sum, { entries }) => sum + entries.length, 0));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('take 27 octets an entry at most, at a million', () => {
    const waiting = new WaitingDomains();
    const domains = Array.from({ length: 1_000 }, () => waiting.open());
    for (let i = 0; i < 1_000_000; i++) waiting.add(domains[i % 1_000]!, (i * 7919) % 86_400_000, 0, i, 0);
    expect(waiting.octets / waiting.size).toBeLessThanOrEqual(27);
    let last = -Infinity;
    for (let i = 0; i < 100_000; i++) {
      const taken = waiting.take(Infinity)!;
      expect(taken.dueAt >= last).toBe(true);
      last = taken.dueAt;
    }
  });
});

describe('the offset that an entry means', () => {
  it('is the last one before the end of the log with its lower 32 bits', () => {
    const reach = fc.integer({ min: 1, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(fc.integer({ min: 2 ** 32, max: 2 ** 50 }), reach, (nextOffset, back) => {
        const offset = nextOffset - back;
        expect(offsetOfEntry(offset % 2 ** 32, nextOffset)).toBe(offset);
      }),
    );
    expect(offsetOfEntry(5, 10)).toBe(5);
  });
});

describe('the heap of numbers', () => {
  it('agrees with a sorted list', () => {
    const change = fc.record({
      member: fc.integer({ min: 0, max: 40 }),
      key: fc.option(fc.integer({ min: 0, max: 9 })),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
        const heap = new IndexedHeap();
        const naive = new Map<number, number>();
        for (const { member, key } of changes) {
          if (key === null) {
            heap.delete(member);
            naive.delete(member);
          } else {
            heap.set(member, key);
            naive.set(member, key);
          }
          expect(heap.size).toBe(naive.size);
          expect(heap.firstKey()).toBe(Math.min(Infinity, ...naive.values()));
          const first = heap.first();
          if (first !== undefined) expect(naive.get(first)).toBe(heap.firstKey());
        }
      }),
    );
  });
});
