/**
 * The number of a message within the segment of its day: 27 bits of the time in its id and the 20 that follow them, so
 * that rows lie by time of acceptance and need no index by id. Two ids may share a key: the second takes the next free.
 */
import { createdAtOf, DIGITS, type MessageId } from '@mailyard/queue';

export const DAY_MS = 86_400_000;
/** Digits of the time in an id, and of what follows it that go into the key. */
const TIME_DIGITS = 10;
const TAIL_DIGITS = 4;
const TAILS = 32 ** TAIL_DIGITS;

/** The day of a message, counted from the epoch. */
export function dayOf(id: MessageId): number {
  return Math.floor(createdAtOf(id) / DAY_MS);
}

/** Where a message is looked for first. */
export function keyOf(id: MessageId): number {
  let tail = 0;
  for (let i = TIME_DIGITS; i < TIME_DIGITS + TAIL_DIGITS; i++) tail = tail * 32 + DIGITS.indexOf(id[i]!);
  return (createdAtOf(id) % DAY_MS) * TAILS + tail;
}

/** The first key of messages of this instant, or of a later one of the same day. @param at milliseconds of the epoch */
export function firstKeyAt(at: number): number {
  return (at % DAY_MS) * TAILS;
}

/** When the message with this key was made, in milliseconds of the epoch. */
export function createdAtOfKey(day: number, key: number): number {
  return day * DAY_MS + Math.floor(key / TAILS);
}
