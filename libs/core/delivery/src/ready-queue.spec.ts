import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AGING_MS, type ReadyItem, ReadyQueue } from './ready-queue.ts';

interface Item extends ReadyItem {
  readonly name: string;
}

function item(name: string, change: Partial<ReadyItem> = {}): Item {
  return { name, policy: 'default', priority: 0, cost: 4_096, readyAt: 0, ...change };
}

function drain(queue: ReadyQueue<Item>, now = 0): string[] {
  const names: string[] = [];
  for (let next = queue.shift(now); next !== undefined; next = queue.shift(now)) names.push(next.name);
  return names;
}

describe('the ready queue', () => {
  it('keeps the order of arrival inside a policy group', () => {
    const queue = new ReadyQueue<Item>();
    for (let i = 0; i < 300; i++) queue.push(item(`${i}`));
    expect(drain(queue)).toEqual(Array.from({ length: 300 }, (_, i) => `${i}`));
    expect(queue.size).toBe(0);
  });

  it('gives each policy group its turn by what it sends', () => {
    const queue = new ReadyQueue<Item>();
    for (let i = 0; i < 1_000; i++) queue.push(item('bulk', { policy: 'bulk' }));
    for (let i = 0; i < 100; i++) queue.push(item('small', { policy: 'small' }));
    const first = drain(queue).slice(0, 220);
    expect(first.filter((name) => name === 'small').length).toBe(100);
  });

  it('charges octets: a group of large messages does not crowd out a group of small ones', () => {
    const queue = new ReadyQueue<Item>();
    for (let i = 0; i < 10; i++) queue.push(item('large', { policy: 'large', cost: 10_000_000 }));
    for (let i = 0; i < 1_000; i++) queue.push(item('small', { policy: 'small' }));
    expect(drain(queue).indexOf('large')).toBeGreaterThan(900);
  });

  it('prefers a higher priority', () => {
    const queue = new ReadyQueue<Item>();
    queue.push(item('normal'));
    queue.push(item('urgent', { priority: 5 }));
    expect(drain(queue)).toEqual(['urgent', 'normal']);
  });

  it('lets what waits gain on a higher priority', () => {
    const queue = new ReadyQueue<Item>();
    queue.push(item('old', { readyAt: 0 }));
    queue.push(item('urgent', { priority: 2, readyAt: 3 * AGING_MS }));
    expect(drain(queue, 3 * AGING_MS)).toEqual(['old', 'urgent']);
  });

  it('puts back what was taken at the front', () => {
    const queue = new ReadyQueue<Item>();
    queue.push(item('a'));
    queue.push(item('b'));
    queue.unshift(queue.shift(0)!);
    expect(drain(queue)).toEqual(['a', 'b']);
  });

  it('takes out what a test names and keeps the order of the rest', () => {
    const queue = new ReadyQueue<Item>();
    for (const name of ['a', 'b', 'c', 'd']) queue.push(item(name, { policy: name < 'c' ? 'x' : 'y' }));
    expect(queue.extract(({ name }) => name === 'b' || name === 'c').map(({ name }) => name)).toEqual(['b', 'c']);
    expect(drain(queue)).toEqual(['a', 'd']);
  });

  it('gives back everything that was put in, once, in order of arrival inside each group', () => {
    const items = fc.array(
      fc.record({
        policy: fc.constantFrom('a', 'b', 'c'),
        priority: fc.integer({ min: 0, max: 2 }),
        cost: fc.integer({ min: 1, max: 300_000 }),
        readyAt: fc.integer({ min: 0, max: 100_000 }),
      }),
    );
    fc.assert(
      fc.property(items, fc.integer({ min: 0, max: 200_000 }), (made, now) => {
        const queue = new ReadyQueue<Item>();
        for (const [index, fields] of made.entries()) queue.push({ ...fields, name: `${index}` });
        const order = drain(queue, now).map(Number);
        expect([...order].sort((a, b) => a - b)).toEqual(made.map((_, index) => index));
        const groups = Map.groupBy(order, (index) => `${made[index]!.policy} ${made[index]!.priority}`);
        for (const group of groups.values()) expect(group).toEqual([...group].sort((a, b) => a - b));
      }),
    );
  });
});
