import { statfs } from 'node:fs/promises';

/**
 * How full the file system of a path is: 0 empty, 1 nothing left for us.
 *
 * Blocks kept for the superuser do not count as free, since the gateway does not run as one; `df` reckons the same.
 */
export async function diskShare(path: string): Promise<number> {
  const { blocks, bfree, bavail } = await statfs(path);
  const used = blocks - bfree;
  return used + bavail === 0 ? 1 : used / (used + bavail);
}
