import { BLOCK_OCTETS, BLOCK_ROWS, MessageBlock } from './message-block.ts';
import type { MessageId } from './records.ts';

/** A block with fewer rows left is put together with one beside it when both are no more than half a block. */
const FEW_ROWS = BLOCK_ROWS / 4;
const LEAST_INDEX = 1_024;
/** The index is at most so full, and half full after it grew. */
const MOST_FULL = 2 / 3;
const FULL_AFTERWARDS = 1 / 2;
/** Below this it shrinks. */
const LEAST_FULL = 1 / 8;

/**
 * The messages of a partition as rows in rising order of their last full state, found by that or by id. A row has the
 * name of what is known of the message: a whole number of 32 bits, never 0.
 *
 * Rows lie in blocks, so that they grow without being copied and in step with what waits: twelve octets each, and six
 * to eight in the index.
 */
export class MessageRows {
  /** In order; only the last may be without a row. */
  readonly #blocks: MessageBlock[] = [];
  /** The same by number. The number of a row is made of that and its place. */
  readonly #numbered: (MessageBlock | undefined)[] = [];
  readonly #vacant: number[] = [];
  #live = 0;
  /** Row + 1 by hash, open addressing with linear probing; 0 where there is none. */
  #index = new Uint32Array(LEAST_INDEX);

  get size(): number {
    return this.#live;
  }

  /** Octets of the arrays. */
  get sizeOctets(): number {
    return this.#blocks.length * BLOCK_OCTETS + this.#index.byteLength;
  }

