import type { MessageId } from './records.ts';

/** The digits of a message id. */
export const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * Makes a message id: ten digits of time, sixteen of randomness, base 32 without i, l, o, u. Ids sort by time of
 * creation; two processes need no agreement to make them.
 *
 * @param at milliseconds of the epoch
 * @param random ten octets
 */
export function makeMessageId(at: number, random: Uint8Array): MessageId {
  let time = '';
  let rest = at;
  for (let i = 0; i < 10; i++) {
    time = DIGITS[rest % 32] + time;
    rest = Math.floor(rest / 32);
  }
  let tail = '';
  for (let i = 0; i < 10; i += 5) {
    let high = (random[i]! << 12) | (random[i + 1]! << 4) | (random[i + 2]! >> 4);
    let low = ((random[i + 2]! & 15) << 16) | (random[i + 3]! << 8) | random[i + 4]!;
    for (let k = 15; k >= 0; k -= 5) tail += DIGITS[(high >> k) & 31];
    for (let k = 15; k >= 0; k -= 5) tail += DIGITS[(low >> k) & 31];
  }
  return (time + tail) as MessageId;
}

/** When a message id was made, in milliseconds of the epoch. That of a report is the time of the message it reports. */
export function createdAtOf(id: MessageId): number {
  let at = 0;
  for (let i = 0; i < 10; i++) at = at * 32 + DIGITS.indexOf(id[i]!);
  return at;
}

/** Tells whether a text has the form of a message id. */
export function isMessageId(text: string): text is MessageId {
  return /^[0-9a-hjkmnp-tv-z]{26}$/.test(text);
}

const TAIL_MODULUS = 1n << 80n;
/** Odd, so that different recipients get different tails. */
const TAIL_STEP = 0x9e37_79b9_7f4a_7c15_f39dn;
const WARNING_STEP = 0xc2b2_ae3d_27d4_eb4f_165fn;

/**
 * The id of the delivery report on one recipient (I9): the same at each repeat, so that a report is accepted once.
 * Keeps the time of the message's id and moves its random part on by a step for each recipient.
 */
export function reportIdOf(message: MessageId, recipient: number): MessageId {
  return movedOn(message, BigInt(recipient + 1) * TAIL_STEP);
}

/**
 * The id of a delay warning on one recipient (R80), the same at each repeat.
 *
 * @param nth from 1
 */
export function warningIdOf(message: MessageId, recipient: number, nth: number): MessageId {
  return movedOn(message, BigInt(recipient + 1) * TAIL_STEP + BigInt(nth) * WARNING_STEP);
}

function movedOn(message: MessageId, by: bigint): MessageId {
  let tail = 0n;
  for (const digit of message.slice(10)) tail = tail * 32n + BigInt(DIGITS.indexOf(digit));
  tail = (tail + by) % TAIL_MODULUS;
  let text = '';
  for (let i = 0; i < 16; i++) {
    text = DIGITS[Number(tail % 32n)] + text;
    tail /= 32n;
  }
  return (message.slice(0, 10) + text) as MessageId;
}
