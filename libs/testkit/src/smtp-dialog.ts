/**
 * SMTP dialogs written down as data. A dialog file has comment lines, of which the first says why it exists, and steps:
 *
 *     C: TEXT    the client sends TEXT and CRLF; client lines without an S between them leave in one write
 *     C> TEXT    the same without CRLF
 *     S: START   a whole reply comes; its last line begins so (`250 2.1`, `5`)
 *     S+ TEXT    the reply that came last has a line with this text behind its code
 *     S- TEXT    it has none
 *     E:         the server closes the connection, and said nothing more
 *     T:         the client begins TLS
 *     M: N       the server has taken N messages so far
 *     M= TEXT    the content of the last one is TEXT
 *     F: PATH    its reverse-path; `<>` is null
 *     R: PATH…   its forward-paths
 *     P: WORD…   the DSN parameters of its first recipient
 *
 * TEXT knows `\r`, `\n`, `\0`, `\t`, `\\`, `\xHH` and `{N*TEXT}` for repetition; it is UTF-8 otherwise. `C*N: TEXT` is
 * N lines, `{#}` in them being 0 to N-1. A comment `# needs: tls chunking` names what the server must offer, and
 * `# whole` says that the dialog means something only when each write arrives in one piece.
 */
export interface Dialog {
  readonly name: string;
  readonly why: string;
  readonly needs: readonly string[];
  readonly wholeOnly: boolean;
  readonly steps: readonly DialogStep[];
}

export type DialogStep =
  | { readonly kind: 'send'; readonly octets: Buffer; readonly line: number }
  | { readonly kind: 'reply' | 'has' | 'hasNot'; readonly text: string; readonly line: number }
  | { readonly kind: 'closed' | 'tls'; readonly line: number }
  | { readonly kind: 'count'; readonly count: number; readonly line: number }
  | { readonly kind: 'content'; readonly octets: Buffer; readonly line: number }
  | { readonly kind: 'reversePath'; readonly path: string | null; readonly line: number }
  | { readonly kind: 'recipients' | 'parameters'; readonly words: readonly string[]; readonly line: number };

/** Reads a dialog file. @throws Error that names file and line of what is no step */
export function parseDialog(name: string, text: string): Dialog {
  const comments: string[] = [];
  const steps: DialogStep[] = [];
  for (const [index, written] of text.split('\n').entries()) {
    const line = index + 1;
    if (written === '') continue;
    if (written.startsWith('#')) {
      comments.push(written.slice(1).trim());
      continue;
    }
    const step = parseStep(written, line);
    if (step === undefined) throw new Error(`${name}:${line}: no step of a dialog: ${written}`);
    const last = steps.at(-1);
    if (step.kind === 'send' && last?.kind === 'send') {
      steps[steps.length - 1] = { ...last, octets: Buffer.concat([last.octets, step.octets]) };
    } else steps.push(step);
  }
  const needs = comments.find((comment) => comment.startsWith('needs:'))?.slice(6);
  return {
    name,
    why: comments[0] ?? '',
    needs: needs?.trim().split(/\s+/) ?? [],
    wholeOnly: comments.includes('whole'),
    steps,
  };
}

function parseStep(written: string, line: number): DialogStep | undefined {
  const match = /^([A-Z])(?:\*(\d+))?([:>+=-])(?: (.*))?$/.exec(written);
  if (match === null) return undefined;
  const [, letter, times, mark, text = ''] = match;
  const words = text === '' ? [] : octetsOf(text).toString().split(' ');
  switch (`${letter}${mark}`) {
    case 'C:':
    case 'C>':
      return { kind: 'send', octets: repeatLines(text, Number(times ?? 1), mark === ':'), line };
    case 'S:':
      return { kind: 'reply', text, line };
    case 'S+':
      return { kind: 'has', text, line };
    case 'S-':
      return { kind: 'hasNot', text, line };
    case 'E:':
      return { kind: 'closed', line };
    case 'T:':
      return { kind: 'tls', line };
    case 'M:':
      return { kind: 'count', count: Number(text), line };
    case 'M=':
      return { kind: 'content', octets: octetsOf(text), line };
    case 'F:':
      return { kind: 'reversePath', path: text === '<>' ? null : octetsOf(text).toString(), line };
    case 'R:':
      return { kind: 'recipients', words, line };
    case 'P:':
      return { kind: 'parameters', words, line };
    default:
      return undefined;
  }
}

function repeatLines(text: string, times: number, ended: boolean): Buffer {
  const lines = Array.from({ length: times }, (_, index) => octetsOf(text.replaceAll('{#}', String(index))));
  return Buffer.concat(ended ? lines.flatMap((octets) => [octets, Buffer.from('\r\n')]) : lines);
}

const ESCAPES: Readonly<Record<string, number>> = { r: 13, n: 10, '0': 0, t: 9, '\\': 92, '{': 123 };

function octetsOf(text: string): Buffer {
  const parts: Buffer[] = [];
  for (const [token] of text.matchAll(/\\x[0-9a-fA-F]{2}|\\.|\{\d+\*[^}]*\}|[^\\{]+|./gsu)) {
    const repetition = /^\{(\d+)\*(.*)\}$/s.exec(token);
    if (repetition !== null) {
      const piece = octetsOf(repetition[2]!);
      parts.push(Buffer.alloc(piece.length * Number(repetition[1]), piece));
    } else if (token.startsWith('\\x')) parts.push(Buffer.from([Number.parseInt(token.slice(2), 16)]));
    else if (token.startsWith('\\')) {
      const octet = ESCAPES[token.slice(1)];
      if (octet === undefined) throw new Error(`no such escape: ${token}`);
      parts.push(Buffer.from([octet]));
    } else parts.push(Buffer.from(token));
  }
  return Buffer.concat(parts);
}
