import { access, constants, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { MtaError } from '@mailyard/mail';
import { type BodyStore, isBodyKey, type StoredBody } from '@mailyard/queue';
import { DirectorySync } from './directory-sync.ts';
import { syncDirectory } from './durable-file.ts';

/** Where bodies are written before they have a name. */
const INCOMING = 'incoming';

/** Read at once, and what small pieces are gathered to before they are written. */
const BLOCK_OCTETS = 262_144;
/** Blocks for both, used again: new ones would be memory outside V8's heap, for which it collects all of it. */
const BLOCKS: Buffer[] = [];
const MOST_BLOCKS = 64;

/**
 * Bodies as files, `<partition>/<last two characters of the message id>/<message id>.<number>`, for one process. Hold
 * an `OwnerLock` first.
 *
 * A body is written without a name that `get` would find, synced, named, and its directory synced, in this order: after
 * a crash at any instant a name stands for a whole body.
 */
export class DiskBodyStore implements BodyStore {
  readonly #directory: string;
  readonly #directories = new DirectorySync();
  /** Directories that were made durable since this process began. */
  readonly #made = new Map<string, Promise<void>>();
  #count = 0;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Opens the store in a directory, and removes what puts left there that never ended. */
  static async open(directory: string): Promise<DiskBodyStore> {
    const incoming = join(directory, INCOMING);
    await mkdir(incoming, { recursive: true });
    await syncDirectory(dirname(directory));
    await syncDirectory(directory);
    for (const name of await readdir(incoming)) await rm(join(incoming, name), { force: true });
    return new DiskBodyStore(directory);
  }

  /** @throws MtaError `BODY_STORE_FULL` when there is no room, `BODY_STORE_AWAY` for other faults of the disk */
  async put(
    key: string,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<{ sizeOctets: number; crc32: number }> {
    const path = this.#pathOf(key);
    const temporary = join(this.#directory, INCOMING, String(++this.#count));
    try {
      const stored = await writeBody(temporary, content);
      await answering(async () => {
        await this.#make(dirname(path));
        await rename(temporary, path);
        await this.#directories.sync(dirname(path));
      });
      return stored;
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
  }

  async get(key: string): Promise<AsyncIterable<Uint8Array>> {
    const path = this.#pathOf(key);
    await answering(() => access(path, constants.R_OK), key);
    return readBody(path, key);
  }

  async delete(key: string): Promise<void> {
    // Not synced: a body that comes back after a power loss is swept again.
    await answering(() => rm(this.#pathOf(key), { force: true }));
  }

  async *list(partition: number): AsyncGenerator<StoredBody> {
    const root = join(this.#directory, String(partition));
    for (const folder of await namesIn(root)) {
      for (const name of await namesIn(join(root, folder))) {
        const dot = name.lastIndexOf('.');
        const key = `${partition}/${name.slice(0, dot)}/${name.slice(dot + 1)}`;
        if (!isBodyKey(key)) continue;
        const found = await stat(join(root, folder, name)).catch(() => undefined);
        if (found !== undefined) yield { key, storedAt: found.mtimeMs };
      }
    }
  }

  /** Whether the directory can be written to. */
  async check(): Promise<void> {
    await answering(() => access(join(this.#directory, INCOMING), constants.W_OK));
  }

  async close(): Promise<void> {}

  #pathOf(key: string): string {
    if (!isBodyKey(key)) throw new RangeError(`"${key}" is no key of a body`);
    const [partition, message, number] = key.split('/') as [string, string, string];
    return join(this.#directory, partition, message.slice(-2), `${message}.${number}`);
  }

  /** Makes a directory for bodies, durably, once. */
  #make(path: string): Promise<void> {
    let made = this.#made.get(path);
    if (made === undefined) {
      made = this.#makeNow(path).catch((error: unknown) => {
        this.#made.delete(path);
        throw error;
      });
      this.#made.set(path, made);
    }
    return made;
  }

  async #makeNow(path: string): Promise<void> {
    await mkdir(path, { recursive: true });
    await this.#directories.sync(dirname(path));
    await this.#directories.sync(this.#directory);
  }
}

function takeBlock(): Buffer {
  return BLOCKS.pop() ?? Buffer.allocUnsafeSlow(BLOCK_OCTETS);
}

function giveBlock(block: Buffer): void {
  if (BLOCKS.length < MOST_BLOCKS) BLOCKS.push(block);
}

/** Writes the content to a new file and syncs it. Errors of the content itself pass as they are. */
async function writeBody(
  path: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<{ sizeOctets: number; crc32: number }> {
  const file = await answering(() => open(path, 'wx', 0o600));
  let gathered: Buffer | undefined;
  try {
    let sizeOctets = 0;
    let check = 0;
    let filled = 0;
    for await (const piece of content) {
      sizeOctets += piece.length;
      check = crc32(piece, check);
      if (gathered !== undefined && filled + piece.length > BLOCK_OCTETS) {
        const whole = gathered.subarray(0, filled);
        await answering(() => file.writeFile(whole));
        filled = 0;
      }
      if (piece.length >= BLOCK_OCTETS) {
        await answering(() => file.writeFile(piece));
      } else {
        gathered ??= takeBlock();
        gathered.set(piece, filled);
        filled += piece.length;
      }
    }
    await answering(async () => {
      if (gathered !== undefined) await file.writeFile(gathered.subarray(0, filled));
      await file.sync();
    });
    return { sizeOctets, crc32: check };
  } finally {
    if (gathered !== undefined) giveBlock(gathered);
    await answering(() => file.close());
  }
}

async function* readBody(path: string, key: string): AsyncGenerator<Uint8Array> {
  const file = await answering(() => open(path, 'r'), key);
  const block = takeBlock();
  try {
    for (;;) {
      const { bytesRead } = await answering(() => file.read(block, 0, BLOCK_OCTETS));
      if (bytesRead === 0) break;
      yield block.subarray(0, bytesRead);
    }
    // Only of a reader that took all of it is it known that it has passed everything on: who breaks off may have handed
    // the block to a socket, which must not find another message in it.
    giveBlock(block);
  } finally {
    await file.close();
  }
}

async function namesIn(path: string): Promise<string[]> {
  return answering(async () => {
    try {
      return await readdir(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  });
}

/** Runs work on the disk and names its faults. `key` is given where a missing file is a missing body. */
async function answering<T>(work: () => Promise<T>, key?: string): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' && key !== undefined)
      throw new MtaError('BODY_MISSING', `there is no body ${key}`, { cause });
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new MtaError('BODY_STORE_FULL', message, { cause });
    throw new MtaError('BODY_STORE_AWAY', message, { cause });
  }
}
