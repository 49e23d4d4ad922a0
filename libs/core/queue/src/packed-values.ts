/**
 * Plain values as few octets: what the table of messages keeps of those that wait (design: 300 octets a recipient).
 *
 * Objects are written as the number of their list of keys and their values, texts that many messages share as their
 * number in a dictionary. Neither leaves this process, so the form has no version. Values are null, undefined,
 * booleans, numbers, texts, octets, arrays and plain objects of these.
 */

import { createdAtOf, isMessageId } from './message-id.ts';
import { ID_OCTETS, isId, readId, writeId } from './packed-id.ts';
import type { MessageId } from './records.ts';
import { KeyLists } from './key-lists.ts';
import { isNarrow, narrowOctets, readNarrow, writeNarrow } from './narrow-text.ts';
import { SharedTexts } from './shared-texts.ts';

const TAG = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  whole: 4,
  float: 5,
  latin1: 6,
  utf16: 7,
  octets: 8,
  array: 9,
  shared: 10,
  traceparent: 11,
  object: 12,
  narrow: 13,
  atShared: 14,
  id: 15,
  /** Milliseconds after, and before, the instant in the id. */
  later: 16,
  earlier: 17,
  /** The first whole number again that took more than its tag. */
  again: 18,
  noValues: 19,
  noOctets: 20,
} as const;
/** From here on the tag is the number of a key list, up to where it is a small number. */
const FIRST_SHAPE = 24;
const FIRST_NUMBER = 128;

/** Texts under these keys recur in many messages. */
const SHARED_KEYS: ReadonlySet<string> = new Set([
  'kind',
  'listener',
  'policy',
  'clientAddress',
  'helo',
  'user',
  'reversePath',
  'host',
  'lastHost',
  'incarnation',
  'gateway',
]);
/** Texts under this key end in an `@` and a text that recurs. */
const SHARED_AFTER_AT = 'headerMessageId';
/** A text under this key mostly has the form of a message id; the instants that follow are written as distances to its. */
const ID_KEY = 'id';
/** Differences above take no less than the instants themselves. */
const FAR_MS = 2 ** 35;
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const HEX_PAIRS = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'));
const TRACEPARENT_DIGITS = [
  [0, 2],
  [3, 35],
  [36, 52],
  [53, 55],
] as const;

export class PackedValues {
  readonly #shapes = new KeyLists();
  readonly #texts = new SharedTexts();
  readonly #float = new Float64Array(1);
  readonly #floatOctets = new Uint8Array(this.#float.buffer);
  #octets = new Uint8Array(1_024);
  #length = 0;
  #at = 0;
  /** The instant in the id of this value, and its first whole number; 0 before there is one. */
  #instant = 0;
  #whole = 0;

  /** The packed form; valid until the next call. */
  pack(value: unknown): Uint8Array {
    this.#length = 0;
    this.#begin();
    this.#write(value, '');
    return this.#octets.subarray(0, this.#length);
  }

  unpack(octets: Uint8Array): unknown {
    this.#at = 0;
    this.#begin();
    return this.#read(octets);
  }

  /** The first so many values of a packed object that has few kinds of keys, without reading the others. */
  unpackFirst(octets: Uint8Array, count: number): unknown[] {
    this.#at = 1;
    this.#begin();
    const values: unknown[] = [];
    if (octets[0]! >= FIRST_NUMBER || octets[0]! < FIRST_SHAPE) {
      if (octets[0] !== TAG.object) throw new TypeError('no object is packed here');
      this.#readLength(octets);
    }
    for (let i = 0; i < count; i++) values.push(this.#read(octets));
    return values;
  }

  #begin(): void {
    this.#instant = 0;
    this.#whole = 0;
  }

  // ---- writing

