import { type DomainMapRow, printDomainMapFile, readDomainMapFile } from '@mailyard/access';
import { changeSetWire, readDomainMapping, writeDomainMapping } from '@mailyard/contracts';
import { REPLACING_USAGE } from '../access-file.ts';
import { type RowTable, rowTableCommand } from '../row-table.ts';

export const USAGE = `usage: mailyard domainmap print
       mailyard domainmap import FILE yes
       mailyard domainmap export FILE

  The domain map: under which address a recipient is taken, before the recipient access table is asked. A row a line, the
  first that names the recipient decides: user@old.example user@new.example, @old.example @new.example, @.old.example
  @new.example. Its text is that of AsyncOS.

  FILE     on this machine; - is standard input or output
  yes      says that the whole map may be replaced

${REPLACING_USAGE}
  What becomes of an address: mailyard aliases test ADDRESS
`;

const TABLE: RowTable<DomainMapRow> = {
  name: 'domainmap',
  section: changeSetWire.Section.SECTION_DOMAIN_MAP,
  none: 'no rows: recipients are taken under the address that they have',
  rowsOf: ({ domainMap }) => domainMap.map(readDomainMapping),
  readFile: readDomainMapFile,
  printFile: printDomainMapFile,
  itemOf: (row) => ({ $case: 'domainMapping', value: writeDomainMapping(row) }),
};

/** `mailyard domainmap`: the domain map as text (R136). */
export const run = rowTableCommand(TABLE, USAGE);
