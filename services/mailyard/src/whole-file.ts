import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Writes a file so that nobody ever reads half of it: beside its place first, then moved there. What may read it stays as
 * it was; a symbolic link stays, and the file behind it is written. A pipe or a device (`/dev/stdout`, `/dev/null`) is
 * written to, since nothing may take its place.
 *
 * @throws Error that names the file
 */
export async function writeWhole(path: string, content: Uint8Array): Promise<void> {
  try {
    const present = await statOf(path);
    if (present?.isFile() === false) await writeFile(path, content);
    else if (present === undefined) await replace(path, content);
    else await replace(await realpath(path), content, present.mode & 0o777);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new Error(`${path} cannot be written: ${why}`, { cause: error });
  }
}

/** @returns undefined when there is no such file */
async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @param mode permissions; absent: those of a new file */
async function replace(path: string, content: Uint8Array, mode?: number): Promise<void> {
  const beside = join(dirname(path), `.${randomUUID()}.new`);
  try {
    const file = await open(beside, 'wx', mode);
    try {
      // What it was opened with went through the umask.
      if (mode !== undefined) await file.chmod(mode);
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
