import { hasNonAscii } from './utf8.ts';

const XTEXT = /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/;

/**
 * Tells whether a text is xtext: printable US-ASCII without `+` and `=`, or `+` and two capital hexadecimal digits.
 *
 * @see RFC 3461 §4
 */
export function isXtext(text: string): boolean {
  return XTEXT.test(text);
}

/** Decodes xtext to the characters it stands for, one a code. */
export function decodeXtext(text: string): string {
  return text.replaceAll(/\+([0-9A-F]{2})/g, (_match, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** Encodes US-ASCII as xtext. */
function encodeXtext(text: string): string {
  return text.replaceAll(/[^!-*,-<>-~]/g, (char) => `+${hex(char, 2)}`);
}

/**
 * The ORCPT that names an address as the one that the sender wrote to, `addr-type;xtext` (RFC 3461 §4.2). What is not
 * US-ASCII goes as `\x{…}`, which any host can take (RFC 6533 §3).
 */
export function originalRecipientOf(address: string): string {
  if (!hasNonAscii(address)) return `rfc822;${encodeXtext(address)}`;
  return `utf-8;${address.replaceAll(/[^!-*,-<>-[\]-~]/gu, (char) => `\\x{${hex(char, 2)}}`)}`;
}

function hex(char: string, digits: number): string {
  return char.codePointAt(0)!.toString(16).toUpperCase().padStart(digits, '0');
}
