import { applyOperations, initialState, type Operation } from '@mailyard/configuration';
import { DEFAULT_ROUTE_RULES, type ReceivingDomain, readRoute } from '@mailyard/smtp-routes';
import { describe, expect, it } from 'vitest';
import { coversOf } from './covers.ts';
import { KeptAnswer } from './kept-answer.ts';
import { RateBoard } from './rate-board.ts';
import { RouteRows } from './route-rows.ts';

describe('a kept answer', () => {
  /** An answer that takes so much of the processor, each time; time goes on with it. */
  const costing = (...costs: readonly number[]) => {
    const clock = { now: 0, used: 0, asked: 0 };
    const ask = (): Promise<number> => {
      const cost = costs[clock.asked] ?? costs.at(-1)!;
      clock.asked += 1;
      return Promise.resolve().then(() => {
        clock.now += cost;
        clock.used += cost;
        return clock.asked;
      });
    };
    const options = { now: () => clock.now, used: () => clock.used };
    return { clock, kept: new KeptAnswer(ask, options) };
  };

  it('is shared by all who ask within a second', async () => {
    const { clock, kept } = costing(0);
    expect(await Promise.all([kept.get(), kept.get()])).toEqual([1, 1]);
    clock.now = 999;
    expect(await kept.get()).toBe(1);
    clock.now = 1_000;
    expect(await kept.get()).toBe(2);
    kept.forget();
    expect(await kept.get()).toBe(3);
  });

  it('that is dear is asked for so seldom that three cost a hundredth, and nobody waits for it again', async () => {
    const { clock, kept } = costing(25);
    await kept.get();
    clock.now = 2_000;
    expect(await kept.get()).toBe(2);
    expect(clock.now).toBe(2_025);
    clock.now = 9_524;
    expect(await kept.get()).toBe(2);
    expect(clock.asked).toBe(2);
    clock.now = 9_525;
    expect(await kept.get()).toBe(2);
    expect(clock.asked).toBe(3);
    await new Promise(setImmediate);
    expect(await kept.get()).toBe(3);
  });

  it('is not kept for long because the first time, or something else meanwhile, was dear', async () => {
    const { clock, kept } = costing(80, 2, 90, 2);
    await kept.get();
    for (const expected of [2, 3, 4]) {
      clock.now += 1_000;
      expect(await kept.get()).toBe(expected);
    }
  });

  it('is never kept for longer than ten seconds', async () => {
    const { clock, kept } = costing(60_000);
    await kept.get();
    clock.now += 1_000;
    await kept.get();
    expect(kept.keptMs).toBe(10_000);
  });

  it('that failed is asked for again', async () => {
    let fails = true;
    const kept = new KeptAnswer(() => (fails ? Promise.reject(new Error('away')) : Promise.resolve('here')));
    await expect(kept.get()).rejects.toThrow('away');
    fails = false;
    expect(await kept.get()).toBe('here');
  });
});

describe('rates', () => {
  it('are averages an hour over 1, 5 and 15 minutes (R214)', () => {
    const board = new RateBoard();
    expect(board.rates()[0]).toEqual({ minutes: 1, accepted: 0, delivered: 0, bounced: 0 });
    for (let second = 0; second <= 1_200; second += 10)
      board.add({ at: second * 1_000, accepted: second > 600 ? (second - 600) * 2 : 0, delivered: second, bounced: 0 });
    expect(board.rates()).toEqual([
      { minutes: 1, accepted: 7_200, delivered: 3_600, bounced: 0 },
      { minutes: 5, accepted: 7_200, delivered: 3_600, bounced: 0 },
      { minutes: 15, accepted: 4_800, delivered: 3_600, bounced: 0 },
    ]);
    const minutes = board.minutes();
    expect(minutes).toHaveLength(20);
    expect(minutes[5]).toEqual({ at: 300_000, accepted: 0, delivered: 60, bounced: 0 });
    expect(minutes.at(-1)).toEqual({ at: 1_140_000, accepted: 120, delivered: 60, bounced: 0 });
  });

  it('begin anew when the counters do', () => {
    const board = new RateBoard();
    board.add({ at: 0, accepted: 100, delivered: 100, bounced: 0 });
    board.add({ at: 10_000, accepted: 5, delivered: 0, bounced: 0 });
    expect(board.rates()[0]).toEqual({ minutes: 1, accepted: 0, delivered: 0, bounced: 0 });
  });

  it('are of an hour at most', () => {
    const board = new RateBoard();
    for (let second = 0; second <= 10_000; second += 10)
      board.add({ at: second * 1_000, accepted: second, delivered: 0, bounced: 0 });
    expect(board.minutes()).toHaveLength(60);
  });
});

const set = (receivingDomain: string, ...destinations: string[]): Operation => {
  const read = readRoute({ receivingDomain, destinations }, DEFAULT_ROUTE_RULES);
  if (!('route' in read)) throw new Error(JSON.stringify(read.faults));
  return { kind: 'set', section: 'routes', item: read.route };
};

const state = applyOperations(initialState('l'), [
  set('b.example', 'b.example.net'),
  set('a.example', 'z.example.net'),
  set('x.a.example', 'USEDNS'),
]);

describe('rows of the table', () => {
  it('have what is pending among them, each marked', () => {
    const rows = new RouteRows();
    const operations: Operation[] = [
      { kind: 'remove', section: 'routes', key: 'b.example' },
      set('a.example', 'new.example.net'),
      set('c.example', '/dev/null'),
    ];
    const shown = rows.of(state, { baseVersion: 1, operations });
    expect(shown.rows.map(({ receivingDomain, pending }) => [receivingDomain, pending])).toEqual([
      ['b.example', 'removed'],
      ['a.example', 'changed'],
      ['x.a.example', undefined],
      ['c.example', 'added'],
      ['ALL', undefined],
    ]);
    expect(shown.rows[1]!.destinations).toEqual(['new.example.net']);
  });

  it('are found by any piece of domain or destination, and sorted either way', () => {
    const rows = new RouteRows();
    const table = rows.of(state);
    expect(rows.list(table, 'table', 'Z.EXAMPLE').map(({ receivingDomain }) => receivingDomain)).toEqual(['a.example']);
    expect(rows.list(table, '-receivingDomain', 'example').map(({ receivingDomain }) => receivingDomain)).toEqual([
      'x.a.example',
      'b.example',
      'a.example',
    ]);
    expect(rows.of(state)).toBe(table);
  });
});

describe('what an entry covers (R31, R32, R38)', () => {
  it('depends on its dot and on the mode, and names what is taken away', () => {
    const of = (domain: string, mode: 'covering' | 'dotted') => coversOf(domain as ReceivingDomain, { ...state, mode });
    expect(of('a.example', 'covering')).toMatchObject({ kind: 'domainAndBelow', exceptions: ['x.a.example'] });
    expect(of('a.example', 'dotted')).toMatchObject({ kind: 'domain', exceptions: [] });
    expect(of('.a.example', 'dotted')).toMatchObject({
      kind: 'below',
      domain: 'a.example',
      exceptions: ['x.a.example'],
    });
    expect(of('ALL', 'covering').kind).toBe('default');
    expect(of('[192.0.2.1]', 'covering').kind).toBe('literal');
  });
});
