import { DIGITS } from './message-id.ts';
import type { MessageId } from './records.ts';

const ID_DIGITS = 26;
/** Words of 32 bits that name a recipient: 26 digits of five bits each and the RID. */
const WORDS = 5;
const RID_LIMIT = 2 ** 22;

/** The value of each digit by its character code; 255 for what is none. */
const VALUES = new Uint8Array(128).fill(255);
for (let value = 0; value < DIGITS.length; value++) VALUES[DIGITS.charCodeAt(value)] = value;

const scratch = new Uint32Array(WORDS);

/**
 * A recipient as words. The same array each time: good until the next call.
 *
 * @returns undefined where the id does not have the form of ours
 */
export function rowOf(message: MessageId, recipient: number): Uint32Array | undefined {
  if (message.length !== ID_DIGITS || recipient >= RID_LIMIT) return undefined;
  let bits = 0;
  for (let i = 0, word = 0; i < ID_DIGITS; i++) {
    const code = message.charCodeAt(i);
    const value = code < 128 ? VALUES[code]! : 255;
    if (value === 255) return undefined;
    bits = bits * 32 + value;
    // Six digits a word; the last two share theirs with the RID.
    if (i % 6 === 5) {
      scratch[word++] = bits;
      bits = 0;
    }
  }
  scratch[WORDS - 1] = recipient * 1_024 + bits;
  return scratch;
}

/** A block of recipients with the append time of each, found by hash: open addressing with linear probing. */
export class RecipientRows {
  readonly #words: Uint32Array;
  readonly #times: Float64Array;
  /** Row + 1; 0 where there is none. */
  readonly #index: Int32Array;
  #size = 0;
  /** The latest append time: they never fall. */
  newest = -Infinity;

  /** @param capacity rows that it has room for, a power of two */
  constructor(capacity: number) {
    this.#words = new Uint32Array(capacity * WORDS);
    this.#times = new Float64Array(capacity);
    this.#index = new Int32Array(capacity * 2);
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size === this.#times.length;
  }

  add(row: Uint32Array, appendTime: number): void {
    const number = this.#size++;
    this.#words.set(row, number * WORDS);
    this.#times[number] = appendTime;
    this.newest = appendTime;
    const mask = this.#index.length - 1;
    let place = hashOf(row) & mask;
    while (this.#index[place] !== 0) place = (place + 1) & mask;
    this.#index[place] = number + 1;
  }

  /** Whether the row is there with this append time or a later one. */
  hasSince(row: Uint32Array, appendTime: number): boolean {
    if (this.newest < appendTime) return false;
    const mask = this.#index.length - 1;
    for (let place = hashOf(row) & mask; ; place = (place + 1) & mask) {
      const number = this.#index[place]! - 1;
      if (number < 0) return false;
      if (this.#times[number]! >= appendTime && this.#isAt(number * WORDS, row)) return true;
    }
  }

  #isAt(start: number, row: Uint32Array): boolean {
    // The second half of an id is random, so that differs first.
    for (let i = WORDS - 1; i >= 0; i--) if (this.#words[start + i] !== row[i]) return false;
    return true;
  }
}

function hashOf(row: Uint32Array): number {
  let hash = 0;
  for (let i = 0; i < WORDS; i++) {
    hash = Math.imul(hash ^ row[i]!, 0x2c1b3c6d);
    hash ^= hash >>> 15;
  }
  return hash;
}
