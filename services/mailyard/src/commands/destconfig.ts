import { type DestinationControl, printDestinationFile, readDestinationFile } from '@mailyard/configuration';
import { changeSetWire, readPlainItem, writeDestinationControl } from '@mailyard/contracts';
import { REPLACING_USAGE } from '../access-file.ts';
import { type RowTable, rowTableCommand } from '../row-table.ts';

export const USAGE = `usage: mailyard destconfig print
       mailyard destconfig import FILE yes
       mailyard destconfig export FILE

  The destination controls as a file of AsyncOS: a section [example.com], [.example.com] or [DEFAULT], with lines such as
  max_host_concurrency = 10, recipient_limit = 100, table_tls = required, bounce_validation = 1.

  FILE     on this machine; - is standard input or output
  yes      says that all rows may be replaced

${REPLACING_USAGE}`;

const TABLE: RowTable<DestinationControl> = {
  name: 'destconfig',
  section: changeSetWire.Section.SECTION_DESTINATION_CONTROLS,
  none: 'no rows: all mail goes by the settings',
  rowsOf: ({ destinationControls }) =>
    destinationControls.map((value) => {
      const read = readPlainItem({ $case: 'destinationControl', value });
      if (read === undefined) throw new Error('the destination controls have rows of a later release');
      return read.item as DestinationControl;
    }),
  readFile: readDestinationFile,
  printFile: printDestinationFile,
  itemOf: (row) => ({ $case: 'destinationControl', value: writeDestinationControl(row) }),
};

/** `mailyard destconfig`: the destination controls as text (R143). */
export const run = rowTableCommand(TABLE, USAGE);
