/** The smallest that a part begins with; it grows to the largest. */
const FIRST_OCTETS = 32_768;

/** Gathers content into parts of one size. The memory is that of one part, again and again. */
export class PartBuffer {
  readonly #partOctets: number;
  #octets = Buffer.allocUnsafe(FIRST_OCTETS);
  #length = 0;

  constructor(partOctets: number) {
    this.#partOctets = partOctets;
  }

  get isFull(): boolean {
    return this.#length === this.#partOctets;
  }

  /** Copies as much as fits. @returns what does not */
  add(piece: Uint8Array): Uint8Array {
    const taken = Math.min(piece.length, this.#partOctets - this.#length);
    const needed = this.#length + taken;
    if (needed > this.#octets.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(this.#partOctets, Math.max(needed, this.#octets.length * 4)));
      this.#octets.copy(larger, 0, 0, this.#length);
      this.#octets = larger;
    }
    this.#octets.set(piece.subarray(0, taken), this.#length);
    this.#length = needed;
    return piece.subarray(taken);
  }

  /** What was gathered. Valid until the next {@link add}. */
  take(): Uint8Array {
    const taken = this.#octets.subarray(0, this.#length);
    this.#length = 0;
    return taken;
  }
}
