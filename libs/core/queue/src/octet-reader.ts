/** A place in octets that an {@link OctetWriter} wrote, which moves on as they are read. */
export class OctetReader {
  octets: Uint8Array = new Uint8Array();
  at = 0;

  next(): number {
    return this.octets[this.at++]!;
  }

  /** So many octets as they lie there. */
  take(length: number): Uint8Array {
    this.at += length;
    return this.octets.subarray(this.at - length, this.at);
  }

  whole(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const octet = this.octets[this.at++]!;
      if (octet < 128) return value + octet * factor;
      value += (octet - 128) * factor;
    }
  }

  /** The whole number that ends at this place, which moves back to where it begins. */
  wholeBefore(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const octet = this.octets[--this.at]!;
      if (octet < 128) return value + octet * factor;
      value += (octet - 128) * factor;
    }
  }
}
