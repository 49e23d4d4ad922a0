import { relaxBlanks } from './blank-runs.ts';

export type BodyCanonicalization = 'simple' | 'relaxed';

const CR = 13;
const LF = 10;
/** Empty lines, to be given out again where they were not the last. */
const EMPTY_LINES = new Uint8Array(8192).map((_, place) => (place % 2 === 0 ? CR : LF));

/**
 * Brings a body into the form that is hashed (RFC 6376 §3.4.3, §3.4.4), piece by piece: empty lines at the end are taken
 * away, the last line is ended, and, relaxed, runs of blanks become one space and those at line ends go.
 *
 * The body's lines end in CRLF; memory is bounded whatever it holds.
 */
export class BodyCanonicalizer {
  readonly #isRelaxed: boolean;
  readonly #emit: (octets: Uint8Array) => void;
  /** Octets of line ends that came last and were not given out. */
  #held = 0;
  #isEmpty = true;
  #isBlank = false;

  /** @param emit takes the octets of the form; they are only lent */
  constructor(kind: BodyCanonicalization, emit: (octets: Uint8Array) => void) {
    this.#isRelaxed = kind === 'relaxed';
    this.#emit = emit;
  }

  /** @param piece the next octets; they are only lent */
  write(piece: Uint8Array): void {
    if (this.#isRelaxed) this.#isBlank = relaxBlanks(piece, this.#isBlank, (octets) => this.#holdLineEnds(octets));
    else this.#holdLineEnds(piece);
  }

  /** The body is whole. An empty one is a line end in the simple form, and nothing in the relaxed one. */
  end(): void {
    if (!this.#isEmpty || !this.#isRelaxed) this.#emit(EMPTY_LINES.subarray(0, 2));
  }

  #holdLineEnds(octets: Uint8Array): void {
    let end = octets.length;
    while (end > 0 && (octets[end - 1] === LF || octets[end - 1] === CR)) end--;
    if (end > 0) {
      this.#isEmpty = false;
      for (; this.#held > 0; this.#held -= Math.min(this.#held, EMPTY_LINES.length))
        this.#emit(EMPTY_LINES.subarray(0, this.#held));
      this.#emit(end === octets.length ? octets : octets.subarray(0, end));
    }
    this.#held += octets.length - end;
  }
}
