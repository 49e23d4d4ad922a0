/**
 * The messages of one day, by the time in their ids: a table of messages and an index of search terms. When the day is
 * over its retention both are dropped whole, which costs far less than deleting rows.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { createdAtOf, type MessageId } from '@mailyard/queue';

/** A message as it is stored. */
export interface MessageRow {
  readonly seq: number;
  readonly id: MessageId;
  readonly partition: number;
  readonly waiting: number;
  readonly history: Uint8Array;
}

export interface NewRow {
  readonly id: MessageId;
  readonly partition: number;
  readonly waiting: number;
  /** When something must have happened to it by; 0 when nothing waits. */
  readonly quietUntil: number;
  readonly fullStateOffset: number;
  readonly history: Uint8Array;
}

export class Segment {
  readonly day: number;
  readonly #find: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #index: StatementSync;
  readonly #byTerm: StatementSync;
  readonly #newest: StatementSync;
  readonly #below: StatementSync;
  readonly #quiet: StatementSync;
  readonly #waiting: StatementSync;

  constructor(database: DatabaseSync, day: number) {
    this.day = day;
    const m = `messages_${day}`;
    const t = `terms_${day}`;
    database.exec(`
      CREATE TABLE IF NOT EXISTS ${m} (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, partition INTEGER NOT NULL,
        waiting INTEGER NOT NULL, quiet_until INTEGER NOT NULL, full_state INTEGER NOT NULL, history BLOB NOT NULL);
      CREATE INDEX IF NOT EXISTS ${m}_below ON ${m} (partition, full_state) WHERE waiting > 0;
      CREATE INDEX IF NOT EXISTS ${m}_quiet ON ${m} (quiet_until) WHERE waiting > 0;
      CREATE TABLE IF NOT EXISTS ${t} (term INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (term, seq)) WITHOUT ROWID;
    `);
    const columns = 'seq, id, partition, waiting, history';
    this.#find = database.prepare(`SELECT ${columns} FROM ${m} WHERE id = ?`);
    this.#insert = database.prepare(
      `INSERT OR IGNORE INTO ${m} (id, partition, waiting, quiet_until, full_state, history) VALUES (?, ?, ?, ?, ?, ?)`,
    );
    this.#update = database.prepare(
      `UPDATE ${m} SET waiting = ?, quiet_until = ?, full_state = ?, history = CAST(history || ? AS BLOB) WHERE seq = ?`,
    );
    this.#index = database.prepare(`INSERT OR IGNORE INTO ${t} VALUES (?, ?)`);
    this.#byTerm = database.prepare(
      `SELECT ${columns} FROM ${t} JOIN ${m} USING (seq) WHERE term = ? AND seq < ? ORDER BY seq DESC LIMIT ?`,
    );
    this.#newest = database.prepare(`SELECT ${columns} FROM ${m} WHERE seq < ? ORDER BY seq DESC LIMIT ?`);
    this.#below = database.prepare(
      `SELECT id FROM ${m} WHERE waiting > 0 AND partition = ? AND full_state < ? ORDER BY full_state`,
    );
    this.#quiet = database.prepare(
      `SELECT id, waiting FROM ${m} WHERE waiting > 0 AND quiet_until < ? ORDER BY quiet_until LIMIT 1000`,
    );
    this.#waiting = database.prepare(`SELECT 1 FROM ${m} WHERE waiting > 0 LIMIT 1`);
  }

  find(id: MessageId): MessageRow | undefined {
    return this.#find.get(id) as MessageRow | undefined;
  }

  /** The new row's number; undefined when there is one of that id. */
  insert({ id, partition, waiting, quietUntil, fullStateOffset, history }: NewRow): number | undefined {
    const { changes, lastInsertRowid } = this.#insert.run(id, partition, waiting, quietUntil, fullStateOffset, history);
    return changes === 0 ? undefined : Number(lastInsertRowid);
  }

  /** @param row `history`: what is to be put behind that which is stored */
  update(seq: number, { waiting, quietUntil, fullStateOffset, history }: NewRow): void {
    this.#update.run(waiting, quietUntil, fullStateOffset, history, seq);
  }

  index(term: number, seq: number): void {
    this.#index.run(term, seq);
  }

  /** Newest first, rows below `before`; what shares the term by chance is among them. */
  byTerm(term: number, before: number, limit: number): MessageRow[] {
    return this.#byTerm.all(term, before, limit) as unknown as MessageRow[];
  }

  newest(before: number, limit: number): MessageRow[] {
    return this.#newest.all(before, limit) as unknown as MessageRow[];
  }

  /** The number of about the first row that was accepted at or after a time, found by halving; above all when none was. */
  firstAfter(at: number): number {
    let [low, high] = [0, (this.newest(Number.MAX_SAFE_INTEGER, 1)[0]?.seq ?? 0) + 1];
    while (low + 1 < high) {
      const middle = Math.floor((low + high) / 2);
      const row = this.newest(middle + 1, 1)[0];
      if (row === undefined || createdAtOf(row.id) < at) low = middle;
      else high = middle;
    }
    return high;
  }

  /** Messages with waiting recipients whose last full state lies below this offset. */
  openBelow(partition: number, offset: number): MessageId[] {
    return this.#below.all(partition, offset).map((row) => row['id'] as MessageId);
  }

  /** Messages of which nothing was heard for too long, up to 1,000. */
  quietSince(at: number): readonly { readonly id: MessageId; readonly waiting: number }[] {
    return this.#quiet.all(at) as unknown as { id: MessageId; waiting: number }[];
  }

  get hasWaiting(): boolean {
    return this.#waiting.get() !== undefined;
  }

  static drop(database: DatabaseSync, day: number): void {
    database.exec(`DROP TABLE IF EXISTS messages_${day}; DROP TABLE IF EXISTS terms_${day};`);
  }

  /** Days that have a segment, rising. */
  static days(database: DatabaseSync): number[] {
    return database
      .prepare(`SELECT substr(name, 10) AS day FROM sqlite_master WHERE type = 'table' AND name GLOB 'messages_*'`)
      .all()
      .map((row) => Number(row['day']))
      .sort((a, b) => a - b);
  }
}
