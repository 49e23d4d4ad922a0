import { decodeUtf8, hasNonAscii, headerLength, type OctetText } from '@mailyard/mail';
import { encodeBase64, toOctetText } from './octets.ts';
import type { OriginalContent } from './report-request.ts';

/** What may be returned at most, in octets, unless settings say otherwise (R79). */
export const RETURN_LIMIT_OCTETS = 10_240;

/** A body part: its own header fields, then its content. */
export interface BodyPart {
  readonly type: string;
  readonly encoding: '7bit' | '8bit' | 'base64';
  readonly octets: OctetText;
}

export interface ReturnedContent extends BodyPart {
  readonly extent: 'message' | 'header';
}

/**
 * The third part of a report: the whole original when it is small and nobody asked for less, else its header, cut at
 * the last line within the limit. Undefined when there is nothing to return.
 *
 * @param global for `message/global` (RFC 6532) and `message/global-headers` (RFC 6533), in Base64 so that the report
 * needs nothing of the hosts on its way; only when the original is well-formed UTF-8
 */
export function returnedContent(
  original: OriginalContent,
  ret: 'FULL' | 'HDRS' | undefined,
  global: boolean,
  limitOctets = RETURN_LIMIT_OCTETS,
): ReturnedContent | undefined {
  const { octets, sizeOctets } = original;
  if (ret !== 'HDRS' && sizeOctets <= limitOctets && octets.length === sizeOctets) {
    const whole = toOctetText(octets);
    if (global && decodeUtf8(whole) !== undefined) return { ...encoded('message/global', whole), extent: 'message' };
    const part = plain('message/rfc822', whole);
    if (part !== undefined) return { ...part, extent: 'message' };
  }
  const header = headerText(octets, limitOctets);
  if (header === '') return undefined;
  if (global && decodeUtf8(header) !== undefined)
    return { ...encoded('message/global-headers', header), extent: 'header' };
  const ascii = header.replace(/[\0\x80-\xff]/g, '?');
  return { type: 'text/rfc822-headers; charset=us-ascii', encoding: '7bit', octets: ascii, extent: 'header' };
}

function encoded(type: string, octets: OctetText): BodyPart {
  return { type, encoding: 'base64', octets: encodeBase64(octets) };
}

/** Part content as it is; undefined when no label is true of it: NUL, bare CR or LF, lines over 998 octets. */
function plain(type: string, octets: OctetText): BodyPart | undefined {
  if (/\0|\r(?!\n)|(?<!\r)\n|[^\r\n]{999}/.test(octets)) return undefined;
  return { type, encoding: hasNonAscii(octets) ? '8bit' : '7bit', octets };
}

function headerText(octets: Uint8Array, limitOctets: number): OctetText {
  const length = Math.min(headerLength(octets), limitOctets);
  const lines = toOctetText(octets.subarray(0, length))
    .replace(/\r\n?|\n/g, '\r\n')
    .slice(0, limitOctets);
  // Lines that no message may have are cut, so that the part is what its label says.
  return lines.slice(0, lines.lastIndexOf('\n') + 1).replace(/([^\r\n]{998})[^\r\n]+/g, '$1');
}
