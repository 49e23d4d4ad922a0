import type { BodyReference, BodyStore } from '@mailyard/queue';

/** Octets of a header section that are kept for policies. */
const HEAD_LIMIT = 1_048_576;
/** Pieces that may wait for the body store. */
const QUEUE_OCTETS = 262_144;

/**
 * The body of one message as it comes in: kept whole up to a limit, then streamed into the body store. Memory is
 * bounded by the limit, the head, and a short queue whose fullness stops the reading of the socket.
 */
export class BodyIntake {
  readonly #store: BodyStore;
  readonly #key: string;
  readonly #inlineOctets: number;
  #pieces: Buffer[] = [];
  #head: Buffer[] = [];
  /** The whole of a body that travels inline, once it ended: its head need not be put together a second time. */
  #whole: Buffer | undefined;
  #headOctets = 0;
  #sizeOctets = 0;
  #stored: Promise<{ sizeOctets: number; crc32: number }> | undefined;
  #queued = 0;
  #ended = false;
  #aborted = false;
  #wake: (() => void) | undefined;
  #room: (() => void) | undefined;

  /** @param key where the body lies in the store if it has to go there */
  constructor(store: BodyStore, key: string, inlineOctets: number) {
    this.#store = store;
    this.#key = key;
    this.#inlineOctets = inlineOctets;
  }

  get sizeOctets(): number {
    return this.#sizeOctets;
  }

  /** The beginning of the body, long enough for any header section that is read. */
  head(): Buffer {
    return this.#whole ?? Buffer.concat(this.#head);
  }

  /** Takes a piece; a promise asks to wait. Rejects when the body store fails. */
  write(piece: Buffer): Promise<void> | undefined {
    this.#sizeOctets += piece.length;
    if (this.#headOctets < HEAD_LIMIT) {
      this.#head.push(piece);
      this.#headOctets += piece.length;
    }
    this.#pieces.push(piece);
    this.#queued += piece.length;
    if (this.#stored === undefined && this.#sizeOctets <= this.#inlineOctets) return undefined;
    this.#stored ??= this.#begin();
    this.#wake?.();
    return this.#queued > QUEUE_OCTETS ? this.#untilRoom(this.#stored) : undefined;
  }

  /** The whole body, in memory or durable in the store. */
  async end(): Promise<BodyReference> {
    if (this.#stored === undefined) {
      this.#whole = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
      return { kind: 'inline', octets: this.#whole };
    }
    this.#ended = true;
    this.#wake?.();
    return { kind: 'stored', key: this.#key, ...(await this.#stored) };
  }

  /** Puts a body that was to travel inline into the store after all (I12). */
  async store(body: BodyReference): Promise<BodyReference> {
    return body.kind === 'stored'
      ? body
      : { kind: 'stored', key: this.#key, ...(await this.#store.put(this.#key, [body.octets])) };
  }

  /** Nothing of it may be kept. What was stored whole already is taken away again: no append was tried (I10). */
  abort(): void {
    this.#aborted = true;
    this.#pieces = [];
    this.#wake?.();
    this.#room?.();
    this.#stored?.then(() => this.#store.delete(this.#key)).catch(() => undefined);
  }

  #begin(): Promise<{ sizeOctets: number; crc32: number }> {
    const stored = this.#store.put(this.#key, this.#drain());
    // Whoever waits for room or for the end hears of a failure; before that nobody listens.
    stored.catch(() => this.#room?.());
    return stored;
  }

  async *#drain(): AsyncIterable<Uint8Array> {
    for (;;) {
      if (this.#aborted) throw new Error('the content was not completed');
      const pieces = this.#pieces;
      this.#pieces = [];
      this.#queued = 0;
      this.#room?.();
      yield* pieces;
      if (this.#pieces.length > 0) continue;
      if (this.#ended) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  async #untilRoom(stored: Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#room = resolve;
    await Promise.race([promise, stored]);
  }
}
