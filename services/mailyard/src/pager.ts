import type { CommandIo } from './io.ts';

const LINES_A_PAGE = 24;

/** Prints a text; on a terminal more than a page of it is shown page by page (R184). */
export async function printPaged(io: CommandIo, text: string, next: () => Promise<string | undefined>): Promise<void> {
  const rows = 'rows' in io.stdout && typeof io.stdout.rows === 'number' ? io.stdout.rows : LINES_A_PAGE;
  const lines = text.split('\n');
  if (!io.isTerminal || lines.length <= rows) {
    io.stdout.write(text);
    return;
  }
  const size = Math.max(2, rows - 1);
  for (let start = 0; start < lines.length; start += size) {
    io.stdout.write(lines.slice(start, start + size).join('\n'));
    if (start + size >= lines.length) break;
    io.stdout.write('\n-- more: Enter; q ends --');
    const answer = await next();
    if (answer === undefined || answer.trim().toLowerCase() === 'q') break;
  }
}
