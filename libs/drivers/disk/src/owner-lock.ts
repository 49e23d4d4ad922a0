import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MtaError } from '@mailyard/mail';

/**
 * The right to be the one process on a data directory. The kernel drops it when the process ends, however it ends: no
 * file with a process id is left to be judged. Embedded, holding it is the proof that I4 and I5 ask for.
 */
export class OwnerLock {
  /** Garbage collection would close the database of a lock that nobody refers to any more, and so give it to others. */
  static readonly #held = new Set<OwnerLock>();
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * Takes the lock, at once or not at all.
   *
   * @throws MtaError `STORE_LOCKED` when another process, or another lock of this one, holds it
   */
  static take(directory: string): OwnerLock {
    mkdirSync(directory, { recursive: true });
    const database = new DatabaseSync(join(directory, 'lock'), { timeout: 0 });
    try {
      // With a rollback journal and this mode SQLite keeps the lock of its first write until the file is closed.
      database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE; COMMIT;');
      const lock = new OwnerLock(database);
      OwnerLock.#held.add(lock);
      return lock;
    } catch (error) {
      database.close();
      const isBusy = (error as { errcode?: number }).errcode === SQLITE_BUSY;
      if (isBusy) throw new MtaError('STORE_LOCKED', `another process uses ${directory}`, { cause: error });
      throw error;
    }
  }

  release(): void {
    OwnerLock.#held.delete(this);
    this.#database.close();
  }
}

const SQLITE_BUSY = 5;
