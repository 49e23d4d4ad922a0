import { defineConfig } from 'vitest/config';

/** One configuration for every project: specs lie beside what they test; `*.int.spec.ts` talk to a real neighbour. */
export default defineConfig({
  test: {
    include: ['src/**/*.spec.ts', '*.spec.ts'],
    exclude: ['dist/**', 'node_modules/**'],
    reporters: ['default', 'json'],
    passWithNoTests: true,
    // Only a bound of a failure: on a busy machine the longest take five times as long.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
