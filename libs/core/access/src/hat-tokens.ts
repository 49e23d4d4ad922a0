/** A piece of the text form of a host access table. Commas part like blanks do. */
export interface HatToken {
  readonly kind: 'word' | 'string' | 'comment' | '{' | '}' | '=';
  /** Without quotes or parentheses. */
  readonly text: string;
  /** From 1. */
  readonly line: number;
}

const WORD = /[^\s{}()=",]+/y;
const STRING = /"((?:[^"\\]|\\.)*)"/y;

/**
 * Cuts a text into its pieces. Lines that begin with `#` say nothing.
 *
 * @param unreadable called with what is no piece: its line and what stands there; the rest of the line is passed over
 */
export function hatTokens(text: string, unreadable: (line: number, what: string) => void): HatToken[] {
  const tokens: HatToken[] = [];
  for (const [index, content] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    if (/^\s*#/.test(content)) continue;
    const line = index + 1;
    let at = 0;
    const take = (pattern: RegExp): RegExpExecArray | null => {
      pattern.lastIndex = at;
      const match = pattern.exec(content);
      if (match !== null) at += match[0].length;
      return match;
    };
    while (at < content.length) {
      const next = content[at]!;
      if (/[\s,]/.test(next)) at += 1;
      else if (next === '{' || next === '}' || next === '=') {
        tokens.push({ kind: next, text: next, line });
        at += 1;
      } else if (next === '(') {
        const end = endOfComment(content, at);
        if (end < 0) break;
        tokens.push({ kind: 'comment', text: content.slice(at + 1, end).trim(), line });
        at = end + 1;
      } else {
        const quoted = take(STRING);
        const plain = quoted === null ? take(WORD) : null;
        if (quoted !== null) tokens.push({ kind: 'string', text: quoted[1]!.replaceAll(/\\(.)/g, '$1'), line });
        else if (plain !== null) tokens.push({ kind: 'word', text: plain[0], line });
        else break;
      }
    }
    if (at < content.length) unreadable(line, content.slice(at));
  }
  return tokens;
}

function endOfComment(content: string, begin: number): number {
  let depth = 0;
  for (let at = begin; at < content.length; at++) {
    if (content[at] === '(') depth += 1;
    else if (content[at] === ')') depth -= 1;
    if (depth === 0) return at;
  }
  return -1;
}
