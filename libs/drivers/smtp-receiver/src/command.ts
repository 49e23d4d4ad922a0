/**
 * A command line, read: what the client asks for, or why it is refused.
 *
 * @see RFC 5321 §4.1
 */
export type Command =
  | { readonly verb: 'EHLO' | 'HELO'; readonly helo: string }
  | { readonly verb: 'MAIL' | 'RCPT' | 'AUTH'; readonly argument: string }
  | { readonly verb: 'BDAT'; readonly octets: number; readonly last: boolean }
  | { readonly verb: 'DATA' | 'RSET' | 'NOOP' | 'QUIT' | 'VRFY' | 'EXPN' | 'HELP' | 'STARTTLS' }
  /** A BDAT whose size cannot be read: where the next command begins is not known. */
  | { readonly verb: 'unframed' }
  /** Not SMTP at all: another protocol's request was sent here. */
  | { readonly verb: 'foreign' }
  | { readonly verb: 'unknown' }
  | { readonly verb: 'malformed' };

const PLAIN = new Set(['DATA', 'RSET', 'QUIT', 'STARTTLS']);
const FREE = new Set(['NOOP', 'VRFY', 'EXPN', 'HELP']);
const FOREIGN = new Set([
  'GET',
  'POST',
  'PUT',
  'HEAD',
  'DELETE',
  'OPTIONS',
  'CONNECT',
  'PATCH',
  'TRACE',
  'HOST:',
  'PRI',
  'USER-AGENT:',
]);
const HELO = /^[A-Za-z0-9._-]{1,255}$|^\[[A-Za-z0-9:.]{2,64}\]$/;

/** Reads a command line without its CRLF. */
export function readCommand(line: string): Command {
  const blank = line.indexOf(' ');
  const verb = (blank < 0 ? line : line.slice(0, blank)).toUpperCase();
  const rest = blank < 0 ? '' : line.slice(blank + 1);
  switch (verb) {
    case 'MAIL':
      return /^from:/i.test(rest) ? { verb, argument: rest.slice(5) } : { verb: 'malformed' };
    case 'RCPT':
      return /^to:/i.test(rest) ? { verb, argument: rest.slice(3) } : { verb: 'malformed' };
    case 'AUTH':
      return { verb, argument: rest };
    case 'EHLO':
    case 'HELO':
      return HELO.test(rest.trimEnd()) ? { verb, helo: rest.trimEnd() } : { verb: 'malformed' };
    case 'BDAT': {
      const match = /^(\d{1,10})( last)?$/i.exec(rest);
      return match === null ? { verb: 'unframed' } : { verb, octets: Number(match[1]), last: match[2] !== undefined };
    }
  }
  if (PLAIN.has(verb)) return rest.trim() === '' ? ({ verb } as Command) : { verb: 'malformed' };
  if (FREE.has(verb)) return { verb } as Command;
  return { verb: FOREIGN.has(verb) ? 'foreign' : 'unknown' };
}
