// oxlint-disable-next-line no-control-regex -- what a hostile reply or address must not bring into a report
const CONTROLS = /[\0-\x1f\x7f-\x9f\u2028\u2029]/g;
const LINE_LIMIT = 76;

/**
 * Makes foreign text fit for one line: control characters become blanks, a lone surrogate U+FFFD, and where UTF-8 is not
 * possible each character outside US-ASCII becomes `?`.
 */
export function printable(text: string, utf8: boolean): string {
  const clean = text.replace(CONTROLS, ' ').toWellFormed();
  return utf8 ? clean : clean.replace(/[^\0-\x7f]/gu, '?');
}

/**
 * Breaks a text into lines of at most 76 characters, at blanks where there are any, anywhere where there are none.
 *
 * @param indent how many characters stand on the first line already
 */
export function breakLines(text: string, indent = 0): string[] {
  const lines: string[] = [];
  let line: string | undefined;
  let width = indent;
  for (const word of text.split(' ').flatMap((long) => long.match(/.{1,70}/gsu) ?? [''])) {
    if (line === undefined) line = word;
    else if (width + 1 + word.length > LINE_LIMIT) {
      lines.push(line);
      line = word;
      width = 0;
    } else line += ` ${word}`;
    width += word.length + 1;
  }
  return [...lines, line ?? ''];
}

/** A field whose text may be broken, folded, CRLF included. */
export function textField(name: string, text: string): string {
  const [first, ...more] = breakLines(text, name.length + 2);
  // A folded line of blanks alone would end the section for some readers.
  return `${[`${name}: ${first}`, ...more.filter((line) => line.trim() !== '')].join('\r\n ')}\r\n`;
}

/** A field whose value is one piece, CRLF included; cut where no line of mail can be longer. No field without a value. */
export function tokenField(name: string, value: string): string {
  const piece = value.slice(0, 900).trim();
  return piece === '' ? '' : `${name}: ${piece}\r\n`;
}
