/** Answers from the read model. */
import type { Event, MessageSummary, RecipientSummary, SearchResponse } from '@mailyard/contracts/tracking';
import { makeRemark, type Remark } from '@mailyard/mail';
import { createdAtOf, isMessageId, type MessageId } from '@mailyard/queue';
import { recordOf } from './fact.ts';
import { type HistoryEntry, told } from './history.ts';
import { DAY_MS } from './message-key.ts';
import { type FoundMessage, idIn, type MessageRow, type Segment } from './segment.ts';
import { type TermKind, termOf } from './search-term.ts';
import { TrackedMessage } from './tracked-message.ts';
import { eventsOf } from './trace-event.ts';
import type { TraceAnswer } from './tracking-messages.ts';
import type { TrackingNote } from './tracking-note.ts';
import type { TrackingStore } from './tracking-store.ts';

const TRACE_LIMIT = 20;
const PAGE_SIZE = 50;
const MOST_PER_PAGE = 1_000;

/** Where a page begins: below this row of this day. */
interface Place {
  readonly day: number;
  readonly before: number;
}

/** Which messages a search is about, besides its key. */
export interface SearchRange {
  /** What the key is; absent: any of them. */
  readonly by?: TermKind;
  /** Accepted at or after, and before; milliseconds of the epoch. */
  readonly from?: number;
  readonly to?: number;
}

const NEWEST: Place = { day: Infinity, before: Number.MAX_SAFE_INTEGER };

interface Found extends FoundMessage {
  readonly place: Place;
}

/** Every event of the messages that a key names: newest messages, oldest of them first, each in the order of the log. */
export function trace(store: TrackingStore, key: string, limit = TRACE_LIMIT): TraceAnswer {
  const found: Found[] = [];
  let more = false;
  for (const one of search(store, key, NEWEST)) {
    more = found.length === limit;
    if (more) break;
    found.push(one);
  }
  const events = found
    .reverse()
    .flatMap(({ row, entries }): Event[] => eventsOf(idIn(entries), row.partition, entries.filter(isTold).map(told)));
  const notes: TrackingNote[] = [...store.notes()];
  if (events.length === 0) notes.push({ remark: keptRemark(store) });
  return { events, more, notes };
}

/** Messages, newest first. @param key absent: all */
export function page(
  store: TrackingStore,
  key: string | undefined,
  pageSize: number,
  token: string,
  range: SearchRange = {},
): SearchResponse {
  const limit = Math.min(pageSize === 0 ? PAGE_SIZE : pageSize, MOST_PER_PAGE);
  const messages: MessageSummary[] = [];
  let last: Place | undefined;
  const from = readToken(token);
  const found = key === undefined ? newest(store, from, range) : search(store, key, from, range);
  for (const { row, entries, place } of found) {
    if (messages.length === limit)
      return { messages, nextPageToken: last === undefined ? '' : `${last.day}.${last.before}` };
    messages.push(summaryOf(idIn(entries), row.partition, entries));
    last = place;
  }
  return { messages, nextPageToken: '' };
}

function isTold({ fact: { kind } }: HistoryEntry): boolean {
  return kind !== 'PartitionClaimed' && kind !== 'Undecodable';
}

function keptRemark({ retentionMs, since }: TrackingStore): Remark {
  const days = Math.round(retentionMs / 86_400_000);
  return makeRemark('TRACKING_KEPT', { days, since: new Date(since).toISOString() });
}

function readToken(token: string): Place {
  const match = /^(\d{1,9})\.(\d{1,15})$/.exec(token);
  return match === null ? NEWEST : { day: Number(match[1]), before: Number(match[2]) };
}

function* search(store: TrackingStore, key: string, from: Place, range: SearchRange = {}): Iterable<Found> {
  const id = messageIdOf(key);
  if (id !== undefined) {
    const found = from === NEWEST ? store.find(id) : undefined;
    if (found !== undefined && isWithin(createdAtOf(id), range)) yield { ...found, place: NEWEST };
    return;
  }
  const wanted = termsOf(key).filter(({ kind }) => range.by === undefined || kind === range.by);
  for (const segment of startingAt(store, from, range)) yield* searchSegment(segment, wanted, from, range);
}

/** `<message id>` or a MID, which is one with the number of a copy. */
function messageIdOf(key: string): MessageId | undefined {
  const id = key.toLowerCase().replace(/-\d{1,4}$/, '');
  return isMessageId(id) ? id : undefined;
}

interface Wanted {
  readonly kind: TermKind;
  readonly text: string;
  readonly term: number;
}

function termsOf(key: string): Wanted[] {
  const want = (kind: TermKind, text: string): Wanted => ({
    kind,
    text: text.toLowerCase(),
    term: termOf(kind, text),
  });
  if (key.startsWith('<') && key.endsWith('>')) return [want('headerMessageId', key)];
  return [want('recipient', key), want('sender', key), want('headerMessageId', `<${key}>`)];
}

const CHUNK = 100;

