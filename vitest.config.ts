import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const tools = join(import.meta.dirname, 'tools');
const moreExamples = join(tools, 'more-examples.ts');
const isSoak = process.env['MAILYARD_SOAK'] !== undefined;

/** One configuration for every project: specs lie beside what they test; `*.int.spec.ts` talk to a real neighbour. */
export default defineConfig({
  plugins: [
    {
      name: 'more-examples',
      enforce: 'pre',
      resolveId: (source, importer) =>
        isSoak && source === 'fast-check' && importer !== moreExamples ? moreExamples : undefined,
    },
  ],
  test: {
    include: ['src/**/*.spec.ts', '*.spec.ts'],
    exclude: ['dist/**', 'node_modules/**'],
    reporters: isSoak ? ['default'] : ['default', 'json'],
    passWithNoTests: true,
    setupFiles: isSoak ? [] : [join(tools, 'property-seed.ts')],
    // Only a bound of a failure: on a busy machine the longest take five times as long.
    testTimeout: isSoak ? 3_600_000 : 180_000,
    hookTimeout: 180_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
