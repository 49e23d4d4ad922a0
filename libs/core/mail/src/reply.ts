import { type EnhancedStatus, parseEnhancedStatus } from './enhanced-status.ts';

/**
 * An SMTP reply as it was received or is to be sent: a code of three digits and one or more lines of text.
 *
 * @see RFC 5321 §4.2
 */
export interface Reply {
  /** 200 to 599 */
  readonly code: number;
  /** Present when the text began with one, or when we chose one ourselves. */
  readonly enhancedStatus?: EnhancedStatus;
  /** The text lines, joined by "\n", without code and without enhanced status. */
  readonly text: string;
}

/** The longest text of a reply that is kept in a record, in characters. */
const REPLY_TEXT_LIMIT = 1024;

/**
 * Makes a reply of ours.
 *
 * @param text one line, printable US-ASCII
 */
export function reply(code: number, enhancedStatus: EnhancedStatus, text: string): Reply {
  return { code, enhancedStatus, text };
}

/**
 * Makes a reply from its code and text lines as received.
 *
 * @param lines the text of each line, after the code and its separator
 */
export function receivedReply(code: number, lines: readonly string[]): Reply {
  const enhancedStatus = parseEnhancedStatus(lines[0] ?? '');
  const text = lines
    .map((line) => (enhancedStatus === undefined ? line : line.replace(/^[245]\.\d{1,3}\.\d{1,3}[ \t]*/, '')))
    .join('\n')
    .slice(0, REPLY_TEXT_LIMIT);
  return enhancedStatus === undefined ? { code, text } : { code, enhancedStatus, text };
}

/** Prints a reply on one line, as logs and reports show it: `550 5.1.1 no such user`. */
export function formatReply(reply: Reply): string {
  const status = reply.enhancedStatus === undefined ? '' : `${reply.enhancedStatus} `;
  return `${reply.code} ${status}${reply.text.replaceAll('\n', ' / ')}`;
}

/** 2yz and 3yz: the command was taken. */
export function isPositive(reply: Reply): boolean {
  return reply.code < 400;
}

/** 5yz: the same command must not be repeated as it is (RFC 5321 §4.2.1). */
export function isPermanent(reply: Reply): boolean {
  return reply.code >= 500;
}
