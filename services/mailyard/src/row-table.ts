/** Verbs of a command whose table is a list of rows in a section of its own: print, import, export. */
import type { ReadRows } from '@mailyard/access';
import type { changeSetWire, routingWire } from '@mailyard/contracts';
import { printable } from '@mailyard/telemetry';
import { exportTable, importTable, REPLACING, type ReplacingValues, replaceSection } from './access-file.ts';
import { type Command, EXIT } from './io.ts';
import { printPaged } from './pager.ts';
import { demandOnly, Misuse, runServerCommand, type ServerCall } from './server-command.ts';

/** A section as a text of rows. */
export interface RowTable<Row> {
  /** The command's own name. */
  readonly name: string;
  readonly section: changeSetWire.Section;
  /** What is said where there are none. */
  readonly none: string;
  rowsOf(access: routingWire.GetAccessResponse): readonly Row[];
  readFile(text: string): ReadRows<Row>;
  printFile(rows: readonly Row[]): string;
  itemOf(row: Row): NonNullable<changeSetWire.Item['item']>;
}

type Call = ServerCall<ReplacingValues>;

/** A command with these verbs, and `test` where something can be asked of the table. */
export function rowTableCommand<Row>(
  table: RowTable<Row>,
  usage: string,
  test?: (call: Call, words: readonly string[]) => Promise<number>,
): Command {
  return (args, io) =>
    runServerCommand(table.name, usage, REPLACING, args, io, (call) => {
      const [verb, ...words] = call.words;
      if (verb === 'print' || verb === 'import' || verb === 'export') return runRowTable(call, table, verb, words);
      if (verb === undefined)
        throw new Misuse(`${table.name} takes print, import${test === undefined ? ' or export' : ', export or test'}`);
      if (verb !== 'test' || test === undefined) throw new Misuse(`there is no ${JSON.stringify(verb)}`);
      demandOnly(verb, call.values, []);
      return test(call, words);
    });
}

/** Does what `print`, `import FILE yes` and `export FILE` say. */
export function runRowTable<Row>(
  call: Call,
  table: RowTable<Row>,
  verb: 'print' | 'import' | 'export',
  words: readonly string[],
): Promise<number> {
  if (verb === 'import') {
    return importTable(call, words, table.name, (text) => {
      const read = table.readFile(text);
      if (read.kind === 'faults') return read;
      return {
        kind: 'read',
        operations: () => [
          replaceSection(
            table.section,
            read.rows.map((row) => table.itemOf(row)),
          ),
        ],
      };
    });
  }
  demandOnly(verb, call.values, []);
  return verb === 'print' ? print(call, table, words) : exportRows(call, table, words);
}

async function print<Row>(call: Call, table: RowTable<Row>, words: readonly string[]): Promise<number> {
  if (words.length > 0) throw new Misuse('print takes no words');
  const access = await call.client.getAccess();
  const rows = table.rowsOf(access);
  const text = table.printFile(rows);
  if (call.isJson) call.print({ version: access.version, rows }, '');
  else if (text === '') call.say(table.none);
  else await printPaged(call.io, text.split('\n').map(printable).join('\n'));
  return EXIT.done;
}

async function exportRows<Row>(call: Call, table: RowTable<Row>, words: readonly string[]): Promise<number> {
  const access = await call.client.getAccess();
  const title = `${table.name} export: version ${access.version}`;
  return exportTable(call, words, title, table.printFile(table.rowsOf(access)));
}
