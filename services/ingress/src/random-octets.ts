import type { MessageId } from '@mailyard/queue';
import { makeMessageId } from '@mailyard/queue';

const POOL_OCTETS = 4096;

/** Randomness for names, drawn from the clock's source many at a time: one call for a message would cost more than it all. */
export class RandomOctets {
  readonly #draw: (octets: number) => Uint8Array;
  #pool: Buffer = Buffer.alloc(0);
  #used = 0;

  constructor(draw: (octets: number) => Uint8Array) {
    this.#draw = draw;
  }

  messageId(at: number): MessageId {
    return makeMessageId(at, this.#take(10));
  }

  /** A W3C trace context of a new trace, sampled. */
  traceparent(): string {
    const octets = this.#take(24);
    return `00-${octets.toString('hex', 0, 16)}-${octets.toString('hex', 16)}-01`;
  }

  #take(count: number): Buffer {
    if (this.#used + count > this.#pool.length) {
      this.#pool = Buffer.from(this.#draw(POOL_OCTETS));
      this.#used = 0;
    }
    this.#used += count;
    return this.#pool.subarray(this.#used - count, this.#used);
  }
}
