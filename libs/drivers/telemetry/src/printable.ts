/**
 * Characters that must not reach a log or a terminal as they are: C0 and C1 controls (ESC among them), DEL, line and
 * paragraph separators, and those that turn the direction of the text round.
 */
// oxlint-disable-next-line no-control-regex -- they are what it looks for
const UNSAFE = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
// oxlint-disable-next-line no-control-regex -- they are what it looks for
const EACH_UNSAFE = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Replaces what must not reach a log by `\xHH` or `\uHHHH`. Text from outside stays on the one line it was put on. */
export function printable(text: string): string {
  return UNSAFE.test(text) ? text.replace(EACH_UNSAFE, escapeCharacter) : text;
}

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0).toString(16);
  return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
}

// What JSON leaves as it is; all below U+0020 it escapes itself.
const EACH_UNSAFE_IN_JSON = /[\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The same for JSON text: what a terminal would obey in one of its strings becomes `\uHHHH`. */
export function escapeJson(json: string): string {
  return json.replace(
    EACH_UNSAFE_IN_JSON,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A value as JSON on one line, safe to print. */
export function printableJson(value: unknown): string {
  return escapeJson(JSON.stringify(value));
}
