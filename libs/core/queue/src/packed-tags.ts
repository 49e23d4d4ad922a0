/** What a packed value is, in one octet of the form of the object that it is in. */
export const TAG = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  zero: 4,
  one: 5,
  whole: 6,
  float: 7,
  /** The first large whole number again. */
  again: 8,
  id: 9,
  /** Milliseconds after, and before, the instant in the id. */
  later: 10,
  earlier: 11,
  narrow: 12,
  latin1: 13,
  utf16: 14,
  shared: 15,
  atShared: 16,
  traceparent: 17,
  octets: 18,
  noOctets: 19,
  /** Of objects, each with a form of its own, and just one of them. */
  objects: 20,
  soleObject: 21,
  /** Of anything: its length follows in the form, and what its values are. */
  array: 22,
  /** The number of its list of keys follows. */
  object: 23,
} as const;

/** From here on the tag is the number of a list of keys. */
export const FIRST_SHAPE = 24;
export const LAST_SHAPE = 255;
