/**
 * The order in which the histories of messages were written: a number for each chunk, rising through all days. It is what
 * events are read by, so that nothing is kept for those who read them: histories are there for `trace`, as long as that.
 *
 * Each opening of the file is noted with the number it began at, so that a cursor from commits that a power loss took
 * back is told from one that stands. Now and then the offsets that are committed are noted, for read models elsewhere.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type EventCursor, readOffsets, writeOffsets } from './event-cursor.ts';

/** A chunk of histories in the order they were written. */
export interface JournalPiece {
  readonly number: number;
  readonly day: number;
  readonly chunk: number;
}

/** Where reading goes on. */
export interface JournalPlace {
  /** Behind this piece. */
  readonly number: number;
  /** By partition: records below are left out, since another read model told them. */
  readonly from?: readonly number[];
}

interface Mark {
  readonly number: number;
  readonly at: number;
  readonly offsets: string;
}

const MARK_MS = 60_000;
const MOST_OPENINGS = 1_000;
const NO_MARK: Mark = { number: 0, at: 0, offsets: '' };

export class EventJournal {
  readonly #now: () => number;
  readonly #add: StatementSync;
  readonly #next: StatementSync;
  readonly #endOfDay: StatementSync;
  readonly #forgetDay: StatementSync;
  readonly #addMark: StatementSync;
  readonly #markAt: StatementSync;
  readonly #marks: StatementSync;
  readonly #lastMark: StatementSync;
  readonly #meta: StatementSync;
  readonly #setMeta: StatementSync;
  readonly #openingAfter: StatementSync;
  readonly #openingAt: StatementSync;
  readonly #database: DatabaseSync;
  readonly #opening: number;
  /** Nothing was written here before there was a journal, or there are histories that are not in it. */
  readonly isNew: boolean;
  #head = 0;
  /** Up to here something was forgotten, and all that there was. */
  #droppedTo = 0;
  #markedAt = 0;
  #mark: Mark = NO_MARK;