  #write(value: unknown, key: string): void {
    if (typeof value === 'number') this.#writeNumber(value);
    else if (typeof value === 'string') this.#writeText(value, key);
    else if (value === undefined) this.#put(TAG.undefined);
    else if (value === null) this.#put(TAG.null);
    else if (typeof value === 'boolean') this.#put(value ? TAG.true : TAG.false);
    else if (value instanceof Uint8Array) this.#writeOctets(value);
    else if (Array.isArray(value)) this.#writeArray(value);
    else if (typeof value === 'object') this.#writeObject(value as Readonly<Record<string, unknown>>);
    else throw new TypeError(`a ${typeof value} cannot be packed`);
  }

  #writeNumber(value: number): void {
    if (Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) {
      if (value < 256 - FIRST_NUMBER) this.#put(FIRST_NUMBER + value);
      else this.#writeWhole(value);
      return;
    }
    this.#put(TAG.float);
    this.#float[0] = value;
    this.#putAll(this.#floatOctets);
  }

  #writeWhole(value: number): void {
    const distance = Math.abs(value - this.#instant);
    if (value === this.#whole) {
      this.#put(TAG.again);
    } else if (this.#instant > 0 && distance < FAR_MS) {
      this.#put(value < this.#instant ? TAG.earlier : TAG.later);
      this.#putLength(distance);
    } else {
      this.#whole ||= value;
      this.#put(TAG.whole);
      this.#putLength(value);
    }
  }

  #writeText(value: string, key: string): void {
    if (key === ID_KEY && isMessageId(value)) return this.#writeId(value);
    if (SHARED_KEYS.has(key) && this.#writeShared(value)) return;
    if (key === SHARED_AFTER_AT && this.#writeBeforeShared(value)) return;
    if (value.length === 55 && TRACEPARENT.test(value)) return this.#writeTraceparent(value);
    const { length } = value;
    this.#reserve(length * 2 + 10);
    const start = this.#length;
    this.#put(TAG.narrow);
    this.#putLength(length);
    if (writeNarrow(value, this.#octets, this.#length)) {
      this.#length += narrowOctets(length);
      return;
    }
    this.#length = start;
    this.#put(TAG.latin1);
    this.#putLength(length);
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 255) {
        this.#length = start;
        this.#writeUtf16(value);
        return;
      }
      this.#octets[this.#length++] = code;
    }
  }

  #writeId(value: MessageId): void {
    this.#reserve(1 + ID_OCTETS);
    this.#octets[this.#length++] = TAG.id;
    writeId(value, this.#octets, this.#length);
    this.#length += ID_OCTETS;
    this.#instant = createdAtOf(value);
  }

  #writeUtf16(value: string): void {
    this.#put(TAG.utf16);
    this.#putLength(value.length);
    this.#reserve(value.length * 2);
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      this.#octets[this.#length++] = code & 255;
      this.#octets[this.#length++] = code >> 8;
    }
  }

  #writeShared(value: string): boolean {
    const number = this.#texts.numberOf(value);
    if (number === undefined) return false;
    this.#put(TAG.shared);
    this.#putLength(number);
    return true;
  }

  #writeBeforeShared(value: string): boolean {
    const at = value.lastIndexOf('@');
    const number = at < 0 ? undefined : this.#texts.numberOf(value.slice(at));
    if (number === undefined) return false;
    this.#put(TAG.atShared);
    this.#putLength(number);
    this.#writeText(value.slice(0, at), '');
    return true;
  }

  #writeTraceparent(value: string): void {
    this.#put(TAG.traceparent);
    for (const [from, to] of TRACEPARENT_DIGITS)
      for (let i = from; i < to; i += 2) this.#put(digitAt(value, i) * 16 + digitAt(value, i + 1));
  }

  #writeOctets(value: Uint8Array): void {
    if (value.length === 0) return this.#put(TAG.noOctets);
    this.#put(TAG.octets);
    this.#putLength(value.length);
    this.#putAll(value);
  }

  #writeArray(values: readonly unknown[]): void {
    if (values.length === 0) return this.#put(TAG.noValues);
    this.#put(TAG.array);
    this.#putLength(values.length);
    for (const value of values) this.#write(value, '');
  }

  #writeObject(value: Readonly<Record<string, unknown>>): void {
    const keys = Object.keys(value);
    const number = this.#shapes.numberOf(keys);
    if (number < FIRST_NUMBER - FIRST_SHAPE) {
      this.#put(FIRST_SHAPE + number);
    } else {
      this.#put(TAG.object);
      this.#putLength(number);
    }
    for (const key of keys) this.#write(value[key], key);
  }

  #put(octet: number): void {
    this.#reserve(1);
    this.#octets[this.#length++] = octet;
  }

  #putAll(octets: Uint8Array): void {
    this.#reserve(octets.length);
    this.#octets.set(octets, this.#length);
    this.#length += octets.length;
  }

  /** Seven bits an octet, lowest first; up to 2^53. */
  #putLength(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 128) {
      this.#octets[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#octets[this.#length++] = rest;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#octets.length) return;
    const larger = new Uint8Array(Math.max(this.#octets.length * 2, this.#length + more));
    larger.set(this.#octets.subarray(0, this.#length));
    this.#octets = larger;
  }

  // ---- reading

  #read(octets: Uint8Array): unknown {
    const tag = octets[this.#at++]!;
    if (tag >= FIRST_NUMBER) return tag - FIRST_NUMBER;
    if (tag >= FIRST_SHAPE) return this.#readObject(octets, tag - FIRST_SHAPE);
    switch (tag) {
      case TAG.undefined:
        return undefined;
      case TAG.null:
        return null;
      case TAG.false:
        return false;
      case TAG.true:
        return true;
      case TAG.whole: {
        const whole = this.#readLength(octets);
        this.#whole ||= whole;
        return whole;
      }
      case TAG.again:
        return this.#whole;
      case TAG.later:
        return this.#instant + this.#readLength(octets);
      case TAG.earlier:
        return this.#instant - this.#readLength(octets);
      case TAG.id: {
        const id = readId(octets, this.#at);
        this.#at += ID_OCTETS;
        this.#instant = createdAtOf(id);
        return id;
      }
      case TAG.noValues:
        return [];
      case TAG.noOctets:
        return new Uint8Array();
      case TAG.float:
        this.#floatOctets.set(octets.subarray(this.#at, this.#at + 8));
        this.#at += 8;
        return this.#float[0];
      case TAG.latin1:
        return this.#readLatin1(octets);
      case TAG.narrow:
        return this.#readNarrow(octets);
      case TAG.utf16:
        return this.#readUtf16(octets);
      case TAG.octets:
        return this.#take(octets, this.#readLength(octets)).slice();
      case TAG.array:
        return this.#readArray(octets);
      case TAG.shared:
        return this.#texts.at(this.#readLength(octets));
      case TAG.traceparent:
        return this.#readTraceparent(octets);
      case TAG.atShared: {
        const end = this.#texts.at(this.#readLength(octets));
        return `${this.#read(octets) as string}${end}`;
      }
      default:
        return this.#readObject(octets, this.#readLength(octets));
    }
  }

  #readArray(octets: Uint8Array): unknown[] {
    const length = this.#readLength(octets);
    const values: unknown[] = [];
    for (let i = 0; i < length; i++) values.push(this.#read(octets));
    return values;
  }

  #readObject(octets: Uint8Array, shape: number): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    for (const key of this.#shapes.at(shape)) value[key] = this.#read(octets);
    return value;
  }

  #readLatin1(octets: Uint8Array): string {
    const length = this.#readLength(octets);
    this.#at += length;
    return latin1(octets, this.#at - length, this.#at);
  }

  #readNarrow(octets: Uint8Array): string {
    const length = this.#readLength(octets);
    const from = this.#at;
    this.#at += narrowOctets(length);
    return readNarrow(octets, from, length);
  }

  #readUtf16(octets: Uint8Array): string {
    const taken = this.#take(octets, this.#readLength(octets) * 2);
    let text = '';
    for (let i = 0; i < taken.length; i += 2) text += String.fromCharCode(taken[i]! | (taken[i + 1]! << 8));
    return text;
  }

  #readTraceparent(octets: Uint8Array): string {
    let hex = '';
    const end = (this.#at += 26);
    for (let at = end - 26; at < end; at++) hex += HEX_PAIRS[octets[at]!]!;
    return `${hex.slice(0, 2)}-${hex.slice(2, 34)}-${hex.slice(34, 50)}-${hex.slice(50)}`;
  }

  #take(octets: Uint8Array, length: number): Uint8Array {
    this.#at += length;
    return octets.subarray(this.#at - length, this.#at);
  }

  #readLength(octets: Uint8Array): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const octet = octets[this.#at++]!;
      if (octet < 128) return value + octet * factor;
      value += (octet - 128) * factor;
    }
  }
}

