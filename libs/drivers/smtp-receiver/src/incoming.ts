import type { Reply } from '@mailyard/mail';
import type { ChunkFramer } from './chunk-framer.ts';
import type { ContentFramer } from './content-framer.ts';
import type { ContentSink } from './handler.ts';
import { REPLIES } from './replies.ts';

/** A message may take this long, and a second more for each KiB that came: slower is no sender but a siege. */
const MESSAGE_MS = 600_000;
const MS_PER_OCTET = 1000 / 1024;

/** The content of one message while it comes in. Once it is refused the rest is read and forgotten (RFC 5321 §4.5.3.1.10). */
export class Incoming {
  /** Finds the dot, or watches chunks. */
  readonly framer: ContentFramer | ChunkFramer;
  readonly #sink: ContentSink;
  readonly #mostOctets: number;
  readonly #startedAt: number;
  #octets = 0;
  #refusal: Reply | undefined;

  /** @param mostOctets beyond which it is refused */
  constructor(sink: ContentSink, framer: ContentFramer | ChunkFramer, mostOctets: number) {
    this.framer = framer;
    this.#sink = sink;
    this.#mostOctets = mostOctets;
    this.#startedAt = performance.now();
  }

  /** What the client is told at its end, where it was refused. */
  get refusal(): Reply | undefined {
    return this.#refusal;
  }

  /** The instant by which it must be whole, as far as it came. */
  get deadline(): number {
    return this.#startedAt + MESSAGE_MS + this.#octets * MS_PER_OCTET;
  }

  /** Hands a piece on, unless content was or must now be refused. */
  write(piece: Buffer): Promise<void> | undefined {
    if (this.#refusal !== undefined) return undefined;
    this.#octets += piece.length;
    if (this.#octets <= this.#mostOctets) return this.#sink.write(piece) ?? undefined;
    this.#refusal = REPLIES.tooLarge;
    this.#sink.abort();
    return undefined;
  }

  /** It is whole: what the client reads. */
  end(): Reply | Promise<Reply> {
    return this.#refusal ?? this.#sink.end();
  }

  /** Nothing of it is kept. */
  drop(): void {
    if (this.#refusal === undefined) this.#sink.abort();
  }
}
