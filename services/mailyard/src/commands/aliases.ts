import { type AliasRow, faultText, printAliasFile, readAliasFile, readVirtualAliases } from '@mailyard/access';
import { changeSetWire, readAlias, writeAlias } from '@mailyard/contracts';
import { readAccess } from '@mailyard/grpc';
import { parseMailbox } from '@mailyard/mail';
import { type Command, EXIT } from '../io.ts';
import { REPLACING, REPLACING_USAGE, type ReplacingValues } from '../access-file.ts';
import { type RowTable, runRowTable } from '../row-table.ts';
import { demandOnly, Misuse, runServerCommand, type ServerCall } from '../server-command.ts';

export const USAGE = `usage: mailyard aliases print
       mailyard aliases import FILE yes
       mailyard aliases export FILE
       mailyard aliases test ADDRESS

  The alias table: to whom mail for a recipient goes instead. The first row that names the recipient decides; what it leads
  to is looked up again. Its text is that of AsyncOS:

    sales@example.com: ann@example.com, bob@example.net
    nobody@example.com: /dev/null
    [example.com, .example.org]
    info, contact: ann

  FILE     on this machine; - is standard input or output
  ADDRESS  of a recipient: what becomes of it, with the domain map
  yes      says that the whole table may be replaced

  --from virtual       import: the file is a virtual alias table of Postfix
${REPLACING_USAGE}`;

const OPTIONS = { ...REPLACING, from: { type: 'string' } } as const;

interface Values extends ReplacingValues {
  readonly from?: string;
}

const TABLE: RowTable<AliasRow> = {
  name: 'aliases',
  section: changeSetWire.Section.SECTION_ALIASES,
  none: 'no aliases',
  rowsOf: ({ aliases }) => aliases.map(readAlias),
  readFile: readAliasFile,
  printFile: printAliasFile,
  itemOf: (row) => ({ $case: 'alias', value: writeAlias(row) }),
};

/** `mailyard aliases`: the alias table as text (R136). */
export const run: Command = (args, io) =>
  runServerCommand('aliases', USAGE, OPTIONS, args, io, (call) => {
    const [verb, ...words] = call.words;
    switch (verb) {
      case 'print':
      case 'import':
      case 'export':
        return runRowTable(call, { ...TABLE, readFile: readerOf(call.values.from) }, verb, words);
      case 'test':
        demandOnly(verb, call.values, []);
        return test(call, words);
      case undefined:
        throw new Misuse('aliases takes print, import, export or test');
      default:
        throw new Misuse(`there is no ${JSON.stringify(verb)}`);
    }
  });

function readerOf(format: string | undefined): typeof readAliasFile {
  if (format === undefined) return readAliasFile;
  if (format === 'virtual') return readVirtualAliases;
  throw new Misuse(`--from takes virtual, not ${JSON.stringify(format)}`);
}

/** Tells what becomes of a recipient, and by which rows. */
async function test(call: ServerCall<Values>, words: readonly string[]): Promise<number> {
  const [address, ...rest] = words;
  const mailbox = address === undefined ? undefined : parseMailbox(address);
  if (mailbox === undefined || rest.length > 0) throw new Misuse('test takes one address');
  const { version, rewriting } = readAccess(await call.client.getAccess());
  const rewritten = rewriting.rewrite(mailbox);
  if (rewritten === undefined) {
    call.print({ version, address, recipients: [address], discarded: [] }, `${address} stays what it is\n`);
    return EXIT.done;
  }
  if ('fault' in rewritten) {
    call.print({ version, address, problem: faultText(rewritten) }, '');
    call.say(`${address} is not taken: its alias ${faultText(rewritten)}`);
    return EXIT.refused;
  }
  const { mapped, alias } = rewritten;
  const recipients = rewritten.recipients.map((each) => each.address);
  const discarded = rewritten.discarded.map((each) => each.address);
  const lines = [
    ...(mapped === undefined ? [] : [`domain map ${mapped}`]),
    ...(alias === undefined ? [] : [`alias ${alias}`]),
    ...recipients.map((recipient) => `  ${recipient}`),
    ...discarded.map((recipient) => `  ${recipient} dropped`),
  ];
  call.print({ version, address, mapped, alias, recipients, discarded }, lines.map((line) => `${line}\n`).join(''));
  return EXIT.done;
}
