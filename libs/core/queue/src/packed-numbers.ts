/** Numbers in the fewest octets: instants as distances to that of the id, the place in the log once. */
import type { OctetReader } from './octet-reader.ts';
import type { OctetWriter } from './octet-writer.ts';
import { TAG } from './packed-tags.ts';

/** Whole numbers below take one octet; one that takes more is not written twice. */
const LARGE = 128;
/** Differences above take no less than the instants themselves. */
const FAR_MS = 2 ** 35;

export class PackedNumbers {
  readonly #float = new Float64Array(1);
  readonly #floatOctets = new Uint8Array(this.#float.buffer);
  /** The instant in the id of this value, and its first large number; 0 before there is one. */
  instant = 0;
  #whole = 0;

  /** Another value begins. */
  begin(): void {
    this.instant = 0;
    this.#whole = 0;
  }

  /** Writes what it is into the form. */
  write(form: OctetWriter, out: OctetWriter, value: number): void {
    if (Object.is(value, 0)) form.put(TAG.zero);
    else if (value === 1) form.put(TAG.one);
    else if (Number.isSafeInteger(value) && value > 0) this.#writeWhole(form, out, value);
    else {
      form.put(TAG.float);
      this.#float[0] = value;
      out.putAll(this.#floatOctets);
    }
  }

  #writeWhole(form: OctetWriter, out: OctetWriter, value: number): void {
    const distance = Math.abs(value - this.instant);
    if (value === this.#whole) {
      form.put(TAG.again);
    } else if (this.instant > 0 && distance < FAR_MS) {
      form.put(value < this.instant ? TAG.earlier : TAG.later);
      out.putWhole(distance);
    } else {
      if (value >= LARGE) this.#whole ||= value;
      form.put(TAG.whole);
      out.putWhole(value);
    }
  }

  /** The number that a tag of the form tells; undefined when the tag is not one of a number. */
  read(from: OctetReader, tag: number): number | undefined {
    switch (tag) {
      case TAG.zero:
        return 0;
      case TAG.one:
        return 1;
      case TAG.whole: {
        const whole = from.whole();
        if (whole >= LARGE) this.#whole ||= whole;
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
