/** A text whose every character stands for one octet (U+0000 to U+00FF): what a latin1 decoder gives. */
export type OctetText = string;

/** Tells whether a text has characters outside US-ASCII. */
export function hasNonAscii(text: string): boolean {
  return NON_ASCII.test(text);
}

const NON_ASCII = /[^\0-\x7f]/;

/** The number of octets of a text in UTF-8; a lone surrogate counts as three, as U+FFFD would. */
export function utf8Length(text: string): number {
  if (!NON_ASCII.test(text)) return text.length;
  let octets = 0;
  for (const character of text) {
    const point = character.codePointAt(0)!;
    octets += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return octets;
}

/** Writes a text in UTF-8, one character an octet. */
export function encodeUtf8(text: string): OctetText {
  if (!NON_ASCII.test(text)) return text;
  let octets = '';
  for (const character of text.toWellFormed()) {
    const point = character.codePointAt(0)!;
    if (point < 0x80) octets += character;
    else if (point < 0x800) octets += String.fromCharCode(0xc0 | (point >> 6), tail(point));
    else if (point < 0x10000) octets += String.fromCharCode(0xe0 | (point >> 12), tail(point >> 6), tail(point));
    else octets += String.fromCharCode(0xf0 | (point >> 18), tail(point >> 12), tail(point >> 6), tail(point));
  }
  return octets;
}

function tail(bits: number): number {
  return 0x80 | (bits & 0x3f);
}

/** Well-formed UTF-8: no overlong form, no surrogate, nothing above U+10FFFF (RFC 3629 §4). */
const SEQUENCE =
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}/g;

/**
 * Reads UTF-8.
 *
 * @returns undefined when it is not well-formed
 * @see RFC 3629 §4
 */
export function decodeUtf8(octets: OctetText): string | undefined {
  if (!NON_ASCII.test(octets)) return octets;
  let sequences = 0;
  const text = octets.replace(SEQUENCE, (sequence) => {
    sequences += sequence.length;
    let point = sequence.charCodeAt(0) & (0x7f >> sequence.length);
    for (let i = 1; i < sequence.length; i++) point = (point << 6) | (sequence.charCodeAt(i) & 0x3f);
    return String.fromCodePoint(point);
  });
  const high = octets.length - octets.replace(/[\x80-\xff]/g, '').length;
  return high === sequences ? text : undefined;
}
