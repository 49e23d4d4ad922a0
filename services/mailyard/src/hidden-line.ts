import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { type CommandIo, isTyped } from './io.ts';

/**
 * Reads one line that must not be seen: on a terminal it asks and shows nothing of what is typed, else it takes the first
 * line of standard input.
 *
 * @returns '' when there is none
 */
export async function readHiddenLine(io: CommandIo, prompt: string): Promise<string> {
  const { stdin, stderr } = io;
  const isTerminal = isTyped(io);
  if (isTerminal) stderr.write(prompt);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: nowhere, terminal: isTerminal });
  try {
    const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    return await Promise.race([lines.question(''), ended]);
  } finally {
    lines.close();
    if (isTerminal) stderr.write('\n');
  }
}
