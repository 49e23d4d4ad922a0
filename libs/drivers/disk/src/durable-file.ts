import { open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Makes the names in a directory durable: files that were created, renamed or removed. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const TEMPORARY = '.tmp';

/** Replaces a small file: after a crash at any instant it has the old content or the new. */
export async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = path + TEMPORARY;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}

/** Removes what an interrupted {@link replaceFile} left in a directory. */
export async function removeTemporaries(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.endsWith(TEMPORARY)) await rm(join(directory, name), { force: true });
  }
}
