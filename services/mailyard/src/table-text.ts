/** Tables for people: aligned, coloured on a terminal only, and nothing in them that a terminal would obey. */
import { printable } from '@mailyard/telemetry';
import type { CommandIo } from './io.ts';

export interface Cell {
  readonly text: string;
  readonly align?: 'left' | 'right';
  readonly colour?: 'red' | 'green' | 'yellow' | 'dim';
}

const CODES = { red: 31, green: 32, yellow: 33, dim: 2 } as const;
/** One very long cell is no reason to push all others to the right. */
const WIDEST = 60;

/** Whether to colour what is written: a person reads it and has not said no (https://no-color.org). */
export function wantsColour({ isTerminal, env }: Pick<CommandIo, 'isTerminal' | 'env'>): boolean {
  return isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/** Rows under a heading, two spaces between columns, indented by two; each line with its end. */
export function tableText(
  heading: readonly string[],
  rows: readonly (readonly (string | Cell)[])[],
  colour: boolean,
): string {
  const cells = rows.map((row) => row.map(cellOf));
  const head = heading.map((text, column): Cell => {
    const { align } = cells[0]?.[column] ?? {};
    return { text, ...(align === undefined ? {} : { align }), colour: 'dim' };
  });
  const all = [head, ...cells];
  const widths = heading.map((_, column) => Math.min(WIDEST, Math.max(...all.map((row) => row[column]!.text.length))));
  return all.map((row) => `${lineOf(row, widths, colour)}\n`).join('');
}

function cellOf(cell: string | Cell): Cell {
  return typeof cell === 'string' ? { text: printable(cell) } : { ...cell, text: printable(cell.text) };
}

function lineOf(row: readonly Cell[], widths: readonly number[], colour: boolean): string {
  const parts = row.map(({ text, align, colour: name }, column) => {
    const isLast = column === row.length - 1;
    const padded = align === 'right' ? text.padStart(widths[column]!) : isLast ? text : text.padEnd(widths[column]!);
    return colour && name !== undefined ? `\u001b[${CODES[name]}m${padded}\u001b[0m` : padded;
  });
  return `  ${parts.join('  ').trimEnd()}`;
}

/** An instant for people: UTC, to the second; nothing for none. */
export function timeText(at: number | undefined): string {
  if (at === undefined || at === 0) return '-';
  return new Date(at).toISOString().replace('T', ' ').slice(0, 19) + 'Z';
}

/** An instant in JSON. */
export function isoTime(at: number | undefined): string | null {
  return at === undefined || at === 0 ? null : new Date(at).toISOString();
}
