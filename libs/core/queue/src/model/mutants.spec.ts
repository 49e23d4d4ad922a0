import { describe, expect, test } from 'vitest';
import { MUTANTS, type Mutant, runMutant } from './mutants.ts';

/** Set to a number, the first seed up to it that catches each mutant is looked for and compared with the one on record. */
const SEARCH = Number(process.env['MAILYARD_MODEL_SEARCH'] ?? 0);
const SEARCH_TIMEOUT_MS = 3_600_000;

function isCaught(mutant: Mutant, seed: number): boolean {
  return runMutant(seed, mutant).violations.length > 0;
}

function firstSeed(mutant: Mutant): number | undefined {
  for (let seed = 1; seed <= SEARCH; seed++) if (isCaught(mutant, seed)) return seed;
  return undefined;
}

if (SEARCH > 0) {
  describe('the first seed that catches', () => {
    for (const mutant of MUTANTS)
      test(
        mutant.name,
        () => {
          expect(firstSeed(mutant)).toBe(mutant.caughtBy);
        },
        SEARCH_TIMEOUT_MS,
      );
  });
} else {
  describe('without this clause the model fails', () => {
    for (const mutant of MUTANTS) {
      const { name, caughtBy } = mutant;
      if (caughtBy === undefined) continue;
      test(`${name}: seed ${caughtBy}`, () => {
        expect(isCaught(mutant, caughtBy)).toBe(true);
      });
    }
  });

  describe('with every clause in place the same weather does no harm', () => {
    for (const { name, variation, caughtBy } of MUTANTS) {
      const { faults } = variation;
      if (caughtBy === undefined || (faults === undefined && caughtBy < 5)) continue;
      test(`that of ${name}: seed ${caughtBy}`, () => {
        const sound = { name: 'none', variation: faults === undefined ? {} : { faults }, caughtBy };
        expect(runMutant(caughtBy, sound).violations).toEqual([]);
      });
    }
  });
}
