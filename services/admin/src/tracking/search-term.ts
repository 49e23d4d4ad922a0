/** What a message can be found by, besides its id. */
export type TermKind = 'recipient' | 'sender' | 'headerMessageId';

const SEEDS: Readonly<Record<TermKind, number>> = { recipient: 0x11, sender: 0x22, headerMessageId: 0x33 };

/**
 * A number that stands for a text in the search index: 53 bits, letter case of ASCII left out. Two texts may share one;
 * whoever finds a message by it compares the text.
 */
export function termOf(kind: TermKind, text: string): number {
  let high = SEEDS[kind] ^ 0x811c9dc5;
  let low = SEEDS[kind] ^ 0x1b873593;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const character = code >= 65 && code <= 90 ? code + 32 : code;
    high = Math.imul(high ^ character, 0x01000193);
    low = Math.imul(low ^ character, 0x5bd1e995);
    low ^= low >>> 15;
  }
  high ^= high >>> 13;
  return (high >>> 0) * 0x20_0000 + ((low >>> 0) & 0x1f_ffff);
}
