/** A line that is not ended by CRLF, or one that begins with a dot: what content rarely has, found in one native search. */
const IRREGULAR = /\r(?!\n)|(?<!\r)\n|\n\./;
/** Octets that become one text: larger ones would lie outside the young generation, and cost a collection of all. */
const TEXT_OCTETS = 16_384;
const CR = 13;
const LF = 10;
const DOT = 46;

/**
 * Makes octets fit to stand between DATA and the final dot: every line ends in CRLF, and a dot at the start of one is
 * doubled (RFC 5321 §4.5.2). Bare CR and bare LF become CRLF before dots are doubled, so that none of them can end the
 * message at a host that takes them for line ends. Chunks that need nothing are passed on as they are, uncopied.
 */
export class ContentEncoder {
  #atLineStart = true;
  /** The last chunk ended in CR; whether it is bare depends on what follows. */
  #afterCr = false;

  encode(chunk: Uint8Array): Uint8Array {
    const { length } = chunk;
    if (length === 0) return chunk;
    const octets = Buffer.from(chunk.buffer, chunk.byteOffset, length);
    const last = octets[length - 1];
    if (!this.#afterCr && last !== CR && !(this.#atLineStart && octets[0] === DOT) && isRegular(octets)) {
      this.#atLineStart = last === LF;
      return octets;
    }
    return this.#rewrite(octets.toString('latin1'));
  }

  /** What is missing before the dot: nothing when the content ended in CRLF. */
  end(): string {
    const missing = this.#atLineStart && !this.#afterCr ? '' : '\r\n';
    this.#afterCr = false;
    this.#atLineStart = true;
    return missing;
  }

  #rewrite(chunk: string): Buffer {
    let text = this.#afterCr ? `\r${chunk}` : chunk;
    this.#afterCr = text.endsWith('\r');
    if (this.#afterCr) text = text.slice(0, -1);
    text = text.replace(/\r\n?|\n/g, '\r\n').replaceAll('\n.', '\n..');
    if (this.#atLineStart && text.startsWith('.')) text = `.${text}`;
    if (text.length > 0) this.#atLineStart = text.endsWith('\n');
    return Buffer.from(text, 'latin1');
  }
}

/** Whether every line ends in CRLF and none begins with a dot; the first line and what comes behind are not judged. */
function isRegular(octets: Buffer): boolean {
  for (let start = 0, end; start < octets.length; start = end) {
    end = endOfLines(octets, start);
    if (start > 0 && octets[start] === DOT) return false;
    if (IRREGULAR.test(octets.toString('latin1', start, end))) return false;
  }
  return true;
}

/** Where about {@link TEXT_OCTETS} from `start` on end behind a line feed; the end of all of it where there is none. */
function endOfLines(octets: Buffer, start: number): number {
  const most = start + TEXT_OCTETS;
  if (most >= octets.length) return octets.length;
  const before = octets.lastIndexOf(LF, most - 1);
  if (before >= start) return before + 1;
  const behind = octets.indexOf(LF, most);
  return behind < 0 ? octets.length : behind + 1;
}
