/**
 * The header section of a message, found and edited as octets. Only the header is ever walked field by field; the body
 * is not looked at.
 *
 * @see RFC 5322 §2.2
 */

/** Octets of a header section that are read at most; what follows is taken for body. */
export const HEADER_LIMIT = 1_048_576;

/** One field: its name as written, its body unfolded, and where its octets lie. */
export interface HeaderField {
  readonly name: string;
  readonly start: number;
  /** Behind its last CRLF. */
  readonly end: number;
}

/** What a policy does to a header section, in this order. */
export interface HeaderEdit {
  /** Names of fields to take away, in any case. */
  readonly remove: readonly string[];
  /** Fields to add at the end, without CRLF. */
  readonly add: readonly { readonly name: string; readonly value: string }[];
  /** Text to put in front of the subject. */
  readonly subjectTag?: string;
}

/** Characters of a line without its end. */
const LINE_LIMIT = 998;
const CR = 13;
const LF = 10;

/**
 * The length of the header section, the empty line that ends it not counted.
 *
 * @param content in CRLF lines
 */
export function headerLength(content: Uint8Array): number {
  if (content[0] === CR && content[1] === LF) return 0;
  const limit = Math.min(content.length, HEADER_LIMIT);
  let at = content.indexOf(CR);
  while (at >= 0 && at + 3 < limit) {
    if (content[at + 1] === LF && content[at + 2] === CR && content[at + 3] === LF) return at + 2;
    at = content.indexOf(CR, at + 1);
  }
  return limit;
}

/** The fields of a header section, in order. A line that is no field ends the list: what follows is body. */
export function headerFields(content: Uint8Array, length = headerLength(content)): HeaderField[] {
  const fields: HeaderField[] = [];
  let start = 0;
  while (start < length) {
    let end = nextLine(content, start, length);
    while (end < length && (content[end] === 32 || content[end] === 9)) end = nextLine(content, end, length);
    const colon = content.subarray(start, end).indexOf(58);
    const name = colon < 1 ? '' : latin1(content, start, start + colon).trimEnd();
    if (!/^[!-9;-~]+$/.test(name)) return fields;
    fields.push({ name, start, end });
    start = end;
  }
  return fields;
}

/**
 * Makes the header section that the edit leaves; the empty line is not part of it.
 *
 * @param encode octets of a text; names and values were validated before
 */
export function editHeader(content: Uint8Array, edit: HeaderEdit, encode: (text: string) => Uint8Array): Uint8Array {
  const length = headerLength(content);
  const fields = headerFields(content, length);
  const removed = new Set(edit.remove.map((name) => name.toLowerCase()));
  const parts: Uint8Array[] = [];
  let tagged = false;
  for (const field of fields) {
    const name = field.name.toLowerCase();
    if (removed.has(name)) continue;
    if (name === 'subject' && edit.subjectTag !== undefined && !tagged) {
      tagged = true;
      const octets = content.subarray(field.start, field.end);
      const value = octets.indexOf(58) + 1;
      const blank = octets[value] === 32 || octets[value] === 9 ? 1 : 0;
      const line = octets.indexOf(CR) + edit.subjectTag.length + 2 - blank;
      // Where the tag would make the line too long, it gets a line of its own (RFC 5322 §2.1.1).
      const tag = ` ${edit.subjectTag}${line > LINE_LIMIT ? '\r\n ' : ' '}`;
      parts.push(octets.subarray(0, value), encode(tag), octets.subarray(value + blank));
    } else {
      parts.push(content.subarray(field.start, field.end));
    }
  }
  const walked = fields.at(-1)?.end ?? 0;
  if (edit.subjectTag !== undefined && !tagged) parts.push(encode(`Subject: ${edit.subjectTag}\r\n`));
  for (const { name, value } of edit.add) parts.push(encode(`${name}: ${value}\r\n`));
  parts.push(content.subarray(walked, length));
  return concat(parts);
}

function nextLine(content: Uint8Array, from: number, limit: number): number {
  const lf = content.indexOf(LF, from);
  return lf < 0 || lf + 1 > limit ? limit : lf + 1;
}

function latin1(content: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at += 4096)
    text += String.fromCharCode(...content.subarray(at, Math.min(end, at + 4096)));
  return text;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
