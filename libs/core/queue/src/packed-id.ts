/** Message ids in five bits a digit: seventeen octets in place of twenty-six. */
import { DIGITS } from './message-id.ts';
import type { MessageId } from './records.ts';

export const ID_OCTETS = 17;
const ID_LENGTH = 26;

const CODES = new Uint8Array(128);
for (let code = 0; code < DIGITS.length; code++) CODES[DIGITS.charCodeAt(code)] = code;

/** Writes an id at a place with room for {@link ID_OCTETS}. */
export function writeId(id: MessageId, into: Uint8Array, at: number): void {
  let bits = 0;
  let count = 0;
  let to = at;
  for (let i = 0; i < ID_LENGTH; i++) {
    bits = ((bits << 5) | CODES[id.charCodeAt(i)]!) & 0xfff;
    count += 5;
    if (count < 8) continue;
    count -= 8;
    into[to++] = bits >> count;
  }
  into[to] = bits << (8 - count);
}

/** The id that was written at a place. */
export function readId(from: Uint8Array, at: number): MessageId {
  let id = '';
  for (let i = 0; i < ID_LENGTH; i++) id += DIGITS[codeAt(from, at, i)];
  return id as MessageId;
}

/** Tells whether the id that was written at a place is this one. */
export function isId(text: string, from: Uint8Array, at: number): boolean {
  if (text.length !== ID_LENGTH) return false;
  for (let i = ID_LENGTH - 1; i >= 0; i--)
    if (DIGITS.charCodeAt(codeAt(from, at, i)) !== text.charCodeAt(i)) return false;
  return true;
}

/** The value of a digit. */
function codeAt(from: Uint8Array, at: number, digit: number): number {
  const bit = digit * 5;
  const place = at + (bit >> 3);
  return (((from[place]! << 8) | (from[place + 1] ?? 0)) >> (11 - (bit & 7))) & 31;
}
