/** The file of the read model: opened, begun anew when it cannot be read, its tables besides the days' segments. */
import { existsSync, renameSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { CONVERTIBLE_SCHEMA, convert, isOfBefore } from './tracking-conversion.ts';

const SCHEMA = 2;
const NOT_A_DATABASE = 26;
const CORRUPT = 11;

export interface OpenedDatabase {
  readonly database: DatabaseSync;
  /** Why an older file was put aside, if one was. */
  readonly putAside?: string;
}

/**
 * Opens the read model. One of the version before is converted. A file that is damaged, or of a schema that this version
 * does not know, is renamed and a new one begun: the log is the truth, though what was trimmed off it is then no longer
 * known.
 *
 * @param onConversion called before a conversion, which may take minutes
 */
export function openTrackingDatabase(file: string, now: number, onConversion?: () => void): OpenedDatabase {
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
    -- First, so that the version before does not take a file for its own of which only some days are in its form.
    UPDATE meta SET value = ${SCHEMA} WHERE key = 'schema';
  `);
  try {
    if (isOfBefore(database)) {
      onConversion?.();
      convert(database);
    }
  } catch (error) {
    database.close();
    if (!isDamage(error)) throw error;
    putAside(file, now);
    return { ...openTrackingDatabase(file, now), putAside: (error as Error).message };
  }
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
    return schema === SCHEMA || schema === CONVERTIBLE_SCHEMA
      ? undefined
      : `its schema is ${String(schema)}, not ${SCHEMA}`;
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
