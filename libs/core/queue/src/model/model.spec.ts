import { expect, test } from 'vitest';
import { run } from './run.ts';

/** How many worlds to try; more on request. A failure names its seed: `run(seed)` plays it again. */
const SEEDS = Number(process.env['MAILYARD_MODEL_SEEDS'] ?? 12);
const FIRST_SEED = Number(process.env['MAILYARD_MODEL_FIRST_SEED'] ?? 1);

test('I2 to I10: nothing lost, nothing doubled without an excuse, every reader agrees, the log is trimmed', () => {
  const totals = { messages: 0, acknowledged: 0, comparisons: 0, restatements: 0, excused: 0 };
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const result = run(seed);
    expect(result.violations, `seed ${seed}`).toEqual([]);
    totals.messages += result.messages;
    totals.acknowledged += result.acknowledged;
    totals.comparisons += result.comparisons;
    totals.restatements += result.restatements;
    for (const count of result.excuses.values()) totals.excused += count;
  }
  // The weather reached what it is there to try.
  expect(totals.acknowledged).toBeGreaterThan(totals.messages / 2);
  expect(totals.comparisons).toBeGreaterThan(SEEDS * 5);
  expect(totals.restatements).toBeGreaterThan(SEEDS);
  expect(totals.excused).toBeGreaterThan(0);
}, 3_600_000);
