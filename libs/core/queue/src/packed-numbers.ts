/** Numbers in the fewest octets: instants as distances to that of the id, the place in the log once. */
import type { OctetReader } from './octet-reader.ts';
import type { OctetWriter } from './octet-writer.ts';
import { FIRST_NUMBER, TAG } from './packed-tags.ts';

/** Differences above take no less than the instants themselves. */
const FAR_MS = 2 ** 35;

export class PackedNumbers {
  readonly #float = new Float64Array(1);
  readonly #floatOctets = new Uint8Array(this.#float.buffer);
  /** The instant in the id of this value, and its first whole number; 0 before there is one. */
  instant = 0;
  #whole = 0;

  /** Another value begins. */
  begin(): void {
    this.instant = 0;
    this.#whole = 0;
  }

  write(out: OctetWriter, value: number): void {
    if (Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) {
      if (value < 256 - FIRST_NUMBER) out.put(FIRST_NUMBER + value);
      else this.#writeWhole(out, value);
      return;
    }
    out.put(TAG.float);
    this.#float[0] = value;
    out.putAll(this.#floatOctets);
  }

  #writeWhole(out: OctetWriter, value: number): void {
    const distance = Math.abs(value - this.instant);
    if (value === this.#whole) {
      out.put(TAG.again);
    } else if (this.instant > 0 && distance < FAR_MS) {
      out.put(value < this.instant ? TAG.earlier : TAG.later);
      out.putWhole(distance);
    } else {
      this.#whole ||= value;
      out.put(TAG.whole);
      out.putWhole(value);
    }
  }

  /** The number behind a tag; undefined when the tag is not one of a number. */
  read(from: OctetReader, tag: number): number | undefined {
    switch (tag) {
      case TAG.whole: {
        const whole = from.whole();
        this.#whole ||= whole;
        return whole;
      }
      case TAG.again:
        return this.#whole;
      case TAG.later:
        return this.instant + from.whole();
      case TAG.earlier:
        return this.instant - from.whole();
      case TAG.float:
        this.#floatOctets.set(from.take(8));
        return this.#float[0];
      default:
        return undefined;
    }
  }
}
