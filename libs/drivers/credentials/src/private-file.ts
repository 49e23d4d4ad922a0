import { rename, unlink, writeFile } from 'node:fs/promises';

/**
 * Writes a file that only its owner may read, whole or not at all: into a new file beside it, then in its place.
 *
 * @throws the error of the file system; what was there before then still is
 */
export async function writePrivateFile(path: string, content: string | Uint8Array): Promise<void> {
  // The command line may write the same file at the same time.
  const part = `${path}.${process.pid}.part`;
  try {
    await writeFile(part, content, { mode: 0o600, flush: true });
    await rename(part, path);
  } catch (error) {
    await unlink(part).catch(() => undefined);
    throw error;
  }
}
