/**
 * Where a consumer of events stands, as a text that it hands back. It names a place in the order of one read model, and
 * the offsets of the queue log below which all was told by then: so that another read model, on another machine, can go
 * on where this one was.
 */

export interface EventCursor {
  /** The opening of the read model under which the place was given out; see {@link EventJournal}. */
  readonly opening: number;
  /** Pieces of the journal up to this one were told. */
  readonly number: number;
  /** When the offsets were noted, in milliseconds of the epoch; 0 when none were. */
  readonly at: number;
  /** By partition: every event of a record below this offset was told. As `offset-offset-…` in base 36. */
  readonly offsets: string;
}

const FORM = /^([0-9a-z]{1,11})\.([0-9a-z]{1,11})\.([0-9a-z]{1,11})\.((?:[0-9a-z]{0,11}-)*[0-9a-z]{0,11})$/;
const LONGEST = 16_384;
const BASE = 36;

export function writeCursor({ opening, number, at, offsets }: EventCursor): string {
  return [...[opening, number, at].map((value) => value.toString(BASE)), offsets].join('.');
}

/** @returns undefined when the text is none */
export function readCursor(text: string): EventCursor | undefined {
  const parts = text.length > LONGEST ? null : FORM.exec(text);
  if (parts === null) return undefined;
  const [opening, number, at] = [1, 2, 3].map((part) => Number.parseInt(parts[part]!, BASE));
  return { opening: opening!, number: number!, at: at!, offsets: parts[4]! };
}

/** The offsets of a cursor. @param of by partition */
export function writeOffsets(of: ReadonlyMap<number, number>): string {
  const count = Math.max(-1, ...of.keys()) + 1;
  return Array.from({ length: count }, (_, partition) => of.get(partition)?.toString(BASE) ?? '').join('-');
}

/** By partition; 0 for those of which nothing was told. */
export function readOffsets(text: string): number[] {
  return text.split('-').map((part) => (part === '' ? 0 : Number.parseInt(part, BASE)));
}
