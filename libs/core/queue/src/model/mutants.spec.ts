import { describe, expect, test } from 'vitest';
import { MUTANTS, type Mutant, runMutant } from './mutants.ts';

function isCaught(mutant: Mutant, seed: number): boolean {
  return runMutant(seed, mutant).violations.length > 0;
}

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
  for (const seed of new Set(MUTANTS.flatMap(({ caughtBy }) => caughtBy ?? []))) {
    test(`seed ${seed}`, () => {
      expect(runMutant(seed, { name: 'none', variation: {}, caughtBy: seed }).violations).toEqual([]);
    });
  }
});
