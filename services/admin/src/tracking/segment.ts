/**
 * The messages of one day, by the time in their ids: a table of messages, their histories in chunks, and an index of
 * search terms. When the day is over its retention all are dropped whole, which costs far less than deleting rows.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { MessageId } from '@mailyard/queue';
import { HistoryChunks, type HistoryPlace } from './history-chunks.ts';
import { decodeHistory, type HistoryEntry } from './history.ts';
import { createdAtOfKey, firstKeyAt, keyOf } from './message-key.ts';

/** A message as it is stored. */
export interface MessageRow {
  /** Its number in the segment: rises with the time in its id. */
  readonly key: number;
  readonly partition: number;
  /** Where its history is: {@link PART_OCTETS} for each commit that wrote a part of it. */
  readonly parts: Uint8Array;
}

/** A message with what is known of it. */
export interface FoundMessage {
  readonly row: MessageRow;
  readonly entries: readonly HistoryEntry[];
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

const PART_OCTETS = 5;

export class Segment {
  readonly day: number;
  readonly #histories: HistoryChunks;
  readonly #at: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #index: StatementSync;
  readonly #byTerm: StatementSync;
  readonly #newest: StatementSync;
  readonly #below: StatementSync;
  readonly #quiet: StatementSync;
  readonly #waiting: StatementSync;

