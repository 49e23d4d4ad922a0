const LINE_DOT = Buffer.from('\r\n.');
const DOT = Buffer.from('.');

/**
 * Puts a dot in front of every line that begins with one, in pieces that never end inside a line end.
 *
 * @see RFC 5321 §4.5.2
 */
export class DotStuffer {
  #atLineStart = true;

  stuff(piece: Buffer): Buffer {
    if (piece.length === 0) return piece;
    const parts: Buffer[] = [];
    if (this.#atLineStart && piece[0] === DOT[0]) parts.push(DOT);
    let from = 0;
    for (let at = piece.indexOf(LINE_DOT); at >= 0; at = piece.indexOf(LINE_DOT, at + LINE_DOT.length)) {
      parts.push(piece.subarray(from, at + LINE_DOT.length), DOT);
      from = at + LINE_DOT.length;
    }
    this.#atLineStart = piece.at(-1) === 10;
    return parts.length === 0 ? piece : Buffer.concat([...parts, piece.subarray(from)]);
  }

  /** What ends the content: its last line, if that was not ended, and the dot. */
  end(): string {
    return this.#atLineStart ? '.\r\n' : '\r\n.\r\n';
  }
}
