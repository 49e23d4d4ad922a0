import { changeSetWire, configurationWire } from '@mailyard/contracts';
import { readRouteLine, ROUTE_FILE_LIMITS, splitDestinations } from '@mailyard/smtp-routes';
import { authorOf } from '../author.ts';
import { differenceText, plainDifference } from '../difference-text.ts';
import { readInput } from '../input-file.ts';
import { type Command, EXIT } from '../io.ts';
import { printPaged } from '../pager.ts';
import { runMenu } from './smtproutes-menu.ts';
import { alignRoutes } from '../route-text.ts';
import { readPast } from '../past-mail.ts';
import { previewOnly } from '../preview-text.ts';
import { fileFaultText } from '../route-replacement.ts';
import { testRoute } from '../test-route.ts';
import { readExpectedVersion, readVersion } from '../route-version.ts';
import { demandOnly, Misuse, runServerCommand, type ServerCall } from '../server-command.ts';
import { tellFollowing, waitingLines } from '../waiting-text.ts';
import { wantsColour } from '../table-text.ts';
import { writeWhole } from '../whole-file.ts';

export const USAGE = `usage: mailyard smtproutes                (the dialogue: nothing takes effect before COMMIT)
       mailyard smtproutes print
       mailyard smtproutes new DOMAIN DEST[,DEST...] [DEST...]
       mailyard smtproutes edit DOMAIN [DEST[,DEST...]] [DEST...]
       mailyard smtproutes delete DOMAIN
       mailyard smtproutes import FILE yes
       mailyard smtproutes export FILE
       mailyard smtproutes clear yes
       mailyard smtproutes test ADDRESS
       mailyard smtproutes test --message MESSAGE-ID [--recipient ADDRESS]

  DOMAIN   example.com, .example.com (all domains below it), [192.0.2.1], or ALL
  DEST     host[:port][/pri=N], [host] without MX lookup, an address; USEDNS or /dev/null alone; none empties ALL
  FILE     on this machine; - is standard input or output
  yes      says that all routes may be replaced, or, with ALL /dev/null, that mail may be dropped

  --auth NAME          outgoing authentication profile of the entry
  --reason TEXT        why, for the history
  --expect VERSION     refuse if the table has changed since that version
  --id ID              the same id again is the same change
  --dry-run            show what would change, and what it would do to the mail that waits; commit nothing
  --past TIME          with --dry-run, not of import: what it would have done to the mail of the last 30m, 24h, 7d
  --past-limit N       of so many recipients at the most, the newest (100000)
  --from FORMAT        import: the file is of sendmail (mailertable) or Postfix (transport)
  --directory DIR      where the dialogue's IMPORT and EXPORT find their files (this one)
  --version VERSION    print, export, test: as it was; --at TIME: test as of 2026-01-31T12:00:00Z
  --message ID         test: explain a delivery under the version that it went by; --recipient ADDRESS when there are several
`;

const OPTIONS = {
  auth: { type: 'string' },
  reason: { type: 'string' },
  expect: { type: 'string' },
  id: { type: 'string' },
  author: { type: 'string' },
  'dry-run': { type: 'boolean' },
  past: { type: 'string' },
  'past-limit': { type: 'string' },
  from: { type: 'string' },
  directory: { type: 'string' },
  at: { type: 'string' },
  version: { type: 'string' },
  message: { type: 'string' },
  recipient: { type: 'string' },
} as const;

interface Values {
  readonly auth?: string;
  readonly reason?: string;
  readonly expect?: string;
  readonly id?: string;
  readonly author?: string;
  readonly 'dry-run'?: boolean;
  readonly past?: string;
  readonly 'past-limit'?: string;
  readonly from?: string;
  readonly directory?: string;
  readonly at?: string;
  readonly version?: string;
  readonly message?: string;
  readonly recipient?: string;
}

type Call = ServerCall<Values>;

