import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Writes one result down. */
export type RecordResult = (result: Readonly<Record<string, unknown>> | object) => void;

/** JSON lines in `FOLDER/NAME.jsonl`, each with the instant; without a folder they go nowhere. */
export function openResults(folder: string | undefined, name: string): RecordResult {
  if (folder === undefined) return () => undefined;
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.jsonl`);
  return (result) => appendFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), ...result })}\n`);
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('');
}
