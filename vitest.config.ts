import { defineConfig } from 'vitest/config';

/** One configuration for every project: specs lie beside what they test; `*.int.spec.ts` talk to a real neighbour. */
export default defineConfig({
  test: {
    include: ['src/**/*.spec.ts', '*.spec.ts'],
    exclude: ['dist/**', 'node_modules/**'],
    reporters: ['default', 'json'],
    passWithNoTests: true,
    testTimeout: 60_000,
    hookTimeout: 180_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
