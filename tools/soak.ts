/**
 * `npm run soak`: every property test with new examples, and many more of them than `npm test` draws.
 *
 *   npm run soak                     all of them, ten times as many examples
 *   npm run soak -- --times 100 NAME…   only specs whose path holds one of the names
 */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '..');
const { values, positionals: names } = parseArgs({
  options: { times: { type: 'string', default: '10' } },
  allowPositionals: true,
});

const specs = globSync('{libs,services,tests}/**/src/**/*.spec.ts', { cwd: root, exclude: ['**/node_modules/**'] })
  .filter((path) => readFileSync(join(root, path), 'utf8').includes("from 'fast-check'"))
  .filter((path) => names.length === 0 || names.some((name) => path.includes(name)))
  .toSorted();
if (specs.length === 0) {
  process.stderr.write(`no property test has ${names.join(' or ')} in its path\n`);
  process.exit(64);
}
const failed = specs.filter((path) => {
  const project = path.slice(0, path.indexOf('/src/'));
  const { status } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      ...['run', '--config', join(root, 'vitest.config.ts'), '--root', '.'],
      path.slice(project.length + 1),
    ],
    {
      cwd: join(root, project),
      env: { ...process.env, MAILYARD_SOAK: values.times },
      stdio: 'inherit',
    },
  );
  return status !== 0;
});
for (const path of failed) process.stdout.write(`FAILED: ${path}\n`);
process.stdout.write(`\n${specs.length - failed.length} passed, ${failed.length} failed\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
