/**
 * The read model: folds facts into messages and commits them, with the positions they were read up to, in one
 * transaction. So it is idempotent: after a crash the same records are read again and nothing counts twice.
 */
import type { DatabaseSync } from 'node:sqlite';
import { makeRemark, type Remark } from '@mailyard/mail';
import { createdAtOf, type MessageId } from '@mailyard/queue';
import { EventJournal } from './event-journal.ts';
import type { Fact } from './fact.ts';
import { encodeHistory, type HistoryEntry } from './history.ts';
import { DAY_MS, dayOf, keyOf } from './message-key.ts';
import { type PartitionPosition, PartitionTrack } from './partition-track.ts';
import { Recent } from './recent.ts';
import { type FoundMessage, narrowed, type NewRow, Segment } from './segment.ts';
import { type Counts, noCounts, TrackedMessage, type Verdict } from './tracked-message.ts';
import { openTrackingDatabase } from './tracking-database.ts';
import { readNote, type TrackingNote } from './tracking-note.ts';

/** Open messages that are kept in memory, so that their next record need not read them again. */
const MOST_KEPT = 20_000;
const MOST_NOTES = 1_000;

/** Per recipient; accepted is the sum of all states but `untracked`. */
export interface LedgerSums extends Counts {
  readonly accepted: number;
}

/** A message with what has not been committed yet. */
interface Touched {
  readonly message: TrackedMessage;
  /** Of its row. Undefined: not stored yet, as far as is known. */
  key: number | undefined;
  /** As committed, and as the commit under way makes it. */
  before: Counts;
  now: Counts;
  entries: HistoryEntry[];
}

const NOTHING: Counts = noCounts();

export interface TrackingStoreOptions {
  readonly file: string;
  readonly retentionMs: number;
  readonly now: () => number;
  /** Called before a file of an earlier version is brought to the form of this one, which may take minutes. */
  readonly onConversion?: () => void;
}

export class TrackingStore {
  readonly database: DatabaseSync;
  readonly retentionMs: number;
  readonly #now: () => number;
  readonly #tracks = new Map<number, PartitionTrack>();
  readonly #segments = new Map<number, Segment>();
  readonly #kept = new Recent<MessageId, Touched>(MOST_KEPT);
  readonly #dirty = new Map<MessageId, Touched>();
  readonly #ledger: Counts = noCounts();
  readonly #notes: Remark[] = [];
  /** In which order the histories were written. */
  readonly journal: EventJournal;
  #hasAdvanced = false;

  /** @throws Error of SQLite when the file cannot be opened or made */
  constructor({ file, retentionMs, now, onConversion }: TrackingStoreOptions) {
    this.retentionMs = retentionMs;
    this.#now = now;
    const { database, putAside } = openTrackingDatabase(file, now(), onConversion);
    this.database = database;
    if (putAside !== undefined) this.#notes.push(makeRemark('TRACKING_PUT_ASIDE', { file: putAside }));
    for (const { partition, position } of database.prepare('SELECT partition, position FROM partitions').all())
      this.#tracks.set(
        Number(partition),
        new PartitionTrack(Number(partition), JSON.parse(String(position)) as PartitionPosition),
      );
    this.journal = new EventJournal(database, now);
    for (const day of Segment.days(database)) this.#addSegment(day);
    if (this.journal.isNew)
      for (const [day, segment] of this.#segments) for (const chunk of segment.chunks()) this.journal.wrote(day, chunk);
    for (const { state, recipients } of database.prepare('SELECT state, recipients FROM ledger').all())
      this.#ledger[state as keyof Counts] = Number(recipients);
  }

