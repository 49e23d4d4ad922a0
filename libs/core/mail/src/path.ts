import { type Mailbox, parseMailbox } from './mailbox.ts';

/** A path and what stood behind it, or why it is none. */
export type ReadPath =
  | { readonly kind: 'path'; readonly mailbox: Mailbox | null; readonly rest: string }
  | { readonly kind: 'malformed' };

const MALFORMED: ReadPath = { kind: 'malformed' };

/**
 * Reads a path in angle brackets at the start of the argument of MAIL FROM: or RCPT TO:. A source route
 * (`@a,@b:user@c`) is passed over, as RFC 5321 §4.1.2 and appendix C want it; `<>` is null.
 *
 * @param text what follows the colon; one blank before the bracket is forgiven, since many clients send it
 */
export function readPath(text: string): ReadPath {
  const start = text.charCodeAt(0) === 32 ? 1 : 0;
  if (text.charCodeAt(start) !== 60) return MALFORMED;
  const end = closingBracket(text, start + 1);
  if (end < 0) return MALFORMED;
  const rest = text.slice(end + 1);
  if (rest !== '' && rest.charCodeAt(0) !== 32) return MALFORMED;
  let inner = text.slice(start + 1, end);
  if (inner === '') return { kind: 'path', mailbox: null, rest };
  if (inner.charCodeAt(0) === 64) {
    const colon = inner.indexOf(':');
    if (colon < 0 || !/^@[A-Za-z0-9.-]{1,253}(?:,@[A-Za-z0-9.-]{1,253})*$/.test(inner.slice(0, colon)))
      return MALFORMED;
    inner = inner.slice(colon + 1);
  }
  const mailbox = parseMailbox(inner);
  return mailbox === undefined ? MALFORMED : { kind: 'path', mailbox, rest };
}

/** Index of the `>` that closes the path; one inside a quoted local part does not. */
function closingBracket(text: string, from: number): number {
  let quoted = false;
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (quoted && code === 92) i++;
    else if (code === 34) quoted = !quoted;
    else if (code === 62 && !quoted) return i;
    else if (code === 60 && !quoted) return -1;
  }
  return -1;
}
