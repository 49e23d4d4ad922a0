/**
 * Brings the file of the version before to the form of this one, a day in a transaction, so that nothing of what was
 * trimmed off the log since is lost. Its tables: `messages_DAY` with whole histories and ids, `terms_DAY` by row.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { MessageId } from '@mailyard/queue';
import { narrowed, Segment } from './segment.ts';

/** The schema before this one. */
export const CONVERTIBLE_SCHEMA = 1;

/** Whether the file still has tables of the version before. A conversion that was cut short goes on where it was. */
export function isOfBefore(database: DatabaseSync): boolean {
  return daysOfBefore(database).length > 0;
}

/** @throws Error of SQLite; the days before the one that failed are converted then */
export function convert(database: DatabaseSync): void {
  for (const day of daysOfBefore(database)) {
    database.exec('BEGIN IMMEDIATE');
    try {
      convertDay(database, day);
      database.exec('COMMIT');
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
  }
}

function convertDay(database: DatabaseSync, day: number): void {
  const segment = new Segment(database, day);
  database.exec(
    'CREATE TEMP TABLE IF NOT EXISTS keys (seq INTEGER PRIMARY KEY, key INTEGER NOT NULL); DELETE FROM keys',
  );
  const note = database.prepare('INSERT INTO keys VALUES (?, ?)');
  const rows = database.prepare(
    `SELECT seq, id, partition, waiting, quiet_until, full_state, history FROM messages_${day} ORDER BY id`,
  );
  for (const { seq, id, partition, waiting, quiet_until, full_state, history } of rows.iterate()) {
    const key = segment.insert({
      id: id as MessageId,
      partition: Number(partition),
      waiting: Number(waiting),
      quietUntil: Number(quiet_until),
      fullStateOffset: Number(full_state),
      history: history as Uint8Array,
    });
    if (key !== undefined) note.run(seq as number, key);
  }
  segment.flush();
  for (const { term, key } of database
    .prepare(`SELECT term, key FROM terms_${day} JOIN keys USING (seq) ORDER BY term & 4294967295`)
    .iterate())
    segment.index(narrowed(Number(term)), Number(key));
  database.exec(`DROP TABLE messages_${day}; DROP TABLE terms_${day}; DELETE FROM keys`);
}

function daysOfBefore(database: DatabaseSync): number[] {
  return database
    .prepare(`SELECT substr(name, 10) AS day FROM sqlite_master WHERE type = 'table' AND name GLOB 'messages_[0-9]*'`)
    .all()
    .map((row) => Number(row['day']))
    .sort((a, b) => b - a);
}
