/** What a packed value is, in one octet before it. */
export const TAG = {
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
export const FIRST_SHAPE = 24;
export const FIRST_NUMBER = 128;
