import { finalKey } from './memory-keys.ts';
import { Recollection } from './recollection.ts';
import { RecipientRows, rowOf } from './recipient-rows.ts';
import type { MessageId } from './records.ts';

/** Rows of the smallest and the largest block. */
const SMALL_BLOCK = 1_024;
const LARGE_BLOCK = 262_144;

/**
 * The recipients that had their final outcome lately, with the append time of each, forgotten in the order in which they
 * came: at thousands a second over ten minutes there are millions.
 *
 * They lie in blocks of arrays. A block never grows, which would halt everything for as long as the copying takes, but is
 * followed by another, and is dropped whole once its newest row is forgotten. What is forgotten goes by the time of each
 * row, not by its block: readers that began at different places in the log must agree.
 */
export class ClosedRecipients {
  #blocks: RecipientRows[] = [];
  #horizon = -Infinity;
  /** Those of messages whose id does not have the form of ours. */
  readonly #others = new Recollection();

  has(message: MessageId, recipient: number): boolean {
    const row = rowOf(message, recipient);
    return row === undefined ? this.#others.has(finalKey(message, recipient)) : this.#find(row);
  }

  /** Remembers a recipient. One that is known already keeps its first time. */
  add(message: MessageId, recipient: number, appendTime: number): void {
    const row = rowOf(message, recipient);
    if (row === undefined) this.#others.add(finalKey(message, recipient), appendTime);
    else if (!this.#find(row)) this.#newest().add(row, appendTime);
  }

  /** Forgets what is older than this append time. */
  forgetBefore(appendTime: number): void {
    this.#others.forgetBefore(appendTime);
    if (appendTime <= this.#horizon) return;
    this.#horizon = appendTime;
    const kept = this.#blocks.findIndex(({ newest }) => newest >= appendTime);
    if (kept !== 0) this.#blocks = kept < 0 ? [] : this.#blocks.slice(kept);
  }

  #find(row: Uint32Array): boolean {
    for (let i = this.#blocks.length - 1; i >= 0; i--) if (this.#blocks[i]!.hasSince(row, this.#horizon)) return true;
    return false;
  }

  #newest(): RecipientRows {
    const last = this.#blocks.at(-1);
    if (last !== undefined && !last.isFull) return last;
    let rows = 0;
    for (const { size } of this.#blocks) rows += size;
    const block = new RecipientRows(Math.min(LARGE_BLOCK, Math.max(SMALL_BLOCK, 2 ** Math.ceil(Math.log2(rows + 1)))));
    this.#blocks.push(block);
    return block;
  }
}
