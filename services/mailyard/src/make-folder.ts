import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder that the settings name, and those above it that are missing.
 *
 * Node's own `recursive` never returns where the system answers ENOENT though the folder above is there, as /proc does.
 *
 * @throws Error that names the folder
 */
export function makeFolder(path: string): void {
  try {
    const above = dirname(path);
    if (above !== path && !existsSync(above)) makeFolder(above);
    mkdirSync(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    if (code === undefined) throw error;
    if (code === 'EEXIST' && statSync(path).isDirectory()) return;
    const why = code === 'EEXIST' ? 'it is there and is no folder' : code;
    throw new Error(`the folder ${path} cannot be made: ${why}`, { cause: error });
  }
}
