/**
 * Plain values as few octets: what the table of messages keeps of those that wait (design: 300 octets a recipient).
 *
 * What an object has alike with many others, its keys and what kinds of values they have, is its form: it lies in a
 * dictionary, and so do texts that recur. A packed value is what is its own, then the numbers of its forms, which are
 * read from the end: that of the whole first, then of the objects in arrays as they come. None of that leaves this
 * process, so it has no version. Values are null, undefined, booleans, numbers, texts, octets, arrays and plain objects
 * of these.
 */

import { createdAtOf, isMessageId } from './message-id.ts';
import { ID_OCTETS, isId, readId, writeId } from './packed-id.ts';
import type { MessageId } from './records.ts';
import { KeyLists } from './key-lists.ts';
import { isNarrow } from './narrow-text.ts';
import { OctetReader } from './octet-reader.ts';
import { OctetWriter } from './octet-writer.ts';
import { PackedForms } from './packed-forms.ts';
import { PackedNumbers } from './packed-numbers.ts';
import { FIRST_SHAPE, LAST_SHAPE, TAG } from './packed-tags.ts';
import { PackedTexts } from './packed-texts.ts';

/** A text under this key mostly has the form of a message id; the instants that follow are written as distances to its. */
const ID_KEY = 'id';
/** In place of its number: a form that is in no dictionary, and stands before its length. */
const OWN_FORM = 0;

export class PackedValues {
  readonly #shapes = new KeyLists();
  readonly #texts = new PackedTexts();
  readonly #numbers = new PackedNumbers();
  readonly #forms = new PackedForms();
  /** The form of the object that is being written, behind those of the objects that it is in. */
  readonly #form = new OctetWriter();
  readonly #out = new OctetWriter();
  /** The forms of this value in the order in which they are read: their numbers, or what is in no dictionary. */
  #used: (number | Uint8Array)[] = [];
  readonly #formIn = new OctetReader();
  readonly #in = new OctetReader();
  /** Where the numbers of forms stand that are to be read next. */
  readonly #formsIn = new OctetReader();

  /** The packed form; valid until the next call. */
  pack(value: unknown): Uint8Array {
    this.#out.length = 0;
    this.#form.length = 0;
    this.#used = [];
    this.#numbers.begin();
    this.#writeFormed(value);
    for (let i = this.#used.length - 1; i >= 0; i--) this.#writeUsed(this.#used[i]!);
    return this.#out.written;
  }

  unpack(octets: Uint8Array): unknown {
    this.#begin(octets);
    return this.#readFormed();
  }

  /** The first so many values of a packed object, without reading the others. */
  unpackFirst(octets: Uint8Array, count: number): unknown[] {
    this.#begin(octets);
    this.#readForm();
    const tag = this.#formIn.next();
    if (tag === TAG.object) this.#formIn.whole();
    else if (tag < FIRST_SHAPE) throw new TypeError('no object is packed here');
    const values: unknown[] = [];
    for (let i = 0; i < count; i++) values.push(this.#read());
    return values;
  }

  /**
   * Tells whether the first value of a packed object is this text, without unpacking it; undefined where only unpacking
   * tells.
   */
  isFirstText(text: string, octets: Uint8Array): boolean | undefined {
    this.#begin(octets);
    this.#readForm();
    if (this.#formIn.next() < FIRST_SHAPE || text.length >= 128) return undefined;
    const tag = this.#formIn.next();
    if (tag === TAG.id) return isId(text, octets, 0);
    if (tag === TAG.narrow) return octets[0] === text.length && isNarrow(text, octets, 1);
    if (tag !== TAG.latin1) return undefined;
    if (octets[0] !== text.length) return false;
    for (let i = 0; i < text.length; i++) if (octets[1 + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  #begin(octets: Uint8Array): void {
    this.#in.octets = octets;
    this.#in.at = 0;
    this.#formsIn.octets = octets;
    this.#formsIn.at = octets.length;
    this.#numbers.begin();
  }

  // ---- writing

  #writeFormed(value: unknown): void {
    const place = this.#used.push(OWN_FORM) - 1;
    const from = this.#form.length;
    this.#write(value, '');
    const { octets, length } = this.#form;
    const number = this.#forms.numberOf(octets, from, length);
    this.#used[place] = number === undefined ? octets.slice(from, length) : number + 1;
    this.#form.length = from;
  }

  #writeUsed(form: number | Uint8Array): void {
    if (typeof form === 'number') return this.#out.putWholeBefore(form);
    this.#out.putAll(form);
    this.#out.putWholeBefore(form.length);
    this.#out.putWholeBefore(OWN_FORM);
  }

  #write(value: unknown, key: string): void {
    if (typeof value === 'number') this.#numbers.write(this.#form, this.#out, value);
    else if (typeof value === 'string') this.#writeText(value, key);
    else if (value === undefined) this.#form.put(TAG.undefined);
    else if (value === null) this.#form.put(TAG.null);
    else if (typeof value === 'boolean') this.#form.put(value ? TAG.true : TAG.false);
    else if (value instanceof Uint8Array) this.#writeOctets(value);
    else if (Array.isArray(value)) this.#writeArray(value);
    else if (typeof value === 'object') this.#writeObject(value as Readonly<Record<string, unknown>>);
    else throw new TypeError(`a ${typeof value} cannot be packed`);
  }

  #writeText(value: string, key: string): void {
    if (key === ID_KEY && isMessageId(value)) this.#writeId(value);
    else this.#texts.write(this.#form, this.#out, value, key);
  }

  #writeId(value: MessageId): void {
    const out = this.#out;
    this.#form.put(TAG.id);
    out.reserve(ID_OCTETS);
    writeId(value, out.octets, out.length);
    out.length += ID_OCTETS;
    this.#numbers.instant = createdAtOf(value);
  }

