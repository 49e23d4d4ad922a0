/**
 * The text form of a recipient access table (R135), as AsyncOS exports it: a line an entry, `.example.com ACCEPT`, the
 * default `ALL REJECT` last. Behind the action may stand a reply to RCPT and `bypass_receiving_control` (R134):
 * `old.example REJECT 551 "moved away"`. Lines that begin with `#` say nothing.
 */
import { type AccessFault, accessFault } from './access-fault.ts';
import type { ReadRows } from './read-rows.ts';
import { type RecipientAccessEntry, RecipientAccessTable } from './recipient-access-table.ts';

const BYPASS = 'bypass_receiving_control';
/** A quoted local part may have blanks. */
const ENTRY = /^((?:"(?:[^"\\]|\\.)*")?\S*)\s+(\S+)(?:\s+(\d{3})\s+"((?:[^"\\]|\\.)*)")?(?:\s+(\S+))?$/;

/** Reads the text of a table, or tells every fault at once. An `ALL REJECT` at its end is the default, and no entry. */
export function readRatFile(text: string): ReadRows<RecipientAccessEntry> {
  const faults: AccessFault[] = [];
  const entries: RecipientAccessEntry[] = [];
  const lines: number[] = [];
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    const content = raw.trim();
    if (content === '' || content.startsWith('#')) continue;
    const read = readEntry(content);
    if (typeof read === 'string') faults.push({ ...accessFault('RAT_SYNTAX', '', content, read), line: index + 1 });
    else lines[entries.push(read) - 1] = index + 1;
  }
  if (isDefault(entries.at(-1))) entries.pop();
  const table = RecipientAccessTable.read(entries);
  if (!(table instanceof RecipientAccessTable))
    for (const fault of table) {
      const place = Number(/\d+/.exec(fault.field)?.[0]);
      const message = fault.message.replace(/entries\[(\d+)\]/, (_, other: string) => `line ${lines[Number(other)]}`);
      faults.push({ ...fault, message, line: lines[place]! });
    }
  if (faults.length === 0) return { kind: 'read', rows: entries };
  return { kind: 'faults', faults: faults.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
}

/** Prints a table, the default last; what it prints reads as the same table. */
export function printRatFile(entries: readonly RecipientAccessEntry[]): string {
  const lines = entries.map(({ recipient, action, reply, bypassReceivingControl }) =>
    [
      recipient,
      action,
      ...(reply === undefined ? [] : [reply.code, `"${reply.text.replaceAll(/["\\]/g, '\\$&')}"`]),
      ...(bypassReceivingControl === true ? [BYPASS] : []),
    ].join(' '),
  );
  if (!entries.some(({ recipient }) => /^all$/i.test(recipient))) lines.push('ALL REJECT');
  return lines.map((line) => `${line}\n`).join('');
}

function readEntry(content: string): RecipientAccessEntry | string {
  const [, recipient, action, code, text, option] = ENTRY.exec(content) ?? [];
  if (recipient === undefined || action === undefined) return 'is no line of the form RECIPIENT ACTION';
  if (action !== 'ACCEPT' && action !== 'REJECT') return `has ${JSON.stringify(action)} where ACCEPT or REJECT belongs`;
  if (option !== undefined && option !== BYPASS)
    return `has ${JSON.stringify(option)} where a reply (551 "moved away") or ${BYPASS} may stand`;
  return {
    recipient: /^all$/i.test(recipient) ? 'ALL' : recipient,
    action,
    ...(code === undefined || text === undefined
      ? {}
      : { reply: { code: Number(code), text: text.replaceAll(/\\(.)/g, '$1') } }),
    ...(option === undefined ? {} : { bypassReceivingControl: true }),
  };
}

function isDefault(entry: RecipientAccessEntry | undefined): boolean {
  return (
    entry !== undefined &&
    entry.recipient === 'ALL' &&
    entry.action === 'REJECT' &&
    entry.reply === undefined &&
    entry.bypassReceivingControl !== true
  );
}
