/** The file of the read model: opened, begun anew when it cannot be read, its tables besides the days' segments. */
import { existsSync, renameSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const SCHEMA = 1;
const NOT_A_DATABASE = 26;
const CORRUPT = 11;

export interface OpenedDatabase {
  readonly database: DatabaseSync;
  /** Why an older file was put aside, if one was. */
  readonly putAside?: string;
}

/**
 * Opens the read model. A file that is damaged, or of a schema that this version does not know, is renamed and a new
 * one begun: the log is the truth, though what was trimmed off it is then no longer known.
 */
export function openTrackingDatabase(file: string, now: number): OpenedDatabase {
  const problem = existsSync(file) ? problemWith(file) : undefined;
  if (problem !== undefined) putAside(file, now);
  const database = new DatabaseSync(file);
  // The log is the truth: what the last commits before a power loss held is read from it again.
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA cache_size = -65536;
    PRAGMA wal_autocheckpoint = 4000;
    CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS partitions (partition INTEGER PRIMARY KEY, position TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS ledger (state TEXT PRIMARY KEY, recipients INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS notes (at INTEGER NOT NULL, text TEXT NOT NULL);
    INSERT OR IGNORE INTO meta VALUES ('schema', ${SCHEMA}), ('since', ${now});
  `);
  return problem === undefined ? { database } : { database, putAside: problem };
}

/** Renames the files of a read model that is damaged, so that the next start begins a new one. */
export function putAside(file: string, now: number): void {
  for (const suffix of ['', '-wal', '-shm'])
    if (existsSync(file + suffix)) renameSync(file + suffix, `${file}.aside-${now}${suffix}`);
}

function problemWith(file: string): string | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: false });
    const tables = database.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'meta'`).get();
    if (tables === undefined) return undefined;
    const schema = database.prepare(`SELECT value FROM meta WHERE key = 'schema'`).get()?.['value'];
    return schema === SCHEMA ? undefined : `its schema is ${String(schema)}, not ${SCHEMA}`;
  } catch (error) {
    if (isDamage(error)) return (error as Error).message;
    throw error;
  } finally {
    database?.close();
  }
}

/** Whether an error of SQLite says that the file is damaged or none of its own. */
export function isDamage(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error)) return false;
  return error.errcode === CORRUPT || error.errcode === NOT_A_DATABASE;
}