/**
 * Tells whether the first value of a packed object is this text, without unpacking it; undefined where only unpacking
 * tells. The object is one of the first hundred shapes.
 */
export function isFirstText(text: string, octets: Uint8Array): boolean | undefined {
  const { length } = text;
  if (length >= FIRST_NUMBER) return undefined;
  if (octets[1] === TAG.id) return isId(text, octets, 2);
  if (octets[1] === TAG.narrow) return octets[2] === length && isNarrow(text, octets, 3);
  if (octets[1] !== TAG.latin1) return undefined;
  if (octets[2] !== length) return false;
  for (let i = 0; i < length; i++) if (octets[3 + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** The value of a lower-case hexadecimal digit. */
function digitAt(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code < 97 ? code - 48 : code - 87;
}

/** Eight at a time: several times faster than spreading the octets over the call, or than one by one. */
function latin1(octets: Uint8Array, from: number, to: number): string {
  let text = '';
  let at = from;
  for (; at + 8 <= to; at += 8)
    text += String.fromCharCode(
      octets[at]!,
      octets[at + 1]!,
      octets[at + 2]!,
      octets[at + 3]!,
      octets[at + 4]!,
      octets[at + 5]!,
      octets[at + 6]!,
      octets[at + 7]!,
    );
  for (; at < to; at++) text += String.fromCharCode(octets[at]!);
  return text;
}
