import { type Reply, receivedReply } from '@mailyard/mail';

/** The longest reply that is read, all of its lines together, in octets. Longer ones are garbage. */
export const REPLY_LIMIT_OCTETS = 65_536;

/** How many replies of one line are remembered: a host says the same few for each message. */
const REMEMBERED = 8;
const REMEMBERED_OCTETS = 128;

const LINE = /^([2-5]\d\d)(?:([ -])(.*))?$/s;
// oxlint-disable-next-line no-control-regex -- these are what must not reach logs and reports
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/g;

/** A reply together with its lines, which EHLO needs one by one. */
export interface ParsedReply {
  readonly reply: Reply;
  /** Text of each line after the code and its separator; control characters are replaced by `?`. */
  readonly lines: readonly string[];
}

/**
 * Cuts what a host sends into replies.
 *
 * Takes lines of any length up to {@link REPLY_LIMIT_OCTETS} a reply, lines that end in a bare LF, and a code without
 * text (RFC 5321 §4.2). Once anything else was read the dialog cannot be trusted any more and nothing further is parsed.
 */
export class ReplyParser {
  /** What is wrong with what was read; undefined while nothing is. */
  fault: string | undefined;
  #rest = '';
  #code = '';
  #lines: string[] = [];
  #sizeOctets = 0;
  readonly #remembered: { readonly line: string; readonly parsed: ParsedReply }[] = [];
  #oldest = 0;

  /** Whether part of a reply was read and its end was not. */
  get isPartial(): boolean {
    return this.#rest.length > 0 || this.#lines.length > 0;
  }

  /**
   * Takes what was read, as latin1, and returns the replies that it completes.
   *
   * Octets above 127 are read as UTF-8 where they are that (RFC 6531 §3.7.4), else as latin1.
   */
  feed(text: string): readonly ParsedReply[] {
    const replies: ParsedReply[] = [];
    let rest = this.#rest + text;
    let start = 0;
    while (this.fault === undefined) {
      const end = rest.indexOf('\n', start);
      if (end < 0) break;
      const stop = end > start && rest.charCodeAt(end - 1) === 13 ? end - 1 : end;
      this.#sizeOctets += end + 1 - start;
      const line = rest.slice(start, stop);
      const known = this.#lines.length === 0 ? this.#recall(line) : undefined;
      if (known === undefined) this.#line(line, replies);
      else {
        replies.push(known);
        this.#sizeOctets = 0;
      }
      start = end + 1;
    }
    rest = start === 0 ? rest : rest.slice(start);
    if (this.#sizeOctets + rest.length > REPLY_LIMIT_OCTETS) this.fault ??= 'reply too long';
    this.#rest = this.fault === undefined ? rest : '';
    return replies;
  }

  #line(line: string, replies: ParsedReply[]): void {
    const match = LINE.exec(line);
    if (match === null || (this.#lines.length > 0 && match[1] !== this.#code)) {
      this.fault = `not a reply: ${printable(line).slice(0, 200)}`;
      return;
    }
    if (this.#sizeOctets > REPLY_LIMIT_OCTETS) {
      this.fault = 'reply too long';
      return;
    }
    this.#code = match[1]!;
    this.#lines.push(printable(match[3] ?? ''));
    if (match[2] === '-') return;
    const parsed = { reply: receivedReply(Number(this.#code), this.#lines), lines: this.#lines };
    if (this.#lines.length === 1 && line.length <= REMEMBERED_OCTETS) this.#remember(line, parsed);
    replies.push(parsed);
    this.#lines = [];
    this.#sizeOctets = 0;
  }

  #recall(line: string): ParsedReply | undefined {
    for (const { line: said, parsed } of this.#remembered) if (said === line) return parsed;
    return undefined;
  }

  #remember(line: string, parsed: ParsedReply): void {
    this.#remembered[this.#oldest] = { line, parsed };
    this.#oldest = (this.#oldest + 1) % REMEMBERED;
  }
}

function printable(latin1: string): string {
  const clean = latin1.replace(CONTROL, '?');
  if (!/[\x80-\xff]/.test(clean)) return clean;
  const decoded = Buffer.from(clean, 'latin1').toString('utf8');
  return decoded.includes('\ufffd') ? clean : decoded;
}