  constructor(database: DatabaseSync, now: () => number) {
    this.#database = database;
    this.#now = now;
    database.exec(`
      CREATE TABLE IF NOT EXISTS journal (number INTEGER PRIMARY KEY, day INTEGER NOT NULL, chunk INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS journal_marks (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, offsets TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS journal_openings (opening INTEGER PRIMARY KEY, number INTEGER NOT NULL);
    `);
    this.#add = database.prepare('INSERT INTO journal VALUES (?, ?, ?)');
    this.#next = database.prepare('SELECT number, day, chunk FROM journal WHERE number > ? ORDER BY number LIMIT 1');
    this.#endOfDay = database.prepare('SELECT max(number) AS number FROM journal WHERE day = ?');
    this.#forgetDay = database.prepare('DELETE FROM journal WHERE day = ?');
    this.#addMark = database.prepare('INSERT OR REPLACE INTO journal_marks VALUES (?, ?, ?)');
    this.#markAt = database.prepare('SELECT * FROM journal_marks WHERE number <= ? ORDER BY number DESC LIMIT 1');
    this.#marks = database.prepare('SELECT * FROM journal_marks ORDER BY number DESC');
    this.#lastMark = database.prepare('SELECT coalesce(max(at), 0) AS at FROM journal_marks');
    this.#meta = database.prepare('SELECT value FROM meta WHERE key = ?');
    this.#setMeta = database.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)');
    this.#openingAfter = database.prepare(
      'SELECT number FROM journal_openings WHERE opening > ? ORDER BY opening LIMIT 1',
    );
    this.#openingAt = database.prepare('SELECT 1 FROM journal_openings WHERE opening = ?');
    this.discard();
    this.isNew = this.#openings() === 0;
    this.#opening = this.#open();
    // Nothing was told yet, of no partition. The first commit notes more.
    if (this.isNew) this.#addMark.run(0, now(), '');
  }

  /** The piece that was written last. */
  get head(): number {
    return this.#head;
  }

  /** A chunk of histories was written; within the transaction of its commit. */
  wrote(day: number, chunk: number): void {
    this.#head += 1;
    this.#add.run(this.#head, day, chunk);
  }

  /** Notes what is committed, once a minute at most; at the end of the transaction of a commit. */
  note(offsets: ReadonlyMap<number, number>): void {
    const at = this.#now();
    if (at - this.#markedAt < MARK_MS && at >= this.#markedAt) return;
    this.#markedAt = at;
    this.#addMark.run(this.#head, at, writeOffsets(offsets));
  }

  /** Forgets what was written since the last commit, which was rolled back. */
  discard(): void {
    const row = this.#database.prepare('SELECT coalesce(max(number), 0) AS number FROM journal').get()!;
    this.#droppedTo = Number(this.#meta.get('journal_dropped_to')?.['value'] ?? 0);
    this.#head = Math.max(Number(row['number']), this.#droppedTo);
    this.#markedAt = Number(this.#lastMark.get()!['at']);
    this.#mark = NO_MARK;
  }

  /** The histories of a day are about to be dropped. */
  forget(day: number): void {
    const end = Number(this.#endOfDay.get(day)!['number'] ?? 0);
    this.#droppedTo = Math.max(end, this.#droppedTo);
    this.#setMeta.run('journal_dropped_to', this.#droppedTo);
    this.#setMeta.run('journal_dropped_at', this.#now());
    this.#forgetDay.run(day);
    const first = this.#next.get(0)?.['number'] ?? this.#head + 1;
    // The last one below it still tells of what is above.
    this.#database
      .prepare('DELETE FROM journal_marks WHERE number < (SELECT max(number) FROM journal_marks WHERE number <= ?)')
      .run(first);
  }

  /** Whether something behind this place was forgotten. */
  isLost({ number }: JournalPlace): boolean {
    return number < this.#droppedTo;
  }

  /** Undefined when nothing was written behind it yet. */
  next({ number }: JournalPlace): JournalPiece | undefined {
    return number >= this.#head ? undefined : (this.#next.get(number) as JournalPiece | undefined);
  }

  /** What a consumer keeps that has dealt with everything up to a piece. */
  cursorAt(number: number): EventCursor {
    if (this.#mark.number > number || number === this.#head || this.#mark === NO_MARK)
      this.#mark = (this.#markAt.get(number) as unknown as Mark | undefined) ?? NO_MARK;
    const { at, offsets } = this.#mark;
    return { opening: this.#opening, number, at, offsets };
  }

  /** Behind what was forgotten. */
  earliest(): JournalPlace {
    return { number: this.#droppedTo };
  }

  /**
   * Where to go on for a cursor of this read model, or of another that followed the same log.
   *
   * @param knownFrom by partition: all records from this offset on were tracked here; absent: none were
   * @returns undefined when something behind the cursor may not be known here
   */
  placeOf(cursor: EventCursor, knownFrom: ReadonlyMap<number, number>): JournalPlace | undefined {
    const place = { number: cursor.number };
    if (this.#isOwn(cursor)) return this.isLost(place) ? undefined : place;
    const from = readOffsets(cursor.offsets);
    if (cursor.at === 0 || cursor.at < Number(this.#meta.get('journal_dropped_at')?.['value'] ?? 0)) return undefined;
    for (const [partition, first] of knownFrom) if ((from[partition] ?? 0) < first) return undefined;
    return { number: this.#pieceBefore(from), from };
  }

  /** It was given out under an opening of this file, and what it was given out for is still in it. */
  #isOwn({ opening, number }: EventCursor): boolean {
    if (opening !== this.#opening && this.#openingAt.get(opening) === undefined) return false;
    const end = this.#openingAfter.get(opening)?.['number'] ?? this.#head;
    return number <= Number(end);
  }

  /** A piece up to which there is nothing but records below these offsets. */
  #pieceBefore(from: readonly number[]): number {
    for (const row of this.#marks.iterate()) {
      const { number, offsets } = row as unknown as Mark;
      if (readOffsets(offsets).every((offset, partition) => offset <= (from[partition] ?? 0))) return number;
    }
    return this.#droppedTo;
  }

  #openings(): number {
    return Number(this.#database.prepare('SELECT count(*) AS openings FROM journal_openings').get()!['openings']);
  }

  #open(): number {
    const last = this.#database.prepare('SELECT coalesce(max(opening), 0) AS opening FROM journal_openings').get()!;
    const opening = Math.max(this.#now(), Number(last['opening']) + 1);
    this.#database.prepare('INSERT INTO journal_openings VALUES (?, ?)').run(opening, this.#head);
    this.#database.exec(`DELETE FROM journal_openings WHERE opening <=
      (SELECT opening FROM journal_openings ORDER BY opening DESC LIMIT 1 OFFSET ${MOST_OPENINGS})`);
    return opening;
  }
}
