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
import { isNarrow } from './narrow-text.ts';
import { OctetReader } from './octet-reader.ts';
import { OctetWriter } from './octet-writer.ts';
import { PackedNumbers } from './packed-numbers.ts';
import { FIRST_NUMBER, FIRST_SHAPE, TAG } from './packed-tags.ts';
import { PackedTexts } from './packed-texts.ts';

/** A text under this key mostly has the form of a message id; the instants that follow are written as distances to its. */
const ID_KEY = 'id';

export class PackedValues {
  readonly #shapes = new KeyLists();
  readonly #texts = new PackedTexts();
  readonly #numbers = new PackedNumbers();
  readonly #out = new OctetWriter();
  readonly #in = new OctetReader();

  /** The packed form; valid until the next call. */
  pack(value: unknown): Uint8Array {
    this.#out.length = 0;
    this.#numbers.begin();
    this.#write(value, '');
    return this.#out.written;
  }

  unpack(octets: Uint8Array): unknown {
    this.#begin(octets);
    return this.#read();
  }

  /** The first so many values of a packed object that has few kinds of keys, without reading the others. */
  unpackFirst(octets: Uint8Array, count: number): unknown[] {
    this.#begin(octets);
    const values: unknown[] = [];
    const tag = this.#in.next();
    if (tag >= FIRST_NUMBER || tag < FIRST_SHAPE) {
      if (tag !== TAG.object) throw new TypeError('no object is packed here');
      this.#in.whole();
    }
    for (let i = 0; i < count; i++) values.push(this.#read());
    return values;
  }

  #begin(octets: Uint8Array): void {
    this.#in.octets = octets;
    this.#in.at = 0;
    this.#numbers.begin();
  }

  // ---- writing

  #write(value: unknown, key: string): void {
    if (typeof value === 'number') this.#numbers.write(this.#out, value);
    else if (typeof value === 'string') this.#writeText(value, key);
    else if (value === undefined) this.#out.put(TAG.undefined);
    else if (value === null) this.#out.put(TAG.null);
    else if (typeof value === 'boolean') this.#out.put(value ? TAG.true : TAG.false);
    else if (value instanceof Uint8Array) this.#writeOctets(value);
    else if (Array.isArray(value)) this.#writeArray(value);
    else if (typeof value === 'object') this.#writeObject(value as Readonly<Record<string, unknown>>);
    else throw new TypeError(`a ${typeof value} cannot be packed`);
  }

  #writeText(value: string, key: string): void {
    if (key === ID_KEY && isMessageId(value)) this.#writeId(value);
    else this.#texts.write(this.#out, value, key);
  }

  #writeId(value: MessageId): void {
    const out = this.#out;
    out.put(TAG.id);
    out.reserve(ID_OCTETS);
    writeId(value, out.octets, out.length);
    out.length += ID_OCTETS;
    this.#numbers.instant = createdAtOf(value);
  }

  #writeOctets(value: Uint8Array): void {
    if (value.length === 0) return this.#out.put(TAG.noOctets);
    this.#out.put(TAG.octets);
    this.#out.putWhole(value.length);
    this.#out.putAll(value);
  }

  #writeArray(values: readonly unknown[]): void {
    if (values.length === 0) return this.#out.put(TAG.noValues);
    this.#out.put(TAG.array);
    this.#out.putWhole(values.length);
    for (const value of values) this.#write(value, '');
  }

  #writeObject(value: Readonly<Record<string, unknown>>): void {
    const keys = Object.keys(value);
    const number = this.#shapes.numberOf(keys);
    if (number < FIRST_NUMBER - FIRST_SHAPE) {
      this.#out.put(FIRST_SHAPE + number);
    } else {
      this.#out.put(TAG.object);
      this.#out.putWhole(number);
    }
    for (const key of keys) this.#write(value[key], key);
  }

  // ---- reading

  #read(): unknown {
    const tag = this.#in.next();
    if (tag >= FIRST_NUMBER) return tag - FIRST_NUMBER;
    if (tag >= FIRST_SHAPE) return this.#readObject(tag - FIRST_SHAPE);
    switch (tag) {
      case TAG.undefined:
        return undefined;
      case TAG.null:
        return null;
      case TAG.false:
        return false;
      case TAG.true:
        return true;
      case TAG.id:
        return this.#readId();
      case TAG.noValues:
        return [];
      case TAG.noOctets:
        return new Uint8Array();
      case TAG.octets:
        return this.#in.take(this.#in.whole()).slice();
      case TAG.array:
        return this.#readArray();
      case TAG.object:
        return this.#readObject(this.#in.whole());
      default:
        return this.#numbers.read(this.#in, tag) ?? this.#texts.read(this.#in, tag);
    }
  }

  #readId(): MessageId {
    const id = readId(this.#in.octets, this.#in.at);
    this.#in.at += ID_OCTETS;
    this.#numbers.instant = createdAtOf(id);
    return id;
  }

  #readArray(): unknown[] {
    const length = this.#in.whole();
    const values: unknown[] = [];
    for (let i = 0; i < length; i++) values.push(this.#read());
    return values;
  }

  #readObject(shape: number): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    for (const key of this.#shapes.at(shape)) value[key] = this.#read();
    return value;
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
