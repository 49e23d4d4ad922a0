import type { BodyReference, BodyStore } from '@mailyard/queue';
import { BLOCK_OCTETS, BLOCKS } from './block-pool.ts';
import { HeadKeeper } from './head-keeper.ts';

type Stored = { readonly sizeOctets: number; readonly crc32: number };

const EMPTY = Buffer.alloc(0);
/** Bodies up to this size come in memory that is made for them; larger ones come in blocks first. */
const SMALL_OCTETS = 32_768;

/**
 * The body of one message as it comes in: kept whole up to a limit, then streamed into the body store. Memory is
 * bounded by the limit, the header section, and three blocks, the fullness of which stops the reading of the socket.
 *
 * Pieces are only lent, and are copied once, behind each other into a block of our own.
 */
export class BodyIntake {
  readonly #store: BodyStore;
  readonly #key: string;
  readonly #inlineOctets: number;
  /** What goes in front, until the first piece comes. */
  #lead: string;
  #block: Buffer = EMPTY;
  #filled = 0;
  #sizeOctets: number;
  #stored: Promise<Stored> | undefined;
  readonly #head = new HeadKeeper();
  /** Full blocks that the store has not asked for yet. */
  readonly #full: Buffer[] = [];
  #ended = false;
  #aborted = false;
  #wake: (() => void) | undefined;
  #room: (() => void) | undefined;

  /**
   * @param key where the body lies in the store if it has to go there
   * @param lead what goes in front of the content, one character an octet
   */
  constructor(store: BodyStore, key: string, inlineOctets: number, lead: string) {
    this.#store = store;
    this.#key = key;
    this.#inlineOctets = inlineOctets;
    this.#lead = lead;
    this.#sizeOctets = lead.length;
  }

  get sizeOctets(): number {
    return this.#sizeOctets;
  }

  /** The beginning of the body, its header section at least. */
  head(): Buffer {
    return this.#stored === undefined ? this.#block.subarray(0, this.#filled) : this.#head.octets;
  }

  /** Takes a piece; a promise asks to wait. Rejects when the body store fails. */
  write(piece: Buffer): Promise<void> | undefined {
    this.#sizeOctets += piece.length;
    if (this.#lead !== '') this.#putLead(Math.min(piece.length, BLOCK_OCTETS - this.#lead.length));
    if (this.#stored === undefined && this.#sizeOctets <= this.#inlineOctets) {
      this.#reserve(piece.length);
      this.#filled += piece.copy(this.#block, this.#filled);
      return undefined;
    }
    this.#stored ??= this.#begin();
    for (let from = 0; from < piece.length; ) {
      if (this.#filled === this.#block.length) this.#pass();
      const copied = piece.copy(this.#block, this.#filled, from);
      this.#filled += copied;
      from += copied;
    }
    return this.#full.length > 0 ? this.#untilRoom(this.#stored) : undefined;
  }

  /** The whole body, in memory or durable in the store. */
  end(): BodyReference | Promise<BodyReference> {
    if (this.#lead !== '') this.#putLead(0);
    if (this.#stored === undefined) return { kind: 'inline', octets: this.#whole() };
    this.#ended = true;
    this.#head.add(this.#block.subarray(0, this.#filled));
    this.#wake?.();
    return this.#reference(this.#stored);
  }

  /** Puts a body that was to travel inline into the store after all (I12). */
  async store(body: BodyReference): Promise<BodyReference> {
    return body.kind === 'stored' ? body : this.#reference(this.#store.put(this.#key, [body.octets]));
  }

  /** Nothing of it may be kept. What was stored whole already is taken away again: no append was tried (I10). */
  abort(): void {
    this.#aborted = true;
    this.#block = EMPTY;
    this.#full.length = 0;
    this.#wake?.();
    this.#room?.();
    this.#stored?.then(() => this.#store.delete(this.#key)).catch(() => undefined);
  }

  /** The body may wait in memory for its delivery: in memory of its own, without much room left behind it. */
  #whole(): Buffer {
    const block = this.#block;
    const whole = block.subarray(0, this.#filled);
    if (block.length <= SMALL_OCTETS && this.#filled >= 0.75 * block.length) return whole;
    this.#block = Buffer.from(whole);
    BLOCKS.give(block);
    return this.#block;
  }

  async #reference(stored: Promise<Stored>): Promise<BodyReference> {
    return { kind: 'stored', key: this.#key, ...(await stored) };
  }

  #putLead(expected: number): void {
    const lead = this.#lead;
    this.#lead = '';
    this.#reserve(lead.length + expected);
    this.#filled = this.#block.write(lead, 0, 'latin1');
  }

  /** Makes room for so many octets more of a body that is kept whole. */
  #reserve(octets: number): void {
    const needed = this.#filled + octets;
    const block = this.#block;
    if (needed <= block.length) return;
    if (needed > SMALL_OCTETS)
      this.#block = needed <= BLOCK_OCTETS ? BLOCKS.take() : Buffer.allocUnsafeSlow(2 * needed);
    // Most messages come in one piece, or one and a little, and then this is all that they need.
    else this.#block = Buffer.allocUnsafeSlow(Math.min(SMALL_OCTETS, Math.ceil(1.25 * needed)));
    block.copy(this.#block, 0, 0, this.#filled);
    BLOCKS.give(block);
  }

  #begin(): Promise<Stored> {
    const stored = this.#store.put(this.#key, this.#drain());
    // Whoever waits for room or for the end hears of a failure; before that nobody listens.
    stored.catch(() => this.#room?.());
    return stored;
  }

  /** Leaves the block to the store and goes on in another. */
  #pass(): void {
    if (this.#filled > 0) {
      this.#head.add(this.#block);
      this.#full.push(this.#block);
    }
    this.#block = BLOCKS.take();
    this.#filled = 0;
    this.#wake?.();
  }

  async *#drain(): AsyncIterable<Uint8Array> {
    for (;;) {
      if (this.#aborted) throw new Error('the content was not completed');
      const block = this.#full.shift();
      if (block !== undefined) {
        yield block;
        BLOCKS.give(block);
        this.#room?.();
      } else if (this.#ended) {
        yield this.#block.subarray(0, this.#filled);
        BLOCKS.give(this.#block);
        return;
      } else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
    }
  }

  async #untilRoom(stored: Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#room = resolve;
    await Promise.race([promise, stored]);
  }
}
