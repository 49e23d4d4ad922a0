/**
 * Reads protobuf's wire format out of a part of a buffer. Octets that are read are parts of that buffer, not copies.
 * Everything that is not well-formed throws a RangeError.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export class WireReader {
  readonly #octets: Buffer;
  #position: number;
  #end: number;
  #tagAt = 0;

  constructor(octets: Uint8Array) {
    this.#octets = Buffer.isBuffer(octets) ? octets : Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
    this.#position = 0;
    this.#end = octets.length;
  }

  /** The next tag: field number times 8 plus wire type. 0 at the end of the message. */
  tag(): number {
    if (this.#position === this.#end) return 0;
    this.#tagAt = this.#position;
    const tag = this.uint();
    if (tag < 8 || tag > 0xffffffff) throw new RangeError(`tag ${tag} is none`);
    return tag;
  }

  /** An unsigned whole number below 2^53. */
  uint(): number {
    const octets = this.#octets;
    let value = 0;
    let unit = 1;
    for (let position = this.#position; position < this.#end; position++) {
      const octet = octets[position]!;
      value += (octet & 127) * unit;
      if (octet < 128) {
        if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('a number above 53 bits');
        this.#position = position + 1;
        return value;
      }
      unit *= 128;
      if (unit > 2 ** 63) throw new RangeError('a number above 64 bits');
    }
    throw new RangeError('a number is cut off');
  }

  uint32(): number {
    const value = this.uint();
    if (value > 0xffffffff) throw new RangeError('a number above 32 bits');
    return value;
  }

  sint(): number {
    const value = this.uint32();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  bool(): boolean {
    return this.uint() !== 0;
  }

  fixed32(): number {
    const start = this.#take(4);
    return this.#octets.readUInt32LE(start);
  }

  text(): string {
    const length = this.uint();
    const start = this.#take(length);
    return this.#octets.toString('utf8', start, this.#position);
  }

  bytes(): Uint8Array {
    const length = this.uint();
    const start = this.#take(length);
    return this.#octets.subarray(start, this.#position);
  }

  /** Packed numbers of 32 bits. */
  uints(into: number[]): void {
    const outer = this.enter();
    while (this.#position < this.#end) into.push(this.uint32());
    this.leave(outer);
  }

  /** Goes into a nested message; {@link tag} then ends where it does. @returns what {@link leave} wants to know */
  enter(): number {
    const length = this.uint();
    const outer = this.#end;
    if (length > outer - this.#position) throw new RangeError('a message is cut off');
    this.#end = this.#position + length;
    return outer;
  }

  leave(outer: number): void {
    this.#end = outer;
  }

  /**
   * Passes over a field that is not known.
   *
   * @param before unknown fields passed over earlier in the same message
   * @returns those and this one, in wire form
   */
  unknown(tag: number, before: Uint8Array | undefined): Uint8Array {
    const start = this.#tagAt;
    switch (tag & 7) {
      case 0:
        this.#passVarint();
        break;
      case 1:
        this.#take(8);
        break;
      case 2:
        this.#take(this.uint());
        break;
      case 5:
        this.#take(4);
        break;
      default:
        throw new RangeError(`field ${tag >>> 3} has wire type ${tag & 7}`);
    }
    return this.#since(start, before);
  }

  /** The field whose value has just been read, kept like one that is not known. */
  kept(before: Uint8Array | undefined): Uint8Array {
    return this.#since(this.#tagAt, before);
  }

  #since(start: number, before: Uint8Array | undefined): Uint8Array {
    const field = this.#octets.subarray(start, this.#position);
    // A copy: what is kept must not hold on to the buffer that it was read from.
    const all = new Uint8Array((before?.length ?? 0) + field.length);
    if (before !== undefined) all.set(before);
    all.set(field, all.length - field.length);
    return all;
  }

  #passVarint(): void {
    const last = this.#position + 10;
    while (this.#position < this.#end && this.#position < last) {
      if (this.#octets[this.#position++]! < 128) return;
    }
    throw new RangeError('a number is cut off');
  }

  #take(count: number): number {
    const start = this.#position;
    if (count > this.#end - start) throw new RangeError('a value is cut off');
    this.#position = start + count;
    return start;
  }
}
