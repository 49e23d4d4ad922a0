/**
 * Events in the order of the journal, from the histories that are kept for `trace`, so with the same words. One chunk of
 * histories is read at a time; nothing is kept for whoever reads but the last few, which those who keep up share.
 */
import { eventJson } from '@mailyard/contracts';
import { type Event, WatchEventsResponse } from '@mailyard/contracts/tracking';
import type { MessageId, QueueRecord } from '@mailyard/queue';
import { type EventCursor, readCursor, writeCursor } from './event-cursor.ts';
import { type EventFilter, isWanted } from './event-filter.ts';
import type { JournalPiece, JournalPlace } from './event-journal.ts';
import { partitionIn, toldEntries } from './history.ts';
import type { HistoryPlace } from './history-chunks.ts';
import type { Segment } from './segment.ts';
import { eventsOf } from './trace-event.ts';
import type { TrackingStore } from './tracking-store.ts';

/** `protobuf`: pieces of a WatchEventsResponse; `eventStream`: blocks of `text/event-stream`. */
export type EventForm = 'protobuf' | 'eventStream';

/** Where a reader wants to begin. */
export type EventStart = { readonly after: string } | 'earliest' | 'now';

export type EventPage =
  | {
      readonly kind: 'page';
      /** One piece of the journal, its cursor behind it. */
      readonly octets: Uint8Array<ArrayBuffer>;
      readonly count: number;
      readonly place: JournalPlace;
      /** Nothing more was committed: `octets` is the cursor alone. */
      readonly isHead: boolean;
      readonly tookMs: number;
    }
  /** What came behind the place is not all kept any more. @param earliest cursor of what is */
  | { readonly kind: 'lost'; readonly earliest: string };

export type EventOpening =
  | { readonly kind: 'place'; readonly place: JournalPlace }
  | { readonly kind: 'lost'; readonly earliest: string };

interface ToldEvent {
  readonly event: Event;
  readonly sender: string | undefined;
}

/** A piece of the journal with what was made of it for those who read it, by what they want. */
interface KeptPiece {
  readonly events: readonly ToldEvent[];
  readonly encoded: Map<string, EncodedEvents>;
}

interface EncodedEvents {
  readonly count: number;
  readonly octets: Uint8Array;
}

const NO_EVENTS: EncodedEvents = { count: 0, octets: new Uint8Array(0) };

const MOST_KEPT = 16;
/** Forms and filters for which a kept piece is kept encoded. */
const MOST_ENCODED = 4;
const encoder = new TextEncoder();

export class EventReader {
  readonly #store: TrackingStore;
  /** By number in the journal. */
  readonly #kept = new Map<number, KeptPiece>();

  constructor(store: TrackingStore) {
    this.#store = store;
  }

  /** @param logStarts by partition: where the log begins, for what was not read here yet */
  open(start: EventStart, logStarts: readonly number[]): EventOpening {
    const { journal } = this.#store;
    if (start === 'now') return { kind: 'place', place: { number: journal.head } };
    if (start === 'earliest') return { kind: 'place', place: journal.earliest() };
    const knownFrom = new Map([...logStarts.entries(), ...this.#store.knownFrom()]);
    const cursor = readCursor(start.after);
    const place = cursor && journal.placeOf(cursor, knownFrom);
    return place === undefined ? this.#lost() : { kind: 'place', place };
  }

  /** What comes next behind a place: one piece at the most. */
  read(place: JournalPlace, filter: EventFilter, form: EventForm): EventPage {
    const startedAt = performance.now();
    const { journal } = this.#store;
    if (journal.isLost(place)) return this.#lost();
    const piece = journal.next(place);
    const isHead = piece === undefined;
    const { count, octets } = isHead ? NO_EVENTS : this.#encoded(piece, place.from, filter, form);
    const next = isHead ? place : { ...place, number: piece.number };
    const cursor = encodeCursor(journal.cursorAt(next.number), isHead, form);
    const tookMs = performance.now() - startedAt;
    return { kind: 'page', octets: joined([octets, cursor]), count, place: next, isHead, tookMs };
  }

  #encoded(piece: JournalPiece, from: JournalPlace['from'], filter: EventFilter, form: EventForm): EncodedEvents {
    const { events, encoded } = this.#piece(piece);
    const key = JSON.stringify([form, filter, from]);
    let made = encoded.get(key);
    if (made === undefined) {
      const wanted = events
        .filter(
          ({ event, sender }) => event.offset >= (from?.[event.partition] ?? 0) && isWanted(filter, event, sender),
        )
        .map(({ event }) => event);
      made = wanted.length === 0 ? NO_EVENTS : { count: wanted.length, octets: encodeEvents(wanted, form) };
      if (encoded.size === MOST_ENCODED) encoded.clear();
      encoded.set(key, made);
    }
    return made;
  }

  #lost(): { readonly kind: 'lost'; readonly earliest: string } {
    const { journal } = this.#store;
    return { kind: 'lost', earliest: writeCursor(journal.cursorAt(journal.earliest().number)) };
  }

