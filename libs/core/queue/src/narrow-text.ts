/**
 * Texts of addresses, ids and host names in six bits a character: three quarters of their octets. The 64 characters are
 * those that such texts are mostly made of; any other text is not for this form.
 */

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789.-_@<>+=:/[](),;!#$%&*?~ ^{}';
const NONE = 255;
const CODES = new Uint8Array(128).fill(NONE);
const CHARACTERS = new Uint8Array(64);
for (let code = 0; code < 64; code++) {
  CHARACTERS[code] = ALPHABET.charCodeAt(code);
  CODES[ALPHABET.charCodeAt(code)] = code;
}

/** Octets that so many characters take. */
export function narrowOctets(length: number): number {
  return Math.ceil((length * 3) / 4);
}

/** Writes a text at a place with room for {@link narrowOctets}. False when it has another character; all is void then. */
export function writeNarrow(text: string, into: Uint8Array, at: number): boolean {
  const { length } = text;
  let to = at;
  let bits = 0;
  for (let i = 0; i < length; i++) {
    const character = text.charCodeAt(i);
    const code = character < 128 ? CODES[character]! : NONE;
    if (code === NONE) return false;
    bits = (bits << 6) | code;
    if ((i & 3) === 3) {
      into[to] = bits >> 16;
      into[to + 1] = bits >> 8;
      into[to + 2] = bits;
      to += 3;
      bits = 0;
    }
  }
  const rest = length & 3;
  if (rest === 0) return true;
  bits <<= 6 * (4 - rest);
  into[to] = bits >> 16;
  if (rest > 1) into[to + 1] = bits >> 8;
  if (rest > 2) into[to + 2] = bits;
  return true;
}

/** The text of that many characters that was written at a place. */
export function readNarrow(from: Uint8Array, at: number, length: number): string {
  let text = '';
  let place = at;
  let left = length;
  for (; left >= 4; left -= 4, place += 3) {
    const bits = (from[place]! << 16) | (from[place + 1]! << 8) | from[place + 2]!;
    text += String.fromCharCode(
      CHARACTERS[bits >> 18]!,
      CHARACTERS[(bits >> 12) & 63]!,
      CHARACTERS[(bits >> 6) & 63]!,
      CHARACTERS[bits & 63]!,
    );
  }
  for (let i = 0; i < left; i++) text += String.fromCharCode(CHARACTERS[codeAt(from, place, i)]!);
  return text;
}

/** Tells whether a text of this length, written at a place, is this one. */
export function isNarrow(text: string, from: Uint8Array, at: number): boolean {
  for (let i = 0; i < text.length; i++)
    if (CHARACTERS[codeAt(from, at + 3 * (i >> 2), i & 3)] !== text.charCodeAt(i)) return false;
  return true;
}

/** One of the four codes of a group. */
function codeAt(from: Uint8Array, group: number, place: number): number {
  if (place === 0) return from[group]! >> 2;
  if (place === 1) return ((from[group]! & 3) << 4) | (from[group + 1]! >> 4);
  if (place === 2) return ((from[group + 1]! & 15) << 2) | (from[group + 2]! >> 6);
  return from[group + 2]! & 63;
}
