import { printUnsubscribedFile, readUnsubscribedFile, type UnsubscribedRow } from '@mailyard/access';
import { changeSetWire, readUnsubscribed, writeUnsubscribed } from '@mailyard/contracts';
import { REPLACING_USAGE } from '../access-file.ts';
import { type RowTable, rowTableCommand } from '../row-table.ts';

export const USAGE = `usage: mailyard unsubscribe print
       mailyard unsubscribe import FILE yes
       mailyard unsubscribe export FILE

  The global unsubscribe list: who is sent nothing, whoever writes. A recipient a line, the first that names it decides:
  user@example.com, user@, @example.com, @.example.com; behind it may stand drop (which is also meant without a word) or
  bounce. Its text is that of AsyncOS.

  FILE     on this machine; - is standard input or output
  yes      says that the whole list may be replaced

${REPLACING_USAGE}`;

const TABLE: RowTable<UnsubscribedRow> = {
  name: 'unsubscribe',
  section: changeSetWire.Section.SECTION_GLOBAL_UNSUBSCRIBE,
  none: 'nobody is unsubscribed',
  rowsOf: ({ globalUnsubscribe }) =>
    globalUnsubscribe.map((value) => {
      const row = readUnsubscribed(value);
      if (row === undefined) throw new Error('the list has rows of a later release');
      return row;
    }),
  readFile: readUnsubscribedFile,
  printFile: printUnsubscribedFile,
  itemOf: (row) => ({ $case: 'unsubscribed', value: writeUnsubscribed(row) }),
};

/** `mailyard unsubscribe`: the global unsubscribe list as text (R148). */
export const run = rowTableCommand(TABLE, USAGE);
