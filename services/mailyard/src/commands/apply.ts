import { authorOf } from '../author.ts';
import { printConfigurationFile, readConfigurationFile } from '../configuration-file.ts';
import { askWhether } from '../dialogue.ts';
import { readTextInput } from '../input-file.ts';
import { type Command, EXIT } from '../io.ts';
import { readPast } from '../past-mail.ts';
import { plainPreview, tellPast, tellPreview } from '../preview-text.ts';
import { demandOnly, Misuse, runServerCommand, type ServerCall } from '../server-command.ts';
import { tellFollowing } from '../waiting-text.ts';

export const USAGE = `usage: mailyard apply -f FILE [yes]
       mailyard apply --show

  Makes the configuration say what FILE (YAML or JSON; - is standard input) says: each section that stands in it is
  replaced, others stay. Shows the difference, asks unless yes stands behind, and commits one change set.

  --show          print the configuration as such a file
  --dry-run       show the difference only
  --past TIME     with --dry-run: what it would have done to the mail of the last 30m, 24h, 7d
  --past-limit N  of so many recipients at the most, the newest (100000)
  --reason TEXT   why, for the history
`;

const OPTIONS = {
  file: { type: 'string', short: 'f' },
  show: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  past: { type: 'string' },
  'past-limit': { type: 'string' },
  reason: { type: 'string' },
  author: { type: 'string' },
  id: { type: 'string' },
} as const;

interface Values {
  readonly file?: string;
  readonly show?: boolean;
  readonly 'dry-run'?: boolean;
  readonly past?: string;
  readonly 'past-limit'?: string;
  readonly reason?: string;
  readonly author?: string;
  readonly id?: string;
}

/** `mailyard apply`: the configuration from a file, declared and not edited. */
export const run: Command = (args, io) =>
  runServerCommand('apply', USAGE, OPTIONS, args, io, (call) => {
    const { words, values } = call;
    if (values.show === true) {
      demandOnly('apply --show', values, ['show']);
      if (words.length > 0) throw new Misuse(`apply --show takes no word ${JSON.stringify(words[0])}`);
      return show(call);
    }
    if (values.file === undefined || words.length > 1 || (words.length === 1 && words[0] !== 'yes'))
      throw new Misuse('apply takes -f FILE');
    return apply(call, values.file, words.length === 1);
  });

async function show({ client, io }: ServerCall<Values>): Promise<number> {
  const [table, access] = await Promise.all([client.table(), client.getAccess()]);
  io.stdout.write(printConfigurationFile(table, access));
  return EXIT.done;
}

async function apply(
  { client, target, values, isJson, io, print, say }: ServerCall<Values>,
  file: string,
  isAgreed: boolean,
): Promise<number> {
  const range = readPast(values);
  const operations = readConfigurationFile(await readTextInput(file, io));
  const preview = await client.preview({ operations });
  const { version, faults, differences } = preview;
  tellPreview(preview, { io, isJson, say });
  const plain = plainPreview(preview);
  if (faults.length > 0) {
    print({ version, isCommitted: false, ...plain }, '');
    return EXIT.refused;
  }
  if (differences.length === 0) {
    print({ version, isCommitted: false, ...plain }, '');
    say(`nothing to change: version ${version} says the same`);
    return EXIT.done;
  }
  const isDry = values['dry-run'] === true;
  if (isDry || (!isAgreed && !(await askWhether(io, 'Commit this?')))) {
    const past = await tellPast({ target, say }, operations, range);
    print({ version, isCommitted: false, ...plain, ...past }, '');
    if (!isDry) say('nothing was changed');
    return isDry ? EXIT.done : EXIT.refused;
  }
  const made = await client.commit({
    id: values.id ?? '',
    expectedVersion: version,
    operations,
    author: authorOf(values.author, io.env),
    reason: values.reason ?? `apply ${file === '-' ? 'from standard input' : file}`,
    confirmDiscardAll: true,
  });
  print({ version: made.version, isCommitted: true, ...plain }, '');
  say(`committed as version ${made.version}`);
  await tellFollowing(client, made.version, say);
  return EXIT.done;
}
