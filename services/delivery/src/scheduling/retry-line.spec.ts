import { describe, expect, it } from 'vitest';
import { RetryLine } from './retry-line.ts';

/** Who gets a turn in a second that is looked at every 20 ms. */
function turnsInSecond(line: RetryLine, from: number): number[] {
  const turns: number[] = [];
  for (let now = from; now < from + 1_000; now += 20)
    for (let domain = line.next(now); domain !== undefined; domain = line.next(now)) turns.push(domain);
  return turns;
}

function lineOf(count: number, utilisation: () => number): RetryLine {
  const line = new RetryLine(utilisation);
  for (let domain = 0; domain < count; domain++) line.enter(domain, false);
  return line;
}

describe('RetryLine', () => {
  it('gives turns in order, those whose mail was made due first', () => {
    const line = lineOf(200, () => 0.5);
    for (const domain of [1_000, 1_001]) line.enter(domain, true);
    const turns = turnsInSecond(line, 0);
    expect(turns.slice(0, 4)).toEqual([1_000, 1_001, 0, 1]);
    expect(turns).toEqual([1_000, 1_001, ...Array.from({ length: turns.length - 2 }, (_, domain) => domain)]);
    expect(line.size).toBe(202 - turns.length);
  });

  it('leaves the event loop to others while it is busy, but never stands still', () => {
    const line = lineOf(10_000, () => 0.9);
    for (let second = 0; second < 3; second++) turnsInSecond(line, second * 1_000);
    const { length } = turnsInSecond(line, 3_000);
    expect(length).toBeGreaterThanOrEqual(15);
    expect(length).toBeLessThanOrEqual(25);
  });

  it('becomes faster while the event loop has nothing else to do', () => {
    const line = lineOf(100_000, () => 0.1);
    const before = turnsInSecond(line, 0).length;
    for (let second = 1; second < 4; second++) turnsInSecond(line, second * 1_000);
    expect(turnsInSecond(line, 4_000).length).toBeGreaterThan(3 * before);
  });

  it('does not count what has cost nothing', () => {
    const line = lineOf(10_000, () => 0.9);
    let turns = 0;
    while (line.next(0) !== undefined) {
      line.giveBack();
      turns += 1;
    }
    expect(turns).toBe(10_000);
  });

  it('gathers no more than a fifth of a second of turns while nobody asks', () => {
    const line = lineOf(10_000, () => 0.5);
    line.next(0);
    let turns = 0;
    while (line.next(3_600_000) !== undefined) turns += 1;
    expect(turns).toBeLessThan(30);
  });
});
