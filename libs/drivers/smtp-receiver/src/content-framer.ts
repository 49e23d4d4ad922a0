import { BARE_LINE_END, lineFaults } from '@mailyard/mail';

const END = Buffer.from('\r\n.\r\n');
const STUFFED = Buffer.from('\r\n.');
const EMPTY = Buffer.alloc(0);
const CR = 13;
const LF = 10;
const DOT = 46;

/** What {@link ContentFramer.take} found in a chunk. */
export interface Framed {
  /** Content, stuffed dots taken out; undefined when the chunk gave none yet. */
  readonly piece: Buffer | undefined;
  /** Index in the chunk behind the end of data; -1 while it goes on. */
  readonly end: number;
  /** A bare CR or LF was in the piece. */
  readonly bare: boolean;
}

/**
 * Finds the end of data, CRLF.CRLF and nothing else, in chunks cut anywhere; takes out stuffed dots; tells bare CR and
 * LF. One native search for each of the three a chunk; never a loop by line.
 *
 * What could be the beginning of the end (up to four octets) is held back to the next chunk, so a piece never ends
 * inside a line end, and a line end never begins outside the piece that has the rest of it. A piece may be part of the
 * chunk.
 *
 * @see RFC 5321 §4.1.1.4, §4.5.2
 */
export class ContentFramer {
  #held: Buffer = EMPTY;
  #first = true;

  take(chunk: Buffer): Framed {
    const held = this.#held.length;
    const octets = held === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    if (this.#first && octets[0] === DOT && octets[1] === CR && octets[2] === LF) {
      this.#held = EMPTY;
      return { piece: EMPTY, bare: false, end: 3 - held };
    }
    // The end begins as a stuffed dot does, so that where there is none there is no end either.
    const stuffed = octets.indexOf(STUFFED);
    const stop = stuffed < 0 ? -1 : octets.indexOf(END, stuffed);
    if (stop >= 0) {
      this.#held = EMPTY;
      return { ...this.#unstuff(octets.subarray(0, stop + 2), stuffed), end: stop + END.length - held };
    }
    const keep = heldBack(octets, this.#first);
    // A copy: the chunk is only lent.
    this.#held = keep === 0 ? EMPTY : Buffer.from(octets.subarray(octets.length - keep));
    const text = octets.subarray(0, octets.length - keep);
    return text.length === 0
      ? { piece: undefined, end: -1, bare: false }
      : { ...this.#unstuff(text, stuffed), end: -1 };
  }

  /** @param stuffed where the first stuffed dot, or the end, begins; -1 when there is none */
  #unstuff(text: Buffer, stuffed: number): { piece: Buffer; bare: boolean } {
    const bare = (lineFaults(text) & BARE_LINE_END) !== 0;
    const atStart = this.#first && text[0] === DOT;
    this.#first = false;
    const piece = stuffed >= 0 && stuffed + STUFFED.length <= text.length ? withoutStuffing(text, stuffed) : text;
    return { piece: atStart ? piece.subarray(1) : piece, bare };
  }
}

/** How many octets at the end may be the beginning of the end of data. */
function heldBack(octets: Buffer, first: boolean): number {
  if (first && octets.length < 3 && octets[0] === DOT && (octets.length === 1 || octets[1] === CR))
    return octets.length;
  const longest = Math.min(octets.length, END.length - 1);
  for (let length = longest; length > 0; length--) {
    if (octets.compare(END, 0, length, octets.length - length) === 0) return length;
  }
  return 0;
}

function withoutStuffing(text: Buffer, firstAt: number): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = firstAt; at >= 0; at = text.indexOf(STUFFED, at + STUFFED.length)) {
    parts.push(text.subarray(from, at + 2));
    from = at + 3;
  }
  parts.push(text.subarray(from));
  return Buffer.concat(parts);
}