/** Rows under any of the terms, by falling number, each once. */
function* searchSegment(segment: Segment, wanted: readonly Wanted[], from: Place, range: SearchRange): Iterable<Found> {
  let before = firstBefore(segment, from, range);
  const earliest = range.from ?? 0;
  for (;;) {
    const rows = new Map<number, MessageRow>();
    let exhausted = true;
    let reached = 0;
    for (const { term } of wanted) {
      const chunk = segment.byTerm(term, before, CHUNK);
      for (const row of chunk) rows.set(row.key, row);
      if (chunk.length < CHUNK) continue;
      exhausted = false;
      // Another term may have rows between its last one and this: they come with the next chunk.
      reached = Math.max(reached, chunk.at(-1)!.key);
    }
    const falling = [...rows.values()].filter(({ key }) => key >= reached).sort((a, b) => b.key - a.key);
    for (const row of falling) {
      if (segment.createdAt(row) < earliest) return;
      const found = foundOf(segment, row);
      if (matches(found.entries, wanted)) yield found;
    }
    if (exhausted) return;
    before = reached;
  }
}

function* newest(store: TrackingStore, from: Place, range: SearchRange): Iterable<Found> {
  for (const segment of startingAt(store, from, range)) {
    let before = firstBefore(segment, from, range);
    for (;;) {
      const rows = segment.newest(before, CHUNK);
      for (const row of rows) {
        if (segment.createdAt(row) < (range.from ?? 0)) return;
        yield foundOf(segment, row);
      }
      if (rows.length < CHUNK) break;
      before = rows.at(-1)!.key;
    }
  }
}

function startingAt(store: TrackingStore, from: Place, range: SearchRange): Segment[] {
  const first = Math.floor((range.from ?? 0) / DAY_MS);
  const last = Math.floor((range.to ?? Infinity) / DAY_MS);
  return store.segments().filter(({ day }) => day <= from.day && day >= first && day <= last);
}

/** Where a segment is entered: where the page before ended, and below the end of the range. */
function firstBefore(segment: Segment, from: Place, { to }: SearchRange): number {
  const before = segment.day === from.day ? from.before : Number.MAX_SAFE_INTEGER;
  return to === undefined ? before : Math.min(before, segment.firstAfter(to));
}

function isWithin(at: number, { from, to }: SearchRange): boolean {
  return at >= (from ?? 0) && at < (to ?? Infinity);
}

function foundOf(segment: Segment, row: MessageRow): Found {
  return { row, place: { day: segment.day, before: row.key }, entries: segment.history(row) };
}

/** Terms are numbers that two texts may share: the texts decide. */
function matches(entries: readonly HistoryEntry[], wanted: readonly Wanted[]): boolean {
  for (const { fact } of entries) {
    if (fact.kind !== 'MessageAccepted' && fact.kind !== 'RecipientQueued' && fact.kind !== 'MessageRestated') continue;
    const record = recordOf(fact);
    for (const { kind, text } of wanted) {
      if (record.type === 'RecipientQueued') {
        if (kind === 'recipient' && record.forwardPath.toLowerCase() === text) return true;
        continue;
      }
      const accepted = record.type === 'MessageRestated' ? record.accepted : record;
      if (accepted.type !== 'MessageAccepted') continue;
      if (kind === 'sender' && (accepted.reversePath ?? '').toLowerCase() === text) return true;
      if (kind === 'headerMessageId' && accepted.headerMessageId?.toLowerCase() === text) return true;
      if (kind === 'recipient' && accepted.expansions?.some(({ received }) => received.toLowerCase() === text) === true)
        return true;
      if (
        kind === 'recipient' &&
        record.type === 'MessageRestated' &&
        record.recipients.some(({ forwardPath }) => forwardPath.toLowerCase() === text)
      )
        return true;
    }
  }
  return false;
}

function summaryOf(id: MessageId, partition: number, entries: readonly HistoryEntry[]): MessageSummary {
  const message = new TrackedMessage(id, partition);
  const recipients = new Map<number, RecipientSummary>();
  let accepted: MessageSummary = { message: id, acceptedAt: 0, recipients: [] };
  for (const { fact, isFenced } of entries) {
    message.apply(fact, isFenced);
    if (fact.kind !== 'MessageAccepted' && fact.kind !== 'RecipientQueued' && fact.kind !== 'MessageRestated') continue;
    const record = recordOf(fact);
    if (record.type === 'RecipientQueued') add(recipients, record);
    if (record.type === 'MessageRestated') for (const recipient of record.recipients) add(recipients, recipient);
    const acceptance = record.type === 'MessageRestated' ? record.accepted : record;
    if (acceptance.type !== 'MessageAccepted') continue;
    const { at, reversePath, headerMessageId } = acceptance;
    accepted = {
      message: id,
      acceptedAt: at,
      recipients: [],
      ...(reversePath === null ? {} : { reversePath }),
      ...(headerMessageId === undefined ? {} : { headerMessageId }),
    };
  }
  for (const summary of recipients.values()) {
    const state = message.stateOf(summary.recipient);
    accepted.recipients.push({ ...summary, ...state });
  }
  return accepted;
}

function add(
  recipients: Map<number, RecipientSummary>,
  { recipient, forwardPath }: { readonly recipient: number; readonly forwardPath: string },
): void {
  recipients.set(recipient, { recipient, forwardPath, state: 'untracked', outcomeUnknown: false });
}
