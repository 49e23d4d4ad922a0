import { createHash } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Operation } from '@mailyard/configuration';
import { decodeChangeSet, encodeChangeSet } from '@mailyard/contracts';
import { writePrivateFile } from '@mailyard/credentials';

/** What somebody has submitted and not committed. */
export interface Draft {
  /** The version that it was made on. */
  readonly baseVersion: number;
  readonly operations: readonly Operation[];
}

/** A draft holds at most so many operations. */
export const DRAFT_LIMIT = 100_000;

/**
 * The pending changes of each name, in a folder: they outlive a restart. Each is kept as a change set that was not
 * committed, under a hash of the name.
 */
export class DraftStore {
  readonly #folder: string;
  readonly #drafts = new Map<string, Draft | undefined>();
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async of(name: string): Promise<Draft | undefined> {
    if (this.#drafts.has(name)) return this.#drafts.get(name);
    const draft = await this.#read(name);
    if (!this.#drafts.has(name)) this.#drafts.set(name, draft);
    return this.#drafts.get(name);
  }

  /** Does work that reads and writes the draft of a name, one after the other. */
  exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
    const result = (this.#turns.get(name) ?? Promise.resolve()).then(work);
    const turn = result.catch(() => undefined);
    this.#turns.set(name, turn);
    void turn.then(() => {
      if (this.#turns.get(name) === turn) this.#turns.delete(name);
    });
    return result;
  }

  async put(name: string, draft: Draft): Promise<void> {
    const file = this.#fileOf(name);
    const octets = encodeChangeSet({
      id: 'draft',
      lineage: '',
      version: draft.baseVersion,
      previousHash: '',
      author: name,
      reason: '',
      at: 0,
      operations: draft.operations,
    });
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writePrivateFile(file, octets);
    this.#drafts.set(name, draft);
  }

  async drop(name: string): Promise<void> {
    await rm(this.#fileOf(name), { force: true });
    this.#drafts.set(name, undefined);
  }

  async #read(name: string): Promise<Draft | undefined> {
    try {
      const { version, operations, author } = decodeChangeSet(await readFile(this.#fileOf(name)));
      return author === name ? { baseVersion: version, operations } : undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  #fileOf(name: string): string {
    return join(this.#folder, createHash('sha256').update(name).digest('hex').slice(0, 40));
  }
}
