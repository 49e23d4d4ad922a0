import { describe, expect, it } from 'vitest';
import { ConcurrencyWindow, type ConnectionDemand, INITIAL_WINDOW, wantsConnection } from './concurrency.ts';

const DEMAND: ConnectionDemand = {
  busy: 0,
  idle: 0,
  waiting: 0,
  messagesPerConnection: 50,
  transactionMs: undefined,
  window: 20,
};

/** How many connections are opened for what waits, when none of them gets anything done meanwhile. */
function opened(waiting: number, change: Partial<ConnectionDemand> = {}): number {
  let busy = 0;
  while (wantsConnection({ ...DEMAND, ...change, waiting, busy })) busy += 1;
  return busy;
}

describe('opening connections', () => {
  it.each([
    [0, 0],
    [1, 1],
    [10, 1],
    [50, 1],
    [51, 2],
    [120, 3],
    [10_000, 20],
  ])('opens for %i transactions %i connections (R105)', (waiting, connections) => {
    expect(opened(waiting)).toBe(connections);
  });

  it('opens none while one is idle (R105)', () => {
    expect(wantsConnection({ ...DEMAND, waiting: 500, busy: 3, idle: 1 })).toBe(false);
  });

  it('opens more where a transaction takes long', () => {
    expect(opened(10, { transactionMs: 500 })).toBe(5);
  });
});

describe('the window of connections', () => {
  it('grows with success up to the limit', () => {
    const window = new ConcurrencyWindow(20);
    expect(window.size).toBe(INITIAL_WINDOW);
    for (let i = 0; i < 1_000; i++) window.succeeded();
    expect(window.size).toBe(20);
  });

  it('shrinks with trouble, never below one, and recovers', () => {
    const window = new ConcurrencyWindow(20);
    for (let i = 0; i < 100; i++) window.troubled();
    expect(window.size).toBe(1);
    for (let i = 0; i < 10; i++) window.succeeded();
    expect(window.size).toBeGreaterThan(1);
  });

  it('keeps a limit below its start', () => {
    expect(new ConcurrencyWindow(2).size).toBe(2);
  });
});
