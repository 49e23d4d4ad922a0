/** What the commands do alike that take an access table as a text: write it to a file, and put a file in its place. */
import type { AccessFault } from '@mailyard/access';
import type { changeSetWire, routingWire } from '@mailyard/contracts';
import { authorOf } from './author.ts';
import { readTextInput } from './input-file.ts';
import { EXIT } from './io.ts';
import { plainPreview, tellPreview } from './preview-text.ts';
import { fileFaultText } from './route-replacement.ts';
import { readExpectedVersion } from './route-version.ts';
import { Misuse, type ServerCall } from './server-command.ts';
import { writeWhole } from './whole-file.ts';

/** Options of a command whose file takes the place of a table. */
export const REPLACING = {
  reason: { type: 'string' },
  expect: { type: 'string' },
  id: { type: 'string' },
  author: { type: 'string' },
  'dry-run': { type: 'boolean' },
} as const;

export interface ReplacingValues {
  readonly reason?: string;
  readonly expect?: string;
  readonly id?: string;
  readonly author?: string;
  readonly 'dry-run'?: boolean;
}

export const REPLACING_USAGE = `  --dry-run            import: show what would change; commit nothing
  --reason TEXT        why, for the history
  --expect VERSION     refuse if the same has changed since that version
  --id ID              the same id again is the same change
`;

type Access = routingWire.GetAccessResponse;

/** What a text says: its faults, or what replaces the table as it is. */
export type ReadTable =
  | { readonly kind: 'faults'; readonly faults: readonly AccessFault[] }
  | { readonly kind: 'read'; readonly operations: (access: Access) => changeSetWire.Operation[] };

/** Replaces a table by what a file says, in one change set. */
export async function importTable(
  { client, values, io, isJson, print: out, say }: ServerCall<ReplacingValues>,
  words: readonly string[],
  name: string,
  readTable: (text: string) => ReadTable,
): Promise<number> {
  const [file, ...rest] = words;
  const isDry = values['dry-run'] === true;
  if (file === undefined || rest.length > 1 || (rest.length === 1 && rest[0] !== 'yes'))
    throw new Misuse('import takes one file');
  if (rest.length === 0 && !isDry) throw new Misuse('import replaces the whole table; say yes as its last word');
  const read = readTable(await readTextInput(file, io));
  if (read.kind === 'faults') {
    for (const fault of read.faults) say(fileFaultText(fault));
    out({ isCommitted: false, faults: read.faults }, '');
    say(`nothing was imported: ${read.faults.length} ${read.faults.length === 1 ? 'fault' : 'faults'}`);
    return EXIT.refused;
  }
  const access = await client.getAccess();
  const operations = read.operations(access);
  // What is not in the file was read as of this version, and is written back.
  const expectedVersion = readExpectedVersion(values.expect) ?? access.version;
  const preview = await client.preview({ operations, expectedVersion });
  tellPreview(preview, { isJson, io, say });
  const { faults, differences } = preview;
  const plain = plainPreview(preview);
  if (faults.length > 0 || isDry || differences.length === 0) {
    out({ version: preview.version, isCommitted: false, ...plain }, '');
    if (faults.length === 0) say(differences.length === 0 ? 'nothing to change' : 'nothing was changed');
    return faults.length > 0 ? EXIT.refused : EXIT.done;
  }
  const { version } = await client.commit({
    id: values.id ?? '',
    expectedVersion,
    operations,
    author: authorOf(values.author, io.env),
    reason: values.reason ?? `${name} import ${file === '-' ? 'from standard input' : file}`,
    confirmDiscardAll: false,
  });
  out({ version, isCommitted: true, ...plain }, '');
  if (!isJson) say(`committed as version ${version}`);
  return EXIT.done;
}

/** Writes the text of a table to a file or standard output, under a line that names who wrote it when. */
export async function exportTable(
  { io, print: out, say }: ServerCall<unknown>,
  words: readonly string[],
  title: string,
  content: string,
): Promise<number> {
  const [file, ...rest] = words;
  if (file === undefined || rest.length > 0) throw new Misuse('export takes one file');
  const whole = `# mailyard ${title}, ${new Date().toISOString()}, by ${authorOf(undefined, io.env)}\n${content}`;
  if (file === '-') {
    io.stdout.write(whole);
    return EXIT.done;
  }
  await writeWhole(file, Buffer.from(whole));
  out({ file, octets: Buffer.byteLength(whole) }, '');
  say(`written to ${file}`);
  return EXIT.done;
}

/** The operation that replaces a section. */
export function replaceSection(
  section: changeSetWire.Section,
  values: readonly NonNullable<changeSetWire.Item['item']>[],
): changeSetWire.Operation {
  return { operation: { $case: 'replace', value: { section, items: values.map((item) => ({ item })) } } };
}
