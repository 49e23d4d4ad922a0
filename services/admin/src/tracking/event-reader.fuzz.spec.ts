/** What is told of events, against what a trace tells: the same events, whatever is committed when and read from where. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Event, WatchEventsResponse } from '@mailyard/contracts/tracking';
import type { LoggedRecord } from '@mailyard/queue';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCursor, readOffsets } from './event-cursor.ts';
import type { EventFilter } from './event-filter.ts';
import { EventReader, type EventStart } from './event-reader.ts';
import { FactBatchWriter, readFacts } from './fact-batch.ts';
import { orderlyLog, START } from './random-log.suite.ts';
import { idIn } from './segment.ts';
import { trace } from './tracking-queries.ts';
import { TrackingStore } from './tracking-store.ts';

const ALL: EventFilter = { kinds: [], domains: [], senders: [] };
let folder: string;
let opened = 0;
let now: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'events-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** For each example, so that none comes to the end of the retention. */
function startClock(): void {
  now = START;
}

/** Each commit is a minute after the one before, so that all of them are marked. */
function openStore(file = join(folder, `${opened++}.sqlite`)): TrackingStore {
  return new TrackingStore({ file, retentionMs: 7 * 86_400_000, now: () => (now += 61_000) });
}

function take(store: TrackingStore, records: readonly LoggedRecord[], partition = 0): void {
  const writer = new FactBatchWriter();
  for (const record of records) writer.add(record);
  for (const fact of readFacts(writer.take(partition))) store.take(partition, fact);
}

/** Takes a log in parts, a commit behind each. */
function takeInParts(store: TrackingStore, log: readonly LoggedRecord[], lengths: readonly number[]): void {
  let at = 0;
  for (const length of lengths) {
    take(store, log.slice(at, at + length));
    store.commit();
    at += length;
  }
  take(store, log.slice(at));
  store.commit();
}

interface Told {
  readonly events: readonly Event[];
  /** Behind the last of them. */
  readonly cursor: string;
}

/** Everything behind a place, a batch for each piece; the last one is empty. @throws Error when it is lost */
function readFrom(store: TrackingStore, start: EventStart, filter = ALL): Told[] {
  const reader = new EventReader(store);
  const place = reader.open(start, [0]);
  if (place.kind === 'lost') throw new Error(`lost, ${place.earliest}`);
  const told: Told[] = [];
  for (let at = place.place; ; ) {
    const page = reader.read(at, filter, 'protobuf');
    if (page.kind === 'lost') throw new Error(`lost, ${page.earliest}`);
    const { events, cursor, caughtUp } = WatchEventsResponse.decode(page.octets);
    expect(events.length).toBe(page.count);
    expect(caughtUp).toBe(page.isHead);
    told.push({ events, cursor });
    if (page.isHead) return told;
    at = page.place;
  }
}

const placeOf = ({ message, partition, offset }: Event): string => `${message} ${partition} ${offset}`;

/** The traces of all messages, by place. Through the wire, as events come. */
function traced(store: TrackingStore): Map<string, Event> {
  const ids = store
    .segments()
    .flatMap((segment) => segment.newest(Number.MAX_SAFE_INTEGER, 1_000).map((row) => idIn(segment.history(row))));
  const events = ids.flatMap((id) => trace(store, id).events);
  const told = WatchEventsResponse.encode({ events, cursor: '', caughtUp: false }).finish();
  return new Map(WatchEventsResponse.decode(told).events.map((event) => [placeOf(event), event]));
}

const parts = fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 8 });

describe('events in order', () => {
  it('are those of the traces, each message in the order of the log, at every place behind which one goes on', () => {
    fc.assert(
      fc.property(orderlyLog, parts, (log, lengths) => {
        startClock();
        const store = openStore();
        takeInParts(store, log, lengths);
        const expected = traced(store);
        const batches = readFrom(store, 'earliest');
        const all = batches.flatMap(({ events }) => events);
        // An acceptance whose recipients came in several commits is told with each, the last time whole.
        const whole = new Map(all.map((event) => [placeOf(event), event]));
        expect(whole).toEqual(expected);
        for (const id of new Set(all.map(({ message }) => message))) {
          const offsets = all.filter(({ message }) => message === id).map(({ offset }) => offset);
          expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
        }
        for (const [index, { cursor }] of batches.entries())
          expect(readFrom(store, { after: cursor }).flatMap(({ events }) => events)).toEqual(
            batches.slice(index + 1).flatMap(({ events }) => events),
          );
        store.close();
      }),
      { numRuns: 60 },
    );
  });

  it('go on in a read model opened anew, and in another one that follows the same log, and none is missed', () => {
    fc.assert(
      fc.property(orderlyLog, parts, parts, fc.nat(80), fc.boolean(), (log, lengths, others, length, isOther) => {
        startClock();
        const file = join(folder, `${opened++}.sqlite`);
        let store = openStore(file);
        takeInParts(store, log.slice(0, length), lengths);
        const first = readFrom(store, 'earliest');
        store.close();
        store = openStore(isOther ? undefined : file);
        if (isOther) takeInParts(store, log, others);
        else take(store, log.slice(length));
        store.commit();
        const expected = traced(store);
        // Whether a void one is told, or is a repetition, depends on what a read model has in memory.
        const places = (events: Iterable<Event>): Set<string> =>
          new Set(
            Array.from(events)
              .filter(({ counted }) => counted || !isOther)
              .map(placeOf),
          );
        for (const [index, { cursor }] of first.entries()) {
          const rest = readFrom(store, { after: cursor });
          const both = [...first.slice(0, index + 1), ...rest].flatMap(({ events }) => events);
          expect(places(both)).toEqual(places(expected.values()));
        }
        store.close();
      }),
      { numRuns: 60 },
    );
  });

  it('are refused to a cursor from before what another read model knows', () => {
    fc.assert(
      fc.property(orderlyLog, fc.integer({ min: 1, max: 40 }), (log, skipped) => {
        startClock();
        fc.pre(skipped < log.length - 1);
        const store = openStore();
        const other = openStore();
        takeInParts(store, log, [skipped]);
        takeInParts(other, log.slice(skipped + 1), []);
        const [early] = readFrom(store, 'earliest');
        const last = readFrom(store, 'earliest').at(-1)!;
        expect(readFrom(other, { after: last.cursor }).flatMap(({ events }) => events)).toEqual([]);
        const [offset] = readOffsets(readCursor(early!.cursor)!.offsets);
        if (offset! <= skipped) expect(() => readFrom(other, { after: early!.cursor })).toThrow(/^lost/);
        store.close();
        other.close();
      }),
      { numRuns: 40 },
    );
  });
});
