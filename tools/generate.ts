/**
 * `npm run generate [FOLDER]`: generates libs/contracts/src/gen (or FOLDER) from all of proto/, by `buf` and ts-proto.
 * Besides a module for each file it writes `descriptors.binpb`, the descriptor set that gRPC reflection serves: these
 * files and those of proto-foreign/, which clients need to read health and the details of errors.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = join(import.meta.dirname, '..');
const target = resolve(process.argv[2] ?? join(root, 'libs/contracts/src/gen'));

function buf(...words: string[]): void {
  const { status, error } = spawnSync(join(root, 'node_modules/.bin/buf'), words, { cwd: root, stdio: 'inherit' });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(target, { recursive: true, force: true });
buf('generate', 'proto', '--output', target);
buf('build', '--as-file-descriptor-set', '--exclude-source-info', '--output', join(target, 'descriptors.binpb'));
