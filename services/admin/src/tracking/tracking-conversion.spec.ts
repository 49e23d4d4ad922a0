import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeMessageId, type MessageId, type QueueRecord } from '@mailyard/queue';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FactBatchWriter, readFacts } from './fact-batch.ts';
import { encodeHistory, type HistoryEntry } from './history.ts';
import { acceptance, claim, delivery, intent } from './mail-records.suite.ts';
import { termOf } from './search-term.ts';
import { page, trace } from './tracking-queries.ts';
import { TrackingStore } from './tracking-store.ts';

const DAY_MS = 86_400_000;
const START = 20_000 * DAY_MS;
const NOW = START + DAY_MS;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tracking-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function open(file: string, onConversion?: () => void): TrackingStore {
  const options = { file: join(folder, file), retentionMs: 7 * DAY_MS, now: () => NOW };
  return new TrackingStore(onConversion === undefined ? options : { ...options, onConversion });
}

function take(store: TrackingStore, first: number, records: readonly QueueRecord[]): void {
  const writer = new FactBatchWriter();
  for (const [place, record] of records.entries())
    writer.add({ offset: first + place, appendTime: NOW, sizeOctets: 1, record });
  for (const fact of readFacts(writer.take(0))) store.take(0, fact);
  store.commit();
}

/** Messages of two days: every third is delivered, the others wait. */
const MESSAGES = Array.from({ length: 300 }, (_, number) =>
  makeMessageId(START + (number % 2) * DAY_MS, new Uint8Array([number >> 1, number, 0, 0, 0, 0, 0, 0, 0, 0])),
);

function records(): QueueRecord[] {
  return MESSAGES.flatMap((message, number) => {
    const attempt = { term: 0, sequence: number + 1 };
    const accepted = acceptance(message, NOW, 1);
    if (number % 3 > 0) return accepted;
    return [...accepted, intent(message, [0], attempt, NOW), delivery(message, 0, attempt, NOW)];
  });
}

/** A file as the version before wrote it, of what a store of this one knows. */
function writeOfBefore(file: string, store: TrackingStore): void {
  const database = new DatabaseSync(join(folder, file));
  database.exec(`
    CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
    CREATE TABLE partitions (partition INTEGER PRIMARY KEY, position TEXT NOT NULL);
    CREATE TABLE ledger (state TEXT PRIMARY KEY, recipients INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE notes (at INTEGER NOT NULL, text TEXT NOT NULL);
    INSERT INTO meta VALUES ('schema', 1), ('since', 5);
  `);
  for (const { partition, position } of store.database.prepare('SELECT * FROM partitions').all())
    database.prepare('INSERT INTO partitions VALUES (?, ?)').run(partition!, position!);
  for (const [state, count] of Object.entries(store.ledger()))
    if (state !== 'accepted') database.prepare('INSERT INTO ledger VALUES (?, ?)').run(state, count as number);
  for (const day of [20_000, 20_001])
    database.exec(`
      CREATE TABLE messages_${day} (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, partition INTEGER NOT NULL,
        waiting INTEGER NOT NULL, quiet_until INTEGER NOT NULL, full_state INTEGER NOT NULL, history BLOB NOT NULL);
      CREATE TABLE terms_${day} (term INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (term, seq)) WITHOUT ROWID;
    `);
  database.exec('BEGIN');
  for (const [number, id] of MESSAGES.entries()) insertOfBefore(database, number, id, store.find(id)!.entries);
  database.exec('COMMIT');
  database.close();
}

function insertOfBefore(database: DatabaseSync, number: number, id: MessageId, entries: readonly HistoryEntry[]): void {
  const day = 20_000 + (number % 2);
  const waiting = number % 3 > 0;
  const { lastInsertRowid: seq } = database
    .prepare(
      `INSERT INTO messages_${day} (id, partition, waiting, quiet_until, full_state, history) VALUES (?, 0, ?, ?, ?, ?)`,
    )
    .run(id, waiting ? 1 : 0, waiting ? NOW : 0, entries[0]!.fact.offset, encodeHistory(entries, 0));
  const index = database.prepare(`INSERT INTO terms_${day} VALUES (?, ?)`);
  index.run(termOf('sender', 'Joe@sender.example'), seq);
  index.run(termOf('recipient', `r0@${id}.example`), seq);
  index.run(termOf('headerMessageId', `<${id}@sender.example>`), seq);
}

describe('a file of the version before', () => {
  it('is converted with all that it knows, also of what the log no longer has', () => {
    const reference = open('reference.sqlite');
    take(reference, 0, [claim(1), ...records()]);
    writeOfBefore('t.sqlite', reference);
    let conversions = 0;
    const store = open('t.sqlite', () => (conversions += 1));
    expect(conversions).toBe(1);
    expect(store.since).toBe(5);
    expect(store.notes()).toEqual([]);
    expect(store.positions()).toEqual(reference.positions());
    expect(store.ledger()).toEqual(reference.ledger());
    expect(store.quietSince(NOW + 1_000)).toEqual(reference.quietSince(NOW + 1_000));
    for (const id of MESSAGES) expect(store.find(id)!.entries).toEqual(reference.find(id)!.entries);
    for (const key of [
      undefined,
      'joe@sender.example',
      `R0@${MESSAGES[8]}.example`,
      `<${MESSAGES[9]}@sender.example>`,
    ]) {
      const found = page(store, key, 1_000, '').messages;
      expect(found).toEqual(page(reference, key, 1_000, '').messages);
      expect(found.length).toBeGreaterThan(0);
    }
    reference.close();

    const [next] = store.positions().values();
    take(store, next!, [delivery(MESSAGES[1]!, 0, { term: 0, sequence: 999 }, NOW)]);
    expect(trace(store, MESSAGES[1]!).events).toHaveLength(2);
    expect(store.ledger()).toMatchObject({ accepted: 300, delivered: 101, waiting: 199 });
    store.close();
    const again = open('t.sqlite', () => (conversions += 1));
    expect(conversions).toBe(1);
    expect(trace(again, MESSAGES[1]!).events).toHaveLength(2);
    again.close();
  });
});
