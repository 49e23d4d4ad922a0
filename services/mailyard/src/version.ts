import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The version of this release, from the project's own package.json. */
export function version(): string {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
