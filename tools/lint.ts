/** `npm run lint`: formatting, lint rules with types, the compose file, the boundaries between projects. Exits 1 on any fault. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { findBreaches } from './boundaries.ts';

const root = join(import.meta.dirname, '..');
const run = (command: string, ...words: string[]): boolean =>
  spawnSync(join(root, 'node_modules/.bin', command), words, { cwd: root, stdio: 'inherit' }).status === 0;

const formatted = run('biome', 'format', '.');
const clean = run('oxlint', '--type-aware', '--quiet');
const deployable = run('dclint', '--quiet', 'deploy/compose.yaml');
const breaches = findBreaches(root);
for (const { file, imported, rule } of breaches) process.stderr.write(`${file} imports ${imported}: ${rule}\n`);
process.exitCode = formatted && clean && deployable && breaches.length === 0 ? 0 : 1;
