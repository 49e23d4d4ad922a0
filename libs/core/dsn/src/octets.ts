import type { OctetText } from '@mailyard/mail';

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const LINE_OCTETS = 57;

/** Reads octets as a text of one character an octet. */
export function toOctetText(octets: Uint8Array): OctetText {
  let text = '';
  for (let at = 0; at < octets.length; at += 4_096) text += String.fromCharCode(...octets.subarray(at, at + 4_096));
  return text;
}

/** The octets that a text of one character an octet stands for. */
export function fromOctetText(text: OctetText): Uint8Array {
  const octets = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) octets[i] = text.charCodeAt(i);
  return octets;
}

/** Base64 in lines of 76 characters that end in CRLF (RFC 2045 §6.8). */
export function encodeBase64(octets: OctetText): string {
  let lines = '';
  for (let at = 0; at < octets.length; at += LINE_OCTETS)
    lines += `${encodeLine(octets.slice(at, at + LINE_OCTETS))}\r\n`;
  return lines;
}

function encodeLine(octets: OctetText): string {
  let line = '';
  for (let i = 0; i < octets.length; i += 3) {
    const left = octets.length - i;
    const bits =
      (octets.charCodeAt(i) << 16) |
      (left > 1 ? octets.charCodeAt(i + 1) << 8 : 0) |
      (left > 2 ? octets.charCodeAt(i + 2) : 0);
    line += DIGITS[bits >> 18]! + DIGITS[(bits >> 12) & 63]!;
    line += left > 1 ? DIGITS[(bits >> 6) & 63]! : '=';
    line += left > 2 ? DIGITS[bits & 63]! : '=';
  }
  return line;
}
