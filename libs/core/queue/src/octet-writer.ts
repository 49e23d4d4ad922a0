/** Octets one after another, in a buffer that grows. */
export class OctetWriter {
  octets = new Uint8Array(1_024);
  length = 0;

  /** What was written; valid until more is. */
  get written(): Uint8Array {
    return this.octets.subarray(0, this.length);
  }

  put(octet: number): void {
    this.reserve(1);
    this.octets[this.length++] = octet;
  }

  putAll(octets: Uint8Array): void {
    this.reserve(octets.length);
    this.octets.set(octets, this.length);
    this.length += octets.length;
  }

  /** A whole number, seven bits an octet, lowest first; up to 2^53. */
  putWhole(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest >= 128) {
      this.octets[this.length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.octets[this.length++] = rest;
  }

  /** The same, to be read from behind. */
  putWholeBefore(value: number): void {
    if (value >= 128) this.putWholeBefore(Math.floor(value / 128));
    this.put((value % 128) + (value < 128 ? 0 : 128));
  }

  /** Makes room for so many more. */
  reserve(more: number): void {
    if (this.length + more <= this.octets.length) return;
    const larger = new Uint8Array(Math.max(this.octets.length * 2, this.length + more));
    larger.set(this.octets.subarray(0, this.length));
    this.octets = larger;
  }
}
