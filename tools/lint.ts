/** `npm run lint`: formatting, lint rules with types, the compose file, the protos (their style, and
 * whether they still are what proto/baseline.binpb promises to clients), the boundaries between projects. Exits 1 on any fault. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { findBreaches } from './boundaries.ts';

const root = join(import.meta.dirname, '..');
const run = (command: string, ...words: string[]): boolean =>
  spawnSync(join(root, 'node_modules/.bin', command), words, { cwd: root, stdio: 'inherit' }).status === 0;

const formatted = run('biome', 'format', '.');
const clean = run('oxlint', '--type-aware', '--quiet');
const deployable = run('dclint', '--quiet', 'deploy/compose.yaml');
const described = run('buf', 'lint') && run('buf', 'breaking', 'proto', '--against', 'proto/baseline.binpb');
const breaches = findBreaches(root);
for (const { file, imported, rule } of breaches) process.stderr.write(`${file} imports ${imported}: ${rule}\n`);
process.exitCode = formatted && clean && deployable && described && breaches.length === 0 ? 0 : 1;
