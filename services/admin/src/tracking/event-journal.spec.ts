import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WatchEventsResponse } from '@mailyard/contracts/tracking';
import { makeMessageId, type MessageId, type QueueRecord } from '@mailyard/queue';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeCursor } from './event-cursor.ts';
import type { EventFilter } from './event-filter.ts';
import type { JournalPlace } from './event-journal.ts';
import { EventReader, type EventStart } from './event-reader.ts';
import { FactBatchWriter, readFacts } from './fact-batch.ts';
import { acceptance, claim, delivery, intent } from './mail-records.suite.ts';
import { TrackingStore } from './tracking-store.ts';

const DAY_MS = 86_400_000;
const ALL: EventFilter = { kinds: [], domains: [], senders: [] };
let folder: string;
let file: string;
let now: number;
let store: TrackingStore;
let offset: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journal-'));
  file = join(folder, 't.sqlite');
  now = 20_000 * DAY_MS;
  offset = 0;
  store = open();
  log(claim(1));
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

function open(): TrackingStore {
  return new TrackingStore({ file, retentionMs: 7 * DAY_MS, now: () => now });
}

function log(...records: readonly QueueRecord[]): void {
  const writer = new FactBatchWriter();
  for (const record of records) writer.add({ offset: offset++, appendTime: now, sizeOctets: 1, record });
  for (const fact of readFacts(writer.take(0))) store.take(0, fact);
}

/** Accepts a message and commits it. */
function accept(recipients = 1): MessageId {
  const message = makeMessageId(now, randomBytes(10));
  log(...acceptance(message, now, recipients));
  store.commit();
  return message;
}

function end(message: MessageId): void {
  const attempt = { term: 0, sequence: offset };
  log(claim(1), intent(message, [0], attempt, now), delivery(message, 0, attempt, now));
  store.commit();
}

/** What is behind a place, as messages. Undefined when something of it is lost. */
function told(start: EventStart, filter = ALL): { readonly messages: string[]; readonly cursor: string } | undefined {
  const reader = new EventReader(store);
  const opening = reader.open(start, [0]);
  if (opening.kind === 'lost') return undefined;
  const messages: string[] = [];
  for (let place: JournalPlace = opening.place; ; ) {
    const page = reader.read(place, filter, 'protobuf');
    if (page.kind === 'lost') return undefined;
    const { events, cursor } = WatchEventsResponse.decode(page.octets);
    messages.push(...events.map(({ message }) => message));
    if (page.isHead) return { messages, cursor };
    place = page.place;
  }
}

describe('the journal of events', () => {
  it('begins for whoever asks for what comes from now on behind all that is there', () => {
    accept();
    const { cursor } = told('now')!;
    const second = accept();
    expect(told({ after: cursor })!.messages).toEqual([second]);
  });

  it('has what was tracked before there was a journal, each day in turn', () => {
    const first = accept();
    now += DAY_MS;
    const second = accept();
    store.close();
    const before = new DatabaseSync(file);
    before.exec('DROP TABLE journal; DROP TABLE journal_marks; DROP TABLE journal_openings');
    before.close();
    store = open();
    expect(told('earliest')!.messages).toEqual([first, second]);
    store.close();
    store = open();
    expect(told('earliest')!.messages).toEqual([first, second]);
  });

  it('refuses a cursor when a day behind it was forgotten, and says what there is; one behind that day goes on', () => {
    const start = told('earliest')!.cursor;
    end(accept());
    const { cursor: read } = told('earliest')!;
    now += DAY_MS;
    const second = accept();
    now += 8 * DAY_MS;
    store.trim();
    expect(told({ after: start })).toBeUndefined();
    expect(told({ after: read })!.messages).toEqual([second]);
    const opening = new EventReader(store).open({ after: start }, [0]);
    expect(opening.kind).toBe('lost');
    expect(told({ after: (opening as { earliest: string }).earliest })!.messages).toEqual([second]);
    expect(told('earliest')!.messages).toEqual([second]);
  });

  it('tells one that reads while the day is forgotten that it is lost', () => {
    end(accept());
    const reader = new EventReader(store);
    const opening = reader.open('earliest', [0]) as { place: JournalPlace };
    now += 8 * DAY_MS;
    store.trim();
    expect(reader.read(opening.place, ALL, 'protobuf').kind).toBe('lost');
  });

  it('gives no number twice when everything was forgotten', () => {
    end(accept());
    const { cursor } = told('earliest')!;
    now += 8 * DAY_MS;
    store.trim();
    store.close();
    store = open();
    const message = accept();
    expect(told({ after: cursor })!.messages).toEqual([message]);
  });

  it('does not take for its own a cursor from commits that a power loss took back', () => {
    accept();
    store.foldIn();
    cpSync(file, `${file}.kept`);
    const kept = offset;
    now += 61_000;
    const lost = accept();
    const { cursor } = told('earliest')!;
    store.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
    cpSync(`${file}.kept`, file);
    now += 1_000;
    store = open();
    // The log has it still: it is tracked again, and this time a later one is committed with it.
    offset = kept;
    log(...acceptance(lost, now - 1_000, 1));
    const later = accept();
    expect(told({ after: cursor })!.messages).toEqual([later]);
  });

  it('takes a cursor of a read model that it knows nothing of for lost', () => {
    accept();
    expect(told({ after: writeCursor({ opening: 5, number: 1, at: 0, offsets: '' }) })).toBeUndefined();
  });

  it('tells an acceptance again, whole, whose recipients came in two commits', () => {
    const message = makeMessageId(now, randomBytes(10));
    const records = acceptance(message, now, 3);
    log(...records.slice(0, 2));
    store.commit();
    const reader = new EventReader(store);
    const { cursor } = told('earliest')!;
    log(...records.slice(2));
    store.commit();
    const opening = reader.open({ after: cursor }, [0]) as { place: JournalPlace };
    const page = reader.read(opening.place, ALL, 'protobuf') as { octets: Uint8Array };
    const { events } = WatchEventsResponse.decode(page.octets);
    expect(events.map(({ recipients }) => recipients.map(({ recipient }) => recipient))).toEqual([[0, 1, 2]]);
  });

  it('names the recipients of what happens long after their acceptance, and finds them by domain and sender', () => {
    const message = accept(2);
    accept();
    const { cursor } = told('earliest')!;
    end(message);
    const wanted = { kinds: [], domains: [`${message}.example`], senders: ['joe@sender.example'] };
    expect(told({ after: cursor }, wanted)!.messages).toEqual([message, message]);
    expect(told({ after: cursor }, { ...wanted, senders: ['x@y.example'] })!.messages).toEqual([]);
  });
});