  /** @param onChunk called for each chunk of histories, within the transaction that it is written in */
  constructor(database: DatabaseSync, day: number, onChunk: (chunk: number) => void = () => undefined) {
    this.day = day;
    const m = `mail_${day}`;
    const t = `mail_terms_${day}`;
    // One index for both questions about what waits, of which the one for silence reads all of it, once a minute.
    // Whole seconds in quiet_until: two octets less in the table and in the index.
    database.exec(`
      CREATE TABLE IF NOT EXISTS ${m} (key INTEGER PRIMARY KEY, partition INTEGER NOT NULL, waiting INTEGER NOT NULL,
        quiet_until INTEGER NOT NULL, full_state INTEGER NOT NULL, parts BLOB NOT NULL);
      CREATE INDEX IF NOT EXISTS ${m}_open ON ${m} (partition, full_state, quiet_until) WHERE waiting > 0;
      CREATE TABLE IF NOT EXISTS ${t} (term INTEGER NOT NULL, key INTEGER NOT NULL, PRIMARY KEY (term, key)) WITHOUT ROWID;
    `);
    this.#histories = new HistoryChunks(database, `mail_histories_${day}`, onChunk);
    const columns = 'key, partition, parts';
    this.#at = database.prepare(`SELECT ${columns} FROM ${m} WHERE key = ?`);
    this.#insert = database.prepare(`INSERT OR IGNORE INTO ${m} VALUES (?, ?, ?, ?, ?, ?)`);
    this.#update = database.prepare(
      `UPDATE ${m} SET waiting = ?, quiet_until = ?, full_state = ?, parts = CAST(parts || ? AS BLOB) WHERE key = ?`,
    );
    this.#index = database.prepare(`INSERT OR IGNORE INTO ${t} VALUES (?, ?)`);
    this.#byTerm = database.prepare(
      `SELECT ${columns} FROM ${t} JOIN ${m} USING (key) WHERE term = ? AND key < ? ORDER BY key DESC LIMIT ?`,
    );
    this.#newest = database.prepare(`SELECT ${columns} FROM ${m} WHERE key < ? ORDER BY key DESC LIMIT ?`);
    this.#below = database.prepare(
      `SELECT ${columns} FROM ${m} WHERE waiting > 0 AND partition = ? AND full_state < ? ORDER BY full_state`,
    );
    this.#quiet = database.prepare(
      `SELECT ${columns} FROM ${m} INDEXED BY ${m}_open WHERE waiting > 0 AND quiet_until < ? LIMIT 1000`,
    );
    this.#waiting = database.prepare(`SELECT 1 FROM ${m} WHERE waiting > 0 LIMIT 1`);
  }

  find(id: MessageId): FoundMessage | undefined {
    for (let key = keyOf(id); ; key++) {
      const row = this.#at.get(key) as MessageRow | undefined;
      if (row === undefined) return undefined;
      const entries = this.history(row);
      if (idIn(entries) === id) return { row, entries };
    }
  }

  /** The new row's key; undefined when there is one of that id. */
  insert(row: NewRow): number | undefined {
    const { id, partition, waiting, quietUntil, fullStateOffset, history } = row;
    const part = partOf(this.#histories.place);
    for (let key = keyOf(id); ; key++) {
      const { changes } = this.#insert.run(key, partition, waiting, wholeSeconds(quietUntil), fullStateOffset, part);
      if (changes !== 0) {
        this.#histories.add(history);
        return key;
      }
      if (this.idOf(this.#at.get(key) as unknown as MessageRow) === id) return undefined;
    }
  }

  /** @param row `history`: what is to be put behind that which is stored */
  update(key: number, { waiting, quietUntil, fullStateOffset, history }: NewRow): void {
    this.#update.run(waiting, wholeSeconds(quietUntil), fullStateOffset, partOf(this.#histories.place), key);
    this.#histories.add(history);
  }

  /** @param term {@link narrowed} */
  index(term: number, key: number): void {
    this.#index.run(term, key);
  }

  /** Writes the histories that were added; before each commit. */
  flush(): void {
    this.#histories.flush();
  }

  /** Forgets what was added since the last commit, which was rolled back. */
  discard(): void {
    this.#histories.discard();
  }

  history({ parts }: MessageRow): HistoryEntry[] {
    const entries: HistoryEntry[] = [];
    for (const place of partsOf({ parts }))
      for (const entry of decodeHistory(this.#histories.read(place))) entries.push(entry);
    return entries;
  }

  /** What was written of a message, in order; each is read when it is asked for. */
  *pieces(row: MessageRow): Iterable<Uint8Array> {
    for (const place of partsOf(row)) yield this.#histories.read(place);
  }

  idOf({ parts }: Pick<MessageRow, 'parts'>): MessageId {
    return idIn(decodeHistory(this.#histories.read(partsOf({ parts })[0]!)));
  }

  /** The pieces of a chunk of histories: what a commit wrote of one message each. */
  chunk(chunk: number): readonly Uint8Array[] {
    return this.#histories.whole(chunk);
  }

  /** The numbers of its chunks, rising. */
  chunks(): number[] {
    return this.#histories.numbers();
  }

  /** The message of which a commit wrote this piece. Undefined when there is none, which no commit of ours leaves. */
  rowOf(id: MessageId, place: HistoryPlace): MessageRow | undefined {
    for (let key = keyOf(id); ; key++) {
      const row = this.#at.get(key) as MessageRow | undefined;
      if (row === undefined || partsOf(row).some((part) => isSamePlace(part, place))) return row;
    }
  }

  /** What was written of a message before this piece, in order; each is read when it is asked for. */
  piecesBefore(row: MessageRow, place: HistoryPlace): (() => Uint8Array)[] {
    const parts = partsOf(row);
    const end = parts.findIndex((part) => isSamePlace(part, place));
    return parts.slice(0, Math.max(0, end)).map((part) => () => this.#histories.read(part));
  }

  createdAt({ key }: MessageRow): number {
    return createdAtOfKey(this.day, key);
  }

  /** Newest first, rows below `before`; what shares the term by chance is among them. */
  byTerm(term: number, before: number, limit: number): MessageRow[] {
    return this.#byTerm.all(narrowed(term), before, limit) as unknown as MessageRow[];
  }

  /** Newest first, rows below `before`. */
  newest(before: number, limit: number): MessageRow[] {
    return this.#newest.all(before, limit) as unknown as MessageRow[];
  }

  /** The key below which all were accepted before this time; above all when the day ends before it. */
  firstAfter(at: number): number {
    return createdAtOfKey(this.day + 1, 0) <= at ? Number.MAX_SAFE_INTEGER : firstKeyAt(at);
  }

  /** Messages with waiting recipients whose last full state lies below this offset. */
  openBelow(partition: number, offset: number): MessageId[] {
    return this.#below.all(partition, offset).map((row) => this.idOf(row as unknown as MessageRow));
  }

  /** Messages of which nothing was heard for too long, up to 1,000. */
  quietSince(at: number): MessageRow[] {
    return this.#quiet.all(Math.floor(at / 1_000)) as unknown as MessageRow[];
  }

  get hasWaiting(): boolean {
    return this.#waiting.get() !== undefined;
  }

  static drop(database: DatabaseSync, day: number): void {
    database.exec(`
      DROP TABLE IF EXISTS mail_${day}; DROP TABLE IF EXISTS mail_histories_${day};
      DROP TABLE IF EXISTS mail_terms_${day};
    `);
  }

  /** Days that have a segment, rising. */
  static days(database: DatabaseSync): number[] {
    return database
      .prepare(`SELECT substr(name, 6) AS day FROM sqlite_master WHERE type = 'table' AND name GLOB 'mail_[0-9]*'`)
      .all()
      .map((row) => Number(row['day']))
      .sort((a, b) => a - b);
  }
}

/** The id of a message, from its history: the first record is never a claim, which has none. */
export function idIn(entries: readonly HistoryEntry[]): MessageId {
  return entries[0]!.fact.message as MessageId;
}

/**
 * What the index keeps of a search term, and is ordered by: 32 bits as a signed number. More would only spare a look at
 * a text now and then.
 */
export function narrowed(term: number): number {
  return term | 0;
}

function wholeSeconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}

function partOf({ chunk, piece }: HistoryPlace): Uint8Array {
  return new Uint8Array([chunk >>> 24, chunk >>> 16, chunk >>> 8, chunk, piece]);
}

function partsOf({ parts }: Pick<MessageRow, 'parts'>): HistoryPlace[] {
  const view = Buffer.from(parts.buffer, parts.byteOffset, parts.length);
  const places: HistoryPlace[] = [];
  for (let at = 0; at < view.length; at += PART_OCTETS)
    places.push({ chunk: view.readUInt32BE(at), piece: view[at + 4]! });
  return places;
}

function isSamePlace(a: HistoryPlace, b: HistoryPlace): boolean {
  return a.chunk === b.chunk && a.piece === b.piece;
}
