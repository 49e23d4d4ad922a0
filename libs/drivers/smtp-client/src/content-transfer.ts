import type { Transaction } from '@mailyard/delivery-rules';
import { ContentEncoder } from './content-encoder.ts';
import type { Timeouts } from './options.ts';
import type { Wire } from './wire.ts';

/** Content is handed over in pieces of this size, each with its deadline. */
const PIECE_OCTETS = 262_144;
/** What ends the content, behind a CRLF. */
export const DOT = '.\r\n';

export type Octets = readonly Uint8Array[] | AsyncIterable<Uint8Array>;

/**
 * The content of one transaction on its way: in memory or as a stream, with its dot at the end. The dot shares the
 * last write when no proof is asked for; else it is a write of its own, after the kernel took all before it (I4).
 */
export class ContentTransfer {
  readonly #wire: Wire;
  readonly #timeouts: Timeouts;
  readonly #transaction: Transaction;

  constructor(wire: Wire, timeouts: Timeouts, transaction: Transaction) {
    this.#wire = wire;
    this.#timeouts = timeouts;
    this.#transaction = transaction;
  }

  /** Opens the content, which takes time where it is a stream; rejects when it is not to be had. */
  open(): Octets | Promise<Octets> {
    const { octets } = this.#transaction.content;
    if (typeof octets === 'function') return octets();
    return octets instanceof Uint8Array ? [octets] : octets;
  }

  /** Sends content and dot; returns why the dot was not sent. */
  async send(octets: Octets): Promise<string | undefined> {
    const wire = this.#wire;
    const { mayEnd, content } = this.#transaction;
    let fault = this.#silence();
    if (fault !== undefined) return fault;
    if (isSmall(octets, content.sizeOctets)) {
      const encoder = new ContentEncoder();
      const pieces = octets.map((chunk) => encoder.encode(chunk));
      pieces.push(Buffer.from(mayEnd === undefined ? `${encoder.end()}${DOT}` : encoder.end()));
      wire.writeTogether(pieces);
      if (mayEnd === undefined) return undefined;
      fault = await this.#flush();
    } else fault = await this.#stream(octets);
    fault ??= await this.#withhold();
    if (fault === undefined) wire.write(DOT);
    return fault;
  }

  /** Asks for the proof that a dot needs, if it needs one. */
  async mayEnd(): Promise<boolean> {
    const { mayEnd } = this.#transaction;
    if (mayEnd === undefined) return true;
    try {
      return await mayEnd();
    } catch {
      return false;
    }
  }

  /** Hands all content to the kernel, piece by piece; returns what went wrong. */
  async #stream(octets: Octets): Promise<string | undefined> {
    const wire = this.#wire;
    const encoder = new ContentEncoder();
    const until = performance.now() + this.#timeouts.content;
    let sizeOctets = 0;
    try {
      for await (const chunk of octets) {
        sizeOctets += chunk.length;
        for (let start = 0; start < chunk.length; start += PIECE_OCTETS) {
          wire.write(encoder.encode(chunk.subarray(start, start + PIECE_OCTETS)));
          // The chunk is only lent, so the kernel must have it before the next is asked for.
          const fault = (wire.backlogOctets === 0 ? undefined : await this.#flush()) ?? this.#silence();
          if (fault !== undefined) return fault;
          if (performance.now() > until) return 'timed out sending content';
        }
      }
    } catch (error) {
      return `the content cannot be read: ${(error as Error).message}`;
    }
    const expected = this.#transaction.content.sizeOctets;
    if (sizeOctets !== expected) return `the content has ${sizeOctets} octets where ${expected} were announced`;
    wire.write(encoder.end());
    return this.#flush();
  }

  async #flush(): Promise<string | undefined> {
    const wire = this.#wire;
    return (await wire.flushed(this.#timeouts.dataBlock)) ? undefined : (wire.ended ?? 'not sent');
  }

  /** Until the dot the host has nothing to say; an answer before it would be taken for the answer to it. */
  #silence(): string | undefined {
    return this.#wire.ended ?? (this.#wire.hasUnread ? 'the host answered before the final dot' : undefined);
  }

  /** Returns why the dot must not be sent, asked when nothing but the dot is left to send. */
  async #withhold(): Promise<string | undefined> {
    const allowed = await this.mayEnd();
    return this.#silence() ?? (allowed ? undefined : 'the final dot was not allowed');
  }
}

/** Whether the content is in memory, whole, and may be written at once. */
function isSmall(octets: Octets, sizeOctets: number): octets is readonly Uint8Array[] {
  if (!Array.isArray(octets) || sizeOctets > PIECE_OCTETS) return false;
  let sum = 0;
  for (const chunk of octets as readonly Uint8Array[]) sum += chunk.length;
  return sum === sizeOctets;
}
