import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { CommitResult, ConfigurationLog, LoggedChangeSet } from '@mailyard/configuration';
import { MtaError } from '@mailyard/mail';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS lineage (only INTEGER PRIMARY KEY CHECK (only = 1), id TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS change_set (
    version INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, lineage TEXT NOT NULL, payload BLOB NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS snapshot (
    only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL, payload BLOB NOT NULL
  ) STRICT;
`;

interface Row {
  readonly version: number;
  readonly id: string;
  readonly lineage: string;
  readonly payload: Uint8Array;
}

/**
 * The configuration log in one SQLite file, for one process. Hold an `OwnerLock` on its directory first.
 *
 * A commit is synced before it is answered (WAL, `synchronous = FULL`). Changes are rare and small, so that it blocks
 * the process for a moment is no matter.
 */
export class DiskConfigurationLog implements ConfigurationLog {
  readonly #database: DatabaseSync;
  readonly #listeners = new Set<() => void>();

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Opens or begins the log in a file. @throws MtaError `STORE_DAMAGED` when it is no sound database */
  static open(path: string): DiskConfigurationLog {
    mkdirSync(dirname(path), { recursive: true });
    const database = new DatabaseSync(path);
    try {
      database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${SCHEMA}`);
      const verdict = database.prepare('PRAGMA quick_check(1)').get() as { readonly quick_check: string };
      if (verdict.quick_check !== 'ok') throw new Error(verdict.quick_check);
      return new DiskConfigurationLog(database);
    } catch (cause) {
      database.close();
      const text = cause instanceof Error ? cause.message : String(cause);
      throw new MtaError('STORE_DAMAGED', `${path}: ${text}`, { cause });
    }
  }

  async lineage(): Promise<string | undefined> {
    return this.#lineage();
  }

  async initialise(lineage: string): Promise<void> {
    await this.#inTransaction(() => {
      const known = this.#lineage();
      if (known !== undefined) throw new MtaError('CONFIGURATION_EXISTS', `the log belongs to lineage ${known}`);
      this.#database.prepare('INSERT INTO lineage VALUES (1, ?)').run(lineage);
    });
    this.#tell();
  }

  async commit({ version, id, lineage, payload }: LoggedChangeSet): Promise<CommitResult> {
    const result = await this.#inTransaction((): CommitResult => {
      const known = this.#database.prepare('SELECT version FROM change_set WHERE id = ?').get(id);
      if (known?.['version'] === version) return { kind: 'committed' };
      const newest = this.#newest();
      if (known !== undefined || version !== newest + 1 || lineage !== this.#lineage())
        return { kind: 'conflict', version: newest };
      this.#database.prepare('INSERT INTO change_set VALUES (?, ?, ?, ?)').run(version, id, lineage, payload);
      return { kind: 'committed' };
    });
    if (result.kind === 'committed') this.#tell();
    return result;
  }

  async find(id: string): Promise<LoggedChangeSet | undefined> {
    const row = this.#database.prepare('SELECT * FROM change_set WHERE id = ?').get(id) as Row | undefined;
    return row === undefined ? undefined : { ...row };
  }

  async *read(fromVersion: number): AsyncGenerator<LoggedChangeSet> {
    const statement = this.#database.prepare('SELECT * FROM change_set WHERE version = ?');
    const newest = this.#newest();
    // One at a time, so that no statement stays open while the reader takes its time.
    for (let version = Math.max(1, fromVersion); version <= newest; version++)
      yield { ...(statement.get(version) as unknown as Row) };
  }

  watch(listener: () => void): () => void {
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  async snapshot(): Promise<{ readonly version: number; readonly payload: Uint8Array } | undefined> {
    const row = this.#database.prepare('SELECT version, payload FROM snapshot').get();
    return row === undefined ? undefined : { ...(row as unknown as Pick<Row, 'version' | 'payload'>) };
  }

  async writeSnapshot(version: number, payload: Uint8Array): Promise<void> {
    await this.#inTransaction(() =>
      this.#database
        .prepare(
          `INSERT INTO snapshot VALUES (1, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version,
           payload = excluded.payload WHERE excluded.version > version`,
        )
        .run(version, payload),
    );
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #lineage(): string | undefined {
    const row = this.#database.prepare('SELECT id FROM lineage').get() as { readonly id: string } | undefined;
    return row?.id;
  }

  #newest(): number {
    const row = this.#database.prepare('SELECT coalesce(max(version), 0) AS version FROM change_set').get();
    return row!['version'] as number;
  }

  /**
   * Runs the work in one transaction.
   *
   * @throws MtaError `CONFIGURATION_AWAY` when nothing was written, `CONFIGURATION_UNCERTAIN` when COMMIT itself failed
   */
  async #inTransaction<T>(work: () => T): Promise<T> {
    let code = 'CONFIGURATION_AWAY';
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const result = work();
      code = 'CONFIGURATION_UNCERTAIN';
      this.#database.exec('COMMIT');
      return result;
    } catch (cause) {
      if (this.#database.isOpen && this.#database.isTransaction) this.#database.exec('ROLLBACK');
      if (cause instanceof MtaError) throw cause;
      const text = cause instanceof Error ? cause.message : String(cause);
      throw new MtaError(code, `the configuration log: ${text}`, { cause });
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) queueMicrotask(listener);
  }
}
