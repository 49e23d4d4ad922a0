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
