import { lineFaults } from '@mailyard/mail';

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
    if (!this.#afterCr && !(this.#atLineStart && octets[0] === DOT) && lineFaults(octets) === 0) {
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
