import { addressNumber, HostAccessTable, type HostAccessFile, printHatFile, readHatFile } from '@mailyard/access';
import {
  changeSetWire,
  readHostAccess,
  readMailFlowPolicy,
  type routingWire,
  writeHostAccess,
  writeMailFlowPolicy,
} from '@mailyard/contracts';
import { printable } from '@mailyard/telemetry';
import {
  exportTable,
  importTable,
  REPLACING,
  REPLACING_USAGE,
  type ReplacingValues,
  replaceSection,
} from '../access-file.ts';
import { limitTexts, readHostName } from '../client-text.ts';
import { type Command, EXIT } from '../io.ts';
import { printPaged } from '../pager.ts';
import { demandOnly, Misuse, runServerCommand, type ServerCall } from '../server-command.ts';

export const USAGE = `usage: mailyard hat print
       mailyard hat import FILE yes
       mailyard hat export FILE
       mailyard hat test ADDRESS

  The host access table: who may connect, who may relay, and within which limits. Its text is that of AsyncOS.

  ADDRESS  of a client, IPv4 or IPv6
  FILE     on this machine; - is standard input or output
  yes      says that the whole table of the listener, and its mail flow policies, may be replaced

  --listener NAME      the table of this listener; else the one for each listener without a table of its own
  --name HOST          test: a name of the client that was verified to be its own; may be said again
${REPLACING_USAGE}`;

const OPTIONS = {
  listener: { type: 'string' },
  name: { type: 'string', multiple: true },
  ...REPLACING,
} as const;

interface Values extends ReplacingValues {
  readonly listener?: string;
  readonly name?: readonly string[];
}

type Call = ServerCall<Values>;

/** `mailyard hat`: the host access table as text, in batch (R130). */
export const run: Command = (args, io) =>
  runServerCommand('hat', USAGE, OPTIONS, args, io, (call) => {
    const [verb, ...words] = call.words;
    if (verb === undefined) throw new Misuse('hat takes print, import, export or test');
    const taken = TAKEN.get(verb);
    if (taken === undefined) throw new Misuse(`there is no ${JSON.stringify(verb)}`);
    demandOnly(verb, call.values, taken);
    switch (verb) {
      case 'print':
        return print(call, words);
      case 'import':
        return importFile(call, words);
      case 'export':
        return exportFile(call, words);
      default:
        return test(call, words);
    }
  });

/** The options that each verb looks at. */
const TAKEN: ReadonlyMap<string, readonly string[]> = new Map([
  ['print', ['listener']],
  ['import', ['listener', ...Object.keys(REPLACING)]],
  ['export', ['listener']],
  ['test', ['listener', 'name']],
]);

interface Tables extends HostAccessFile {
  readonly version: number;
}

/** All rows and policies, of every listener. */
async function readTables({ client }: Call): Promise<Tables> {
  return tablesOf(await client.getAccess());
}

function tablesOf({ version, hostAccess, mailFlowPolicies }: routingWire.GetAccessResponse): Tables {
  const known = <T>(read: T | undefined): T => {
    if (read === undefined) throw new Error('the host access table has rows of a later release');
    return read;
  };
  return {
    version,
    rows: hostAccess.map((row) => known(readHostAccess(row))),
    policies: mailFlowPolicies.map((policy) => known(readMailFlowPolicy(policy))),
  };
}

function ofListener({ rows, policies }: HostAccessFile, name: string): HostAccessFile {
  const isIts = ({ listener }: { readonly listener: string }): boolean => listener === name;
  return { rows: rows.filter(isIts), policies: policies.filter(isIts) };
}

/** Prints the table of one listener, or those of all, one behind the other. */
async function print(call: Call, words: readonly string[]): Promise<number> {
  if (words.length > 0) throw new Misuse('print takes no words');
  const tables = await readTables(call);
  const { listener } = call.values;
  const shown = listener === undefined ? tables : ofListener(tables, listener);
  const names = new Set([...shown.rows, ...shown.policies].map((each) => each.listener));
  const texts = Array.from(names, (name) => `# ${listenerText(name)}\n${printHatFile(ofListener(shown, name))}`);
  tellOwn(call, tables);
  if (call.isJson) call.print({ version: tables.version, hat: shown.rows, mailFlowPolicies: shown.policies }, '');
  else if (texts.length === 0) call.say('no rows: every client may connect, and none may relay');
  else await printPaged(call.io, texts.join('\n').split('\n').map(printable).join('\n'));
  return EXIT.done;
}

/** Says that the table of the listener that was asked for is not there: it may be misspelt. */
function tellOwn({ values: { listener = '' }, say }: Call, tables: HostAccessFile): void {
  const { rows, policies } = ofListener(tables, listener);
  if (listener === '' || rows.length + policies.length > 0) return;
  say(`there is no row for listener ${listener}: if there is such a listener, the rows for each listener count for it`);
}

function listenerText(name: string): string {
  return name === '' ? 'each listener without a table of its own' : `listener ${name}`;
}

async function exportFile(call: Call, words: readonly string[]): Promise<number> {
  const name = call.values.listener ?? '';
  const tables = await readTables(call);
  tellOwn(call, tables);
  const title = `hat export: ${listenerText(name)}, version ${tables.version}`;
  return exportTable(call, words, title, printHatFile(ofListener(tables, name)));
}

/** Replaces the table of one listener; those of others stay as they are (R130). */
function importFile(call: Call, words: readonly string[]): Promise<number> {
  const name = call.values.listener ?? '';
  return importTable(call, words, 'hat', (text) => {
    const read = readHatFile(text, name);
    if (read.kind === 'faults') return read;
    return { kind: 'read', operations: (access) => replacing(tablesOf(access), read.hat, name) };
  });
}

function replacing(tables: HostAccessFile, file: HostAccessFile, name: string): changeSetWire.Operation[] {
  const kept = (item: { readonly listener: string }): boolean => item.listener !== name;
  const policies = [...tables.policies.filter(kept), ...file.policies];
  const rows = [...tables.rows.filter(kept), ...file.rows];
  return [
    replaceSection(
      changeSetWire.Section.SECTION_MAIL_FLOW_POLICIES,
      policies.map((policy) => ({ $case: 'mailFlowPolicy', value: writeMailFlowPolicy(policy) })),
    ),
    replaceSection(
      changeSetWire.Section.SECTION_HOST_ACCESS,
      rows.map((row) => ({ $case: 'hostAccess', value: writeHostAccess(row) })),
    ),
  ];
}

/** Tells which row decides about a client, and what it may then do. */
async function test(call: Call, words: readonly string[]): Promise<number> {
  const [address, ...rest] = words;
  if (address === undefined || rest.length > 0 || addressNumber(address) === undefined)
    throw new Misuse('test takes one IP address');
  const names = (call.values.name ?? []).map(readHostName);
  const { version, rows, policies } = await readTables(call);
  tellOwn(call, { rows, policies });
  const table = HostAccessTable.read(rows, policies);
  if (!(table instanceof HostAccessTable)) throw new Error('the host access table cannot be read by this release');
  const hosts = table.of(call.values.listener ?? '');
  const { action, group, source, policy, limits } = hosts.verdict(address, names);
  const asksForNames = names.length === 0 && hosts.asksForNames(address);
  call.print(
    { version, address, action, group, source, policy, limits, asksForNames },
    `${action} SG ${group} match ${source}${policy === '' ? '' : ` policy ${policy}`}\n${limitTexts(limits)
      .map((text) => `  ${text}\n`)
      .join('')}`,
  );
  if (asksForNames) call.say('rows with host names stand above: say --name HOST to test with a name of the client');
  return EXIT.done;
}
