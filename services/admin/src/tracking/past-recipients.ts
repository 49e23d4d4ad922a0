/** The recipients of the past by domain, newest message first, a slice at a time: mail is tracked in between. */
import { type Address, domainOf } from '@mailyard/mail';
import type { PastRecipients } from '@mailyard/smtp-routes';
import { toldEntries } from './history.ts';
import { DAY_MS } from './message-key.ts';
import type { MessageRow, Segment } from './segment.ts';
import type { TrackingStore } from './tracking-store.ts';

/** Below this row of this day. */
export interface PastPlace {
  readonly day: number;
  readonly before: number;
}

export interface PastQuestion {
  /** Messages accepted at or after; milliseconds of the epoch. */
  readonly from: number;
  /** Where the slice before ended; absent: the newest. */
  readonly place: PastPlace | undefined;
  /** So many recipients at the most. */
  readonly limit: number;
}

export interface PastPage {
  readonly domains: readonly PastRecipients[];
  /** Where to go on; undefined when all were looked at. */
  readonly place: PastPlace | undefined;
  /** When the last message of the slice was accepted; undefined where it has none. */
  readonly reached: number | undefined;
  /** The last message has more recipients than the limit let in, or there are more messages. */
  readonly isCut: boolean;
  /** From here on everything is kept. */
  readonly keptSince: number;
  readonly tookMs: number;
}

/** After so long a slice ends: facts that come meanwhile wait for it. */
const SLICE_MS = 5;
const ROWS = 50;
const MOST_EXAMPLES = 3;

export function pastRecipients(store: TrackingStore, { from, place, limit }: PastQuestion): PastPage {
  const began = performance.now();
  const domains = new Map<string, Mutable>();
  const { keptSince } = store;
  let [left, reached, next] = [limit, undefined as number | undefined, undefined as PastPlace | undefined];
  const end = (isCut: boolean): PastPage => {
    const tookMs = performance.now() - began;
    return { domains: [...domains.values()], place: isCut ? undefined : next, reached, isCut, keptSince, tookMs };
  };
  for (const { segment, row } of newestFirst(store, from, place)) {
    if (left === 0) return end(true);
    const all = recipientsOf(segment, row);
    for (const address of all.slice(0, left)) count(domains, address);
    reached = segment.createdAt(row);
    next = { day: segment.day, before: row.key };
    if (all.length > left) return end(true);
    left -= all.length;
    if (performance.now() - began >= SLICE_MS) return end(false);
  }
  next = undefined;
  return end(false);
}

type Mutable = { -readonly [K in keyof PastRecipients]: PastRecipients[K] } & { readonly examples: string[] };

/** A bare postmaster is a worker's own: no table says where that goes. */
function count(domains: Map<string, Mutable>, address: Address): void {
  const domain = domainOf(address);
  if (domain === '') return;
  let known = domains.get(domain);
  if (known === undefined) domains.set(domain, (known = { domain, recipients: 0, examples: [] }));
  known.recipients += 1;
  if (known.examples.length < MOST_EXAMPLES && !known.examples.includes(address)) known.examples.push(address);
}

function* newestFirst(
  store: TrackingStore,
  from: number,
  place: PastPlace | undefined,
): Iterable<{ readonly segment: Segment; readonly row: MessageRow }> {
  for (const segment of store.segments()) {
    if (segment.day > (place?.day ?? Infinity)) continue;
    if ((segment.day + 1) * DAY_MS <= from) return;
    let before = segment.day === place?.day ? place.before : Number.MAX_SAFE_INTEGER;
    for (;;) {
      const rows = segment.newest(before, ROWS);
      for (const row of rows) {
        if (segment.createdAt(row) < from) return;
        yield { segment, row };
      }
      if (rows.length < ROWS) break;
      before = rows.at(-1)!.key;
    }
  }
}

/**
 * The addresses that mail was accepted for, as far as they are known. Where the acceptance stands it tells how many
 * there are, so that what came later need not be read.
 */
function recipientsOf(segment: Segment, row: MessageRow): readonly Address[] {
  const addresses = new Map<number, Address>();
  let expected = Infinity;
  for (const piece of segment.pieces(row)) {
    for (const { record } of toldEntries(piece)) {
      if (record.type === 'MessageAccepted') expected = record.recipientCount;
      else if (record.type === 'RecipientQueued') addresses.set(record.recipient, record.forwardPath);
      else if (record.type === 'MessageRestated')
        for (const { recipient, forwardPath } of record.recipients) addresses.set(recipient, forwardPath);
    }
    if (addresses.size >= expected) break;
  }
  return [...addresses.values()];
}