  /** The next offset of each partition that is not committed yet. */
  positions(): Map<number, number> {
    const positions = new Map<number, number>();
    for (const [partition, { nextOffset }] of this.#tracks)
      if (nextOffset !== undefined) positions.set(partition, nextOffset);
    return positions;
  }

  get hasChanges(): boolean {
    return this.#hasAdvanced || this.#dirty.size > 0 || this.#notes.length > 0;
  }

  /** How many messages the next commit writes. */
  get changedCount(): number {
    return this.#dirty.size;
  }

  /** Folds one fact. Facts of a partition come in rising offset. */
  take(partition: number, fact: Fact): void {
    const track = this.#track(partition);
    const gap = track.gapBefore(fact.offset);
    if (gap !== undefined) this.#missed(partition, gap, fact.offset);
    this.#hasAdvanced = true;
    const admission = track.admit(fact);
    if (admission.kind === 'claim') this.#claimed(partition, fact, admission.mark);
    if (admission.kind !== 'apply') return;
    let touched = this.#find(admission.message, partition, fact);
    if (touched === undefined) return;
    const hasReport = fact.isIntricate && isReported(fact);
    // Whether the report counts depends on it, now and not at the commit.
    if (hasReport) touched = this.#asStored(touched) ?? touched;
    const verdict = this.#apply(touched, fact, admission.isFenced);
    if (hasReport && (verdict === 'counted' || verdict === 'again')) track.expectReport(fact);
  }

  /** The log of this partition did not go on where it should have, and is read from its start again. */
  restart(partition: number, reason: string): void {
    this.#track(partition).restart();
    this.#notes.push(makeRemark('TRACKING_READ_AGAIN', { partition, reason }));
  }

  /** Writes what was taken, and the positions, in one transaction. @throws Error of SQLite; nothing is written then */
  commit(): void {
    const { database } = this;
    const kept: Touched[] = [];
    database.exec('BEGIN IMMEDIATE');
    try {
      const terms: { readonly segment: Segment; readonly term: number; readonly key: number }[] = [];
      for (const touched of this.#inOrder()) {
        const stored = this.#store(touched);
        const { id, newTerms } = stored.message;
        const segment = this.#segments.get(dayOf(id))!;
        for (const term of newTerms) terms.push({ segment, term: narrowed(term), key: stored.key! });
        kept.push(stored);
      }
      terms.sort((a, b) => a.term - b.term);
      for (const { segment, term, key } of terms) segment.index(term, key);
      for (const segment of this.#segments.values()) segment.flush();
      this.#storeLedger(kept);
      this.#storePositions();
      this.journal.note(this.positions());
      database.exec('COMMIT');
    } catch (error) {
      database.exec('ROLLBACK');
      for (const segment of this.#segments.values()) segment.discard();
      this.journal.discard();
      throw error;
    }
    for (const touched of kept) this.#committed(touched);
    this.#dirty.clear();
    this.#notes.length = 0;
    this.#hasAdvanced = false;
  }

  ledger(): LedgerSums {
    const sums = { ...this.#ledger };
    for (const touched of this.#dirty.values()) addCounts(sums, touched.message.counts(), touched.before);
    const { outcomeUnknown: _unknown, untracked: _untracked, ...states } = sums;
    return { ...sums, accepted: Object.values(states).reduce((sum, count) => sum + count, 0) };
  }

  /** When the read model was begun. */
  get since(): number {
    return Number(this.database.prepare(`SELECT value FROM meta WHERE key = 'since'`).get()?.['value']);
  }

  /** Mail that was accepted from here on is known; of older mail some may be. */
  get keptSince(): number {
    return Math.max(this.since, this.#now() - this.retentionMs);
  }

  /** What is not known, and why, oldest first. */
  notes(): readonly TrackingNote[] {
    const rows = this.database.prepare('SELECT at, text FROM notes ORDER BY rowid').all();
    return rows.map(({ at, text }) => ({ at: Number(at), remark: readNote(String(text)) }));
  }

  /** Segments, newest day first. */
  segments(): Segment[] {
    return [...this.#segments.values()].sort((a, b) => b.day - a.day);
  }

  find(id: MessageId): FoundMessage | undefined {
    return this.#segments.get(dayOf(id))?.find(id);
  }

  segment(day: number): Segment | undefined {
    return this.#segments.get(day);
  }

  /** By partition: all records from this offset on were tracked. */
  knownFrom(): Map<number, number> {
    return new Map(Array.from(this.#tracks, ([partition, track]) => [partition, track.knownFrom ?? Infinity]));
  }

  /** Forgets the days that are over their retention and of which no message waits any more. */
  trim(): number[] {
    const horizon = Math.floor((this.#now() - this.retentionMs) / DAY_MS);
    const dropped: number[] = [];
    for (const [day, segment] of this.#segments) {
      if (day >= horizon || segment.hasWaiting) continue;
      this.database.exec('BEGIN IMMEDIATE');
      this.journal.forget(day);
      Segment.drop(this.database, day);
      this.database.exec('COMMIT');
      this.#segments.delete(day);
      dropped.push(day);
    }
    return dropped;
  }

  /** Messages with waiting recipients of which nothing was heard since they should have been: up to 1,000 of a day. */
  quietSince(at: number): { readonly messages: number; readonly example: MessageId | undefined } {
    let messages = 0;
    let example: MessageId | undefined;
    for (const segment of this.segments()) {
      const quiet = segment.quietSince(at);
      messages += quiet.length;
      if (quiet[0] !== undefined) example ??= segment.idOf(quiet[0]);
    }
    return { messages, example };
  }

  /** Brings what the write-ahead log holds into the file, and empties it. */
  foldIn(): void {
    this.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  close(): void {
    this.database.close();
  }

  #track(partition: number): PartitionTrack {
    let track = this.#tracks.get(partition);
    if (track === undefined) {
      track = new PartitionTrack(partition);
      this.#tracks.set(partition, track);
    }
    return track;
  }

  #missed(partition: number, from: number, to: number): void {
    this.#notes.push(makeRemark('TRACKING_MISSED', { partition, first: from, last: to - 1 }));
  }

  /** The message of a fact. Undefined when it is of a day that was forgotten. */
  #find(id: MessageId, partition: number, { kind }: Fact): Touched | undefined {
    const touched = this.#dirty.get(id) ?? this.#kept.get(id);
    if (touched !== undefined) return touched;
    // An acceptance is nearly always the first that is heard of a message: if not, the commit finds out.
    const stored = kind === 'MessageAccepted' ? undefined : this.#load(id);
    if (stored !== undefined) return stored;
    const isForgotten = createdAtOf(id) < this.#now() - this.retentionMs - DAY_MS && kind !== 'MessageRestated';
    return isForgotten ? undefined : newlyTouched(new TrackedMessage(id, partition), undefined);
  }

  #apply(touched: Touched, fact: Fact, isFenced: boolean): Verdict {
    const verdict = applyTo(touched, fact, isFenced);
    if (isNews(verdict)) this.#dirty.set(touched.message.id, touched);
    return verdict;
  }

  #load(id: MessageId): Touched | undefined {
    const found = this.find(id);
    if (found === undefined) return undefined;
    const message = new TrackedMessage(id, found.row.partition);
    for (const { fact, isFenced } of found.entries) message.apply(fact, isFenced);
    message.newTerms = [];
    return newlyTouched(message, found.row.key);
  }

  #claimed(partition: number, fact: Fact, mark: number): void {
    const ids = new Set<MessageId>();
    for (const segment of this.#segments.values()) for (const id of segment.openBelow(partition, mark)) ids.add(id);
    for (const { message } of this.#dirty.values())
      if (message.partition === partition && message.fullStateOffset < mark) ids.add(message.id);
    for (const id of ids) {
      const touched = this.#find(id, partition, fact);
      if (touched === undefined || !touched.message.isOpen || touched.message.fullStateOffset >= mark) continue;
      this.#apply(touched, fact, true);
    }
  }

  /** What is to be committed, in the order of the table's rows: so that they are added at its end. */
  #inOrder(): Touched[] {
    const keyed = [...this.#dirty.values()].map((touched) => ({
      touched,
      key: touched.key ?? keyOf(touched.message.id),
    }));
    return keyed.sort((a, b) => a.key - b.key).map(({ touched }) => touched);
  }

  /** Stores a message. If an acceptance turns out to be a late copy, what is stored takes its place. */
  #store(touched: Touched): Touched {
    const { message, key } = touched;
    const day = dayOf(message.id);
    const segment = this.#segments.get(day) ?? this.#addSegment(day);
    if (key !== undefined) {
      segment.update(key, rowOf(touched));
      return touched;
    }
    const inserted = segment.insert(rowOf(touched));
    if (inserted !== undefined) {
      touched.key = inserted;
      return touched;
    }
    const stored = this.#asStored(touched)!;
    segment.update(stored.key!, rowOf(stored));
    return stored;
  }

  /** For a message taken for new: the stored one of that id, with what came since put to it. */
  #asStored({ message, key, entries }: Touched): Touched | undefined {
    const stored = key === undefined ? this.#load(message.id) : undefined;
    if (stored !== undefined) for (const { fact, isFenced } of entries) applyTo(stored, fact, isFenced);
    return stored;
  }

  #addSegment(day: number): Segment {
    const segment = new Segment(this.database, day, (chunk) => this.journal.wrote(day, chunk));
    this.#segments.set(day, segment);
    return segment;
  }

  #storeLedger(touched: readonly Touched[]): void {
    const sums = { ...this.#ledger };
    for (const { now, before } of touched) addCounts(sums, now, before);
    const write = this.database.prepare('INSERT OR REPLACE INTO ledger VALUES (?, ?)');
    for (const [state, recipients] of Object.entries(sums)) write.run(state, recipients);
  }

  #storePositions(): void {
    const { database } = this;
    const write = database.prepare('INSERT OR REPLACE INTO partitions VALUES (?, ?)');
    for (const [partition, track] of this.#tracks)
      if (track.nextOffset !== undefined) write.run(partition, JSON.stringify(track.position()));
    if (this.#notes.length === 0) return;
    const note = database.prepare('INSERT INTO notes VALUES (?, ?)');
    for (const { code, parameters } of this.#notes) note.run(this.#now(), JSON.stringify({ code, parameters }));
    database.exec(`DELETE FROM notes WHERE rowid <= (SELECT max(rowid) FROM notes) - ${MOST_NOTES}`);
  }

  #committed(touched: Touched): void {
    const { message } = touched;
    addCounts(this.#ledger, touched.now, touched.before);
    touched.before = touched.now;
    touched.entries = [];
    message.newTerms = [];
    if (touched.now.waiting === 0) this.#kept.delete(message.id);
    else this.#kept.set(message.id, touched);
  }
}

function applyTo({ message, entries }: Touched, fact: Fact, isFenced: boolean): Verdict {
  const verdict = message.apply(fact, isFenced);
  if (isNews(verdict)) entries.push({ fact, isFenced, isCounted: verdict === 'counted' });
  return verdict;
}

function isNews(verdict: Verdict): boolean {
  return verdict === 'counted' || verdict === 'void';
}

function newlyTouched(message: TrackedMessage, key: number | undefined): Touched {
  const before = key === undefined ? NOTHING : message.counts();
  return { message, key, before, now: before, entries: [] };
}

function rowOf(touched: Touched): NewRow {
  const { message, entries } = touched;
  touched.now = message.counts();
  const { waiting } = touched.now;
  return {
    id: message.id,
    partition: message.partition,
    waiting,
    quietUntil: waiting === 0 ? 0 : Math.max(message.dueAt ?? 0, message.lastAppendTime),
    fullStateOffset: message.fullStateOffset,
    history: encodeHistory(entries, message.partition),
  };
}

function addCounts(sums: Counts, now: Counts, before: Counts): void {
  for (const state of Object.keys(sums) as (keyof Counts)[]) sums[state] += now[state] - before[state];
}

function isReported({ kind }: Fact): boolean {
  return kind === 'RecipientBounced' || kind === 'RecipientExpired';
}
