import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Writes a file so that nobody ever reads half of it: beside its place first, then moved there.
 *
 * @throws Error that names the file
 */
export async function writeWhole(path: string, content: Uint8Array): Promise<void> {
  const beside = join(dirname(path), `.${randomUUID()}.new`);
  try {
    const file = await open(beside, 'wx');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new Error(`${path} cannot be written: ${why}`, { cause: error });
  }
}