  #writeOctets(value: Uint8Array): void {
    if (value.length === 0) return this.#form.put(TAG.noOctets);
    this.#form.put(TAG.octets);
    this.#out.putWhole(value.length);
    this.#out.putAll(value);
  }

  #writeArray(values: readonly unknown[]): void {
    if (values.length === 0 || !values.every(isPlainObject)) {
      this.#form.put(TAG.array);
      this.#form.putWhole(values.length);
      for (const value of values) this.#write(value, '');
      return;
    }
    if (values.length === 1) {
      this.#form.put(TAG.soleObject);
    } else {
      this.#form.put(TAG.objects);
      this.#out.putWhole(values.length);
    }
    for (const value of values) this.#writeFormed(value);
  }

  #writeObject(value: Readonly<Record<string, unknown>>): void {
    const keys = Object.keys(value);
    const number = this.#shapes.numberOf(keys);
    if (number <= LAST_SHAPE - FIRST_SHAPE) {
      this.#form.put(FIRST_SHAPE + number);
    } else {
      this.#form.put(TAG.object);
      this.#form.putWhole(number);
    }
    for (const key of keys) this.#write(value[key], key);
  }

  // ---- reading

  #readFormed(): unknown {
    const { octets, at } = this.#formIn;
    this.#readForm();
    const value = this.#read();
    this.#formIn.octets = octets;
    this.#formIn.at = at;
    return value;
  }

  #readForm(): void {
    const used = this.#formsIn.wholeBefore();
    if (used !== OWN_FORM) {
      this.#formIn.octets = this.#forms.at(used - 1);
      this.#formIn.at = 0;
      return;
    }
    const length = this.#formsIn.wholeBefore();
    this.#formsIn.at -= length;
    this.#formIn.octets = this.#formsIn.octets;
    this.#formIn.at = this.#formsIn.at;
  }

  #read(): unknown {
    const tag = this.#formIn.next();
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
      case TAG.noOctets:
        return new Uint8Array();
      case TAG.octets:
        return this.#in.take(this.#in.whole()).slice();
      case TAG.soleObject:
        return [this.#readFormed()];
      case TAG.objects:
        return this.#readObjects();
      case TAG.array:
        return this.#readArray();
      case TAG.object:
        return this.#readObject(this.#formIn.whole());
      default:
        return this.#numbers.read(this.#in, tag) ?? this.#texts.read(this.#formIn, this.#in, tag);
    }
  }

  #readId(): MessageId {
    const id = readId(this.#in.octets, this.#in.at);
    this.#in.at += ID_OCTETS;
    this.#numbers.instant = createdAtOf(id);
    return id;
  }

  #readObjects(): unknown[] {
    const values: unknown[] = [];
    for (let left = this.#in.whole(); left > 0; left--) values.push(this.#readFormed());
    return values;
  }

  #readArray(): unknown[] {
    const values: unknown[] = [];
    for (let left = this.#formIn.whole(); left > 0; left--) values.push(this.#read());
    return values;
  }

  #readObject(shape: number): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    for (const key of this.#shapes.at(shape)) value[key] = this.#read();
    return value;
  }
}

function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
