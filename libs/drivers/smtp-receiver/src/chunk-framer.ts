import { BARE_LINE_END, lineFaults } from '@mailyard/mail';

const CR = 13;
const CRLF = Buffer.from('\r\n');
const EMPTY = Buffer.alloc(0);

/**
 * Watches content that comes by BDAT, where nothing is stuffed and the length is known, for bare CR and LF: BINARYMIME is
 * not offered, so it is lines, and a next hop that gets it by DATA must not see another end in it.
 *
 * @see RFC 3030 §3
 */
export class ChunkFramer {
  #heldCr = false;
  #endsLine = true;

  /** The piece to keep, and whether a bare line end was in it. A CR at its end is held back until more comes. */
  take(octets: Buffer): { readonly piece: Buffer; readonly bare: boolean } {
    if (octets.length === 0) return { piece: EMPTY, bare: false };
    const whole = this.#heldCr ? Buffer.concat([CRLF.subarray(0, 1), octets]) : octets;
    this.#heldCr = whole.at(-1) === CR;
    const piece = this.#heldCr ? whole.subarray(0, -1) : whole;
    if (piece.length > 0) this.#endsLine = piece.at(-1) === CRLF[1];
    return { piece, bare: (lineFaults(piece) & BARE_LINE_END) !== 0 };
  }

  /** What ends the last line where the client left that out; `bare` when a CR was left over. */
  finish(): { readonly piece: Buffer; readonly bare: boolean } {
    return { piece: this.#endsLine ? EMPTY : CRLF, bare: this.#heldCr };
  }
}