/** `mailyard smtproutes`: the batch forms of the AsyncOS command (R187, R189). Each commits at once. */
export const run: Command = (args, io) =>
  runServerCommand('smtproutes', USAGE, OPTIONS, args, io, (call) => {
    const [verb, ...words] = call.words;
    const taken = TAKEN.get(verb);
    if (taken === undefined) throw new Misuse(`there is no ${JSON.stringify(verb)}`);
    demandOnly(verb ?? 'the dialogue', call.values, taken);
    switch (verb) {
      case 'print':
        return print(call, words);
      case 'new':
      case 'edit':
        return put(call, verb, words);
      case 'delete':
        return remove(call, words);
      case 'import':
        return importFile(call, words);
      case 'export':
        return exportFile(call, words);
      case 'clear':
        return clear(call, words);
      case 'test':
        return testRoute(call, words);
      default:
        return runMenu(call, call.values.directory ?? process.cwd());
    }
  });

const COMMITTING = ['reason', 'expect', 'id', 'author', 'dry-run'];
const LOOKING_BACK = ['past', 'past-limit'];
/** The options that each verb looks at; undefined is the dialogue. */
const TAKEN: ReadonlyMap<string | undefined, readonly string[]> = new Map<string | undefined, readonly string[]>([
  ['print', ['version']],
  ['new', [...COMMITTING, ...LOOKING_BACK, 'auth']],
  ['edit', [...COMMITTING, ...LOOKING_BACK, 'auth']],
  ['delete', [...COMMITTING, ...LOOKING_BACK]],
  ['import', [...COMMITTING, 'from']],
  ['export', ['version']],
  ['clear', [...COMMITTING, ...LOOKING_BACK]],
  ['test', ['version', 'at', 'message', 'recipient']],
  [undefined, ['directory']],
]);

async function print({ client, values, isJson, io, print: out }: Call, words: readonly string[]): Promise<number> {
  if (words.length > 0) throw new Misuse('print takes no words');
  const { version, mode, routes } = await client.table(readVersion(values.version));
  const json = {
    version,
    mode: mode === changeSetWire.MatchingMode.MATCHING_MODE_DOTTED ? 'dotted' : 'covering',
    routes: routes.map(plainRoute),
  };
  if (isJson) out(json, '');
  else await printPaged(io, alignRoutes(routes));
  return EXIT.done;
}

async function put(call: Call, verb: 'new' | 'edit', words: readonly string[]): Promise<number> {
  const [receivingDomain, ...rest] = words;
  const isConfirmed = rest.at(-1) === 'yes';
  // "/auth=NAME" behind the last destination means the same as in a file.
  const written = readRouteLine(`x ${(isConfirmed ? rest.slice(0, -1) : rest).flatMap(splitDestinations).join(',')}`);
  if (receivingDomain === undefined || written === undefined)
    throw new Misuse(`${verb} takes a domain and its destinations`);
  const authProfile = call.values.auth ?? written.authProfile;
  const destinations = [...written.destinations];
  if (verb === 'new' && destinations.length === 0) throw new Misuse('new takes at least one destination');
  const route: changeSetWire.SmtpRoute = { receivingDomain, destinations, authProfile };
  const expectation =
    verb === 'new' ? changeSetWire.Expectation.EXPECTATION_ABSENT : changeSetWire.Expectation.EXPECTATION_PRESENT;
  const set: changeSetWire.SetItem = { item: { item: { $case: 'route', value: route } }, expectation };
  return commit(
    call,
    [{ operation: { $case: 'set', value: set } }],
    isConfirmed,
    `smtproutes ${verb} ${receivingDomain}`,
  );
}

async function remove(call: Call, words: readonly string[]): Promise<number> {
  const [key, ...rest] = words;
  if (key === undefined || rest.length > 0) throw new Misuse('delete takes one domain');
  const value: changeSetWire.RemoveItem = { section: changeSetWire.Section.SECTION_ROUTES, key };
  return commit(call, [{ operation: { $case: 'remove', value } }], false, `smtproutes delete ${key}`);
}

async function clear(call: Call, words: readonly string[]): Promise<number> {
  const isDry = call.values['dry-run'] === true;
  if (words.length > 1 || (words.length === 1 ? words[0] !== 'yes' : !isDry))
    throw new Misuse('clear removes all routes and empties ALL; say yes as its last word');
  const value: changeSetWire.ReplaceSection = { section: changeSetWire.Section.SECTION_ROUTES, items: [] };
  return commit(call, [{ operation: { $case: 'replace', value } }], false, 'smtproutes clear');
}

