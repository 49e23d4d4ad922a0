import { describe, expect, it } from 'vitest';
import { isWarningDue } from './delay-warning.ts';

const MINUTE = 60_000;

describe('delay warnings (R80)', () => {
  it.each([
    ['are off where none are allowed', 0, { retries: 5 }, false],
    ['do not come at the first soft bounce', 1, { retries: 0 }, false],
    ['come at the second', 1, { retries: 1 }, true],
    ['are made up late where they were allowed later', 1, { retries: 7 }, true],
    ['are no more than allowed', 1, { retries: 7, warnings: 1, warnedAt: 0 }, false],
    ['wait until the last one is long enough ago', 2, { retries: 3, warnings: 1, warnedAt: 41 * MINUTE }, false],
    ['come again then', 2, { retries: 3, warnings: 1, warnedAt: 40 * MINUTE }, true],
    ['end at the number', 2, { retries: 9, warnings: 2, warnedAt: 0 }, false],
  ] as const)('%s', (_name, delayWarnings, recipient, due) => {
    expect(isWarningDue({ delayWarnings, delayWarningMs: 60 * MINUTE }, recipient, 100 * MINUTE)).toBe(due);
  });
});
