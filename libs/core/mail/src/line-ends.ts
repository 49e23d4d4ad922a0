import type { OctetText } from './utf8.ts';

const BARE = /\r(?!\n)|(?<!\r)\n/;

/**
 * Finds a CR without LF or an LF without CR: what lets a next hop see the end of a message where we see none.
 *
 * One native search over the whole text, never a loop by line.
 *
 * @returns the index of the first; -1 when there is none
 * @see RFC 5321 §2.3.8
 */
export function findBareLineEnd(text: OctetText): number {
  return text.search(BARE);
}