  #piece({ number, day, chunk }: JournalPiece): KeptPiece {
    let kept = this.#kept.get(number);
    if (kept === undefined) {
      const segment = this.#store.segment(day);
      const pieces = segment?.chunk(chunk) ?? [];
      const events = pieces.flatMap((octets, piece) => eventsOfPiece(segment!, { chunk, piece }, octets));
      kept = { events, encoded: new Map() };
      if (this.#kept.size === MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
      this.#kept.set(number, kept);
    }
    return kept;
  }
}

/** The events of what one commit wrote of one message. */
function eventsOfPiece(segment: Segment, place: HistoryPlace, octets: Uint8Array): ToldEvent[] {
  const entries = toldEntries(octets);
  const [first] = entries;
  if (first === undefined) return [];
  const message = messageOf(first.record);
  const partition = partitionIn(octets);
  if (first.record.type === 'MessageAccepted' && partition !== undefined) {
    const events = eventsOf(message, partition, entries);
    if (events.every(isNamed)) return told(events, 0);
  }
  const row = segment.rowOf(message, place);
  if (row === undefined) return [];
  const before = segment.piecesBefore(row, place);
  const tellFrom = (earlier: readonly (() => Uint8Array)[]): Event[] =>
    eventsOf(message, row.partition, [...earlier.flatMap((piece) => toldEntries(piece())), ...entries]);
  // Recipients whose acceptance stands in a piece before: it is told again, with all of them so far.
  const isContinued = first.record.type === 'RecipientQueued';
  // The names of recipients stand in the first piece, but for some that were restated or come in several pieces.
  let events = tellFrom(isContinued ? before : before.slice(0, 1));
  if (!isContinued && before.length > 1 && !events.every(isNamed)) events = tellFrom(before);
  const earlier = events.filter(({ offset }) => offset < first.offset).length;
  return told(events, isContinued && earlier > 0 ? earlier - 1 : earlier);
}

function told(events: readonly Event[], from: number): ToldEvent[] {
  const acceptance = events.find((event) => event.acceptance !== undefined)?.acceptance;
  const sender = acceptance && (acceptance.reversePath ?? '');
  return events.slice(from).map((event) => ({ event, sender }));
}

function messageOf(record: QueueRecord): MessageId {
  return (record as Extract<QueueRecord, { message: MessageId }>).message;
}

function isNamed({ recipients }: Event): boolean {
  return recipients.every(({ forwardPath }) => forwardPath !== '');
}

function encodeEvents(events: Event[], form: EventForm): Uint8Array {
  return form === 'protobuf'
    ? WatchEventsResponse.encode({ events, cursor: '', caughtUp: false }).finish()
    : encoder.encode(events.map((event) => `data: ${JSON.stringify(eventJson(event))}\n\n`).join(''));
}

function encodeCursor(cursor: EventCursor, caughtUp: boolean, form: EventForm): Uint8Array {
  const text = writeCursor(cursor);
  return form === 'protobuf'
    ? WatchEventsResponse.encode({ events: [], cursor: text, caughtUp }).finish()
    : encoder.encode(`id: ${text}\n\n`);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
