import { Dialogue, isPerson } from './dialogue.ts';
import type { CommandIo } from './io.ts';

const LINES_A_PAGE = 24;
const MORE = '-- more: Enter; q ends -- ';

/**
 * Prints a text; a person gets more than a page of it page by page (R184).
 *
 * @param dialogue that reads the terminal already; absent: one is begun if needed
 */
export async function printPaged(io: CommandIo, text: string, dialogue?: Dialogue): Promise<void> {
  const rows = 'rows' in io.stdout && typeof io.stdout.rows === 'number' ? io.stdout.rows : LINES_A_PAGE;
  const lines = text.split('\n');
  // The text ends with an end of line, behind which the cursor needs a row.
  if (!isPerson(io) || lines.length <= rows) {
    io.stdout.write(text);
    return;
  }
  const asks = dialogue ?? new Dialogue(io);
  try {
    const size = Math.max(2, rows - 1);
    for (let start = 0; ; start += size) {
      io.stdout.write(lines.slice(start, start + size).join('\n'));
      if (start + size >= lines.length) return;
      io.stdout.write('\n');
      const answer = await asks.prompt(MORE);
      if (answer === undefined || answer.trim().toLowerCase() === 'q') return;
    }
  } finally {
    if (dialogue === undefined) asks.close();
  }
}