  /** Adds a row at the end: `offset` is above all others. */
  add(id: MessageId, offset: number, name: number): void {
    let block = this.#blocks.at(-1);
    if (block === undefined || !block.takes(offset)) {
      if (block?.live === 0) this.#give(this.#blocks.pop()!);
      block = this.#begin(offset);
    }
    const place = block.add(offset, hashOf(id), name);
    this.#live += 1;
    if (this.#live > this.#index.length * MOST_FULL) this.#reindex();
    else this.#insert(block, place);
  }

  /** The name of the first row whose full state lies above this offset. */
  nameAfter(offset: number): number | undefined {
    for (let i = Math.max(0, this.#blockOf(offset)); i < this.#blocks.length; i++) {
      const block = this.#blocks[i]!;
      const place = block.after(offset);
      if (place !== undefined) return block.name(place);
    }
    return undefined;
  }

  /** The name of the row with this full state. */
  nameAt(offset: number): number | undefined {
    const block = this.#blocks[this.#blockOf(offset)];
    const place = block?.at(offset);
    return place === undefined ? undefined : block!.name(place);
  }

  /** The name of the message's row; `isIt` tells, of a row with the same hash, whether it is the message's. */
  find(id: MessageId, isIt: (name: number) => boolean): number | undefined {
    const hash = hashOf(id);
    const { length } = this.#index;
    for (let at = this.#home(hash); ; at = at + 1 === length ? 0 : at + 1) {
      const row = this.#index[at]! - 1;
      if (row < 0) return undefined;
      const block = this.#blockOfRow(row);
      const place = row % BLOCK_ROWS;
      if (block.hash(place) === hash && isIt(block.name(place))) return block.name(place);
    }
  }

  /** Gives the row at this offset another name. */
  rename(offset: number, name: number): void {
    const block = this.#blocks[this.#blockOf(offset)];
    block!.rename(this.#placeIn(block, offset), name);
  }

  remove(offset: number): void {
    const number = this.#blockOf(offset);
    const block = this.#blocks[number]!;
    const place = this.#placeIn(block, offset);
    this.#unindex(block, place);
    block.remove(place);
    this.#live -= 1;
    if (block.live < FEW_ROWS && number + 1 < this.#blocks.length) this.#thin(number, block);
    if (this.#index.length > LEAST_INDEX && this.#live < this.#index.length * LEAST_FULL) this.#reindex();
  }

  // ---- blocks

  /** The last block that begins at this offset or before it; -1 when there is none. */
  #blockOf(offset: number): number {
    let low = 0;
    let high = this.#blocks.length;
    // Mostly the newest is meant.
    if (high > 0 && this.#blocks[high - 1]!.base <= offset) return high - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#blocks[middle]!.base <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #placeIn(block: MessageBlock | undefined, offset: number): number {
    const place = block?.at(offset);
    if (place === undefined) throw new RangeError(`no message at ${offset}`);
    return place;
  }

  #begin(base: number): MessageBlock {
    const block = new MessageBlock(this.#vacant.pop() ?? this.#numbered.length, base);
    this.#numbered[block.number] = block;
    this.#blocks.push(block);
    return block;
  }

  #give({ number }: MessageBlock): void {
    this.#numbered[number] = undefined;
    this.#vacant.push(number);
  }

  /** Few rows are left in a block that is not the last. */
  #thin(number: number, block: MessageBlock): void {
    if (block.live === 0) {
      this.#blocks.splice(number, 1);
      this.#give(block);
      return;
    }
    this.#join(number);
    this.#join(number - 1);
  }

  /** Puts a block and the one behind it together if few rows are left in both; the last goes on being filled. */
  #join(number: number): void {
    const [block, next] = [this.#blocks[number], this.#blocks[number + 1]];
    if (block === undefined || next === undefined || number + 2 === this.#blocks.length) return;
    if (!block.mayTakeIn(next, BLOCK_ROWS / 2)) return;
    block.takeIn(next, (from, place, to) => {
      this.#index[this.#indexOf(from, place, block.hash(to))] = rowOf(block, to) + 1;
    });
    this.#blocks.splice(number + 1, 1);
    this.#give(next);
  }

  // ---- the index

  #blockOfRow(row: number): MessageBlock {
    return this.#numbered[Math.floor(row / BLOCK_ROWS)]!;
  }

  /** Where the search for a hash begins: the index is of any size, not of powers of two. */
  #home(hash: number): number {
    return Math.floor((hash >>> 0) * (this.#index.length / 2 ** 32));
  }

  #reindex(): void {
    this.#index = new Uint32Array(Math.max(LEAST_INDEX, Math.ceil(this.#live / FULL_AFTERWARDS)));
    for (const block of this.#blocks)
      for (let place = block.next(-1); place !== undefined; place = block.next(place)) this.#insert(block, place);
  }

  #insert(block: MessageBlock, place: number): void {
    const { length } = this.#index;
    let at = this.#home(block.hash(place));
    while (this.#index[at] !== 0) at = at + 1 === length ? 0 : at + 1;
    this.#index[at] = rowOf(block, place) + 1;
  }

  /** Where a row stands in the index. */
  #indexOf(block: MessageBlock, place: number, hash: number): number {
    const { length } = this.#index;
    const sought = rowOf(block, place) + 1;
    let at = this.#home(hash);
    while (this.#index[at] !== sought) at = at + 1 === length ? 0 : at + 1;
    return at;
  }

  /** Takes the row out, and moves up those behind it that would not be found past the gap. */
  #unindex(block: MessageBlock, place: number): void {
    const { length } = this.#index;
    let gap = this.#indexOf(block, place, block.hash(place));
    for (let at = gap + 1 === length ? 0 : gap + 1; this.#index[at] !== 0; at = at + 1 === length ? 0 : at + 1) {
      const row = this.#index[at]! - 1;
      const home = this.#home(this.#blockOfRow(row).hash(row % BLOCK_ROWS));
      if ((at - home + length) % length < (at - gap + length) % length) continue;
      this.#index[gap] = row + 1;
      gap = at;
    }
    this.#index[gap] = 0;
  }
}

function rowOf({ number }: MessageBlock, place: number): number {
  return number * BLOCK_ROWS + place;
}

/** FNV-1a, its bits mixed: the upper ones say where it stands. */
function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return hash ^ (hash >>> 12);
}