async function commit(
  call: Call,
  operations: changeSetWire.Operation[],
  confirmDiscardAll: boolean,
  reason: string,
): Promise<number> {
  const { client, values, print: out, say, io } = call;
  const past = readPast(values);
  if (values['dry-run'] === true)
    return (await previewOnly(call, operations, readExpectedVersion(values.expect), past)) ? EXIT.done : EXIT.refused;
  const { version, hash, warnings, wasCommitted } = await client.commit({
    id: values.id ?? '',
    expectedVersion: readExpectedVersion(values.expect),
    operations,
    author: authorOf(values.author, io.env),
    reason: values.reason ?? reason,
    confirmDiscardAll,
  });
  for (const warning of warnings) say(`warning: ${warning}`);
  out({ version, hash, wasCommitted, warnings }, '');
  say(`committed as version ${version}${wasCommitted ? ', before now' : ''}`);
  await tellFollowing(client, version, say);
  return EXIT.done;
}

async function importFile(call: Call, words: readonly string[]): Promise<number> {
  const { client, values, print: out, say, io } = call;
  const [file, ...rest] = words;
  const isDry = values['dry-run'] === true;
  if (file === undefined || rest.length > 1 || (rest.length === 1 && rest[0] !== 'yes'))
    throw new Misuse('import takes one file');
  if (rest.length === 0 && !isDry) throw new Misuse('import replaces all routes; say yes as its last word');
  const content = await readInput(file, io, ROUTE_FILE_LIMITS.octets);
  const answer = await client.importRoutes(
    {
      id: values.id ?? '',
      expectedVersion: readExpectedVersion(values.expect),
      author: authorOf(values.author, io.env),
      reason: values.reason ?? `smtproutes import ${file === '-' ? 'from standard input' : file}`,
      format: readFormat(values.from),
      dryRun: isDry,
      confirmDiscardAll: rest.length === 1,
    },
    content,
  );
  const { version, faults, warnings, added, removed, changed, unchanged, isCommitted, differences, waiting } = answer;
  for (const fault of faults) say(fileFaultText(fault));
  for (const warning of warnings) say(`warning: ${warning}`);
  const counted = { version, isCommitted, added, removed, changed, unchanged };
  out(
    { ...counted, warnings, faults: faults.map(plainFault), differences: differences.map(plainDifference), waiting },
    differenceText(differences, wantsColour(io)),
  );
  if (faults.length > 0) {
    say(`nothing was imported: ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`);
    return EXIT.refused;
  }
  const counts = `${added} added, ${removed} removed, ${changed} changed, ${unchanged} unchanged`;
  say(isCommitted ? `version ${version}: ${counts}` : `would be: ${counts}`);
  for (const line of waitingLines(waiting)) say(line);
  if (isCommitted && added + removed + changed > 0) await tellFollowing(client, version, say);
  return EXIT.done;
}

async function exportFile({ client, values, print: out, say, io }: Call, words: readonly string[]): Promise<number> {
  const [file, ...rest] = words;
  if (file === undefined || rest.length > 0) throw new Misuse('export takes one file');
  const content = await client.exportRoutes(readVersion(values.version));
  if (file === '-') {
    io.stdout.write(content);
    return EXIT.done;
  }
  await writeWhole(file, content);
  out({ file, octets: content.length }, '');
  say(`written to ${file}`);
  return EXIT.done;
}

function plainRoute({ receivingDomain, destinations, authProfile }: changeSetWire.SmtpRoute) {
  return { receivingDomain, destinations, ...(authProfile === undefined ? {} : { authProfile }) };
}

function plainFault({ code, message, token, field, line }: changeSetWire.Fault) {
  return { code, message, token, field, line };
}

function readFormat(text: string | undefined): configurationWire.FileFormat {
  const { FileFormat } = configurationWire;
  if (text === undefined || text === 'smtproutes') return FileFormat.FILE_FORMAT_SMTPROUTES;
  if (text === 'mailertable') return FileFormat.FILE_FORMAT_MAILERTABLE;
  if (text === 'transport') return FileFormat.FILE_FORMAT_TRANSPORT;
  throw new Misuse(`--from takes mailertable or transport, not ${JSON.stringify(text)}`);
}
