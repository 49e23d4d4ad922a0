import { randomUUID } from 'node:crypto';
import { SETUP_ID, type SetupRow } from '@mailyard/configuration';
import { readRouteLine, splitDestinations } from '@mailyard/smtp-routes';
import { authorOf } from '../author.ts';
import { Dialogue } from '../dialogue.ts';
import { differenceText, plainDifference } from '../difference-text.ts';
import { readTextInput } from '../input-file.ts';
import { type Command, EXIT } from '../io.ts';
import { Misuse, runServerCommand, type ServerCall } from '../server-command.ts';
import { askSetupPlan } from '../setup-plan.ts';
import { wantsColour } from '../table-text.ts';

export const USAGE = `usage: mailyard setup                  (asks)
       mailyard setup -f FILE yes

  Takes mail for domains and routes it: for each, an entry of the recipient access table and a route, in one change
  set. Run again, it replaces what it made itself and nothing else. Nothing takes effect before the last question.

  FILE   a line for each domain: example.com mail.example.com[,HOST...]; without a host, the DNS decides where to
`;

const OPTIONS = { file: { type: 'string', short: 'f' }, author: { type: 'string' } } as const;

interface Values {
  readonly file?: string;
  readonly author?: string;
}

/** `mailyard setup`: the wizard of the first day (R170 to R172), asked or from a file. */
export const run: Command = (args, io) =>
  runServerCommand('setup', USAGE, OPTIONS, args, io, async (call) => {
    const { words, values } = call;
    if (values.file === undefined) {
      if (words.length > 0) throw new Misuse('setup takes no words');
      const dialogue = new Dialogue(io);
      try {
        const rows = await askRows(dialogue);
        return rows === undefined
          ? cancelled(call)
          : await finish(call, rows, async () => (await dialogue.confirm('Commit this?', 'Y')) === true);
      } finally {
        dialogue.close();
      }
    }
    if (words.length !== 1 || words[0] !== 'yes')
      throw new Misuse('setup from a file commits at once; say yes as the last word');
    return finish(call, await readRows(values.file, call), async () => true);
  });

/** @returns undefined when there is nobody any more */
async function askRows(dialogue: Dialogue): Promise<SetupRow[] | undefined> {
  dialogue.say('Which mail shall be taken, and which hosts take it? Nothing takes effect before the last question.\n');
  const rows: SetupRow[] = [];
  for (;;) {
    const domain = await dialogue.ask(
      'Enter a domain to take mail for; .example.com stands for all domains below it. An empty line ends.',
    );
    if (domain === undefined) return undefined;
    if (domain === '') return rows;
    const hosts = await dialogue.ask(
      `Enter the hosts that take the mail for ${domain}, separated by commas. With none, the DNS decides.`,
    );
    if (hosts === undefined) return undefined;
    rows.push({ domain, destinations: splitDestinations(hosts) });
  }
}

async function readRows(file: string, { io }: ServerCall<Values>): Promise<SetupRow[]> {
  const content = await readTextInput(file, io);
  return content.split('\n').flatMap((line) => {
    const written = readRouteLine(line);
    return written === undefined ? [] : [{ domain: written.receivingDomain, destinations: written.destinations }];
  });
}

async function finish(
  call: ServerCall<Values>,
  rows: readonly SetupRow[],
  agree: () => Promise<boolean>,
): Promise<number> {
  const { client, isJson, io, print, say, values } = call;
  const { version, operations, hints, ...plan } = await askSetupPlan(client, rows);
  for (const { code, token, message } of plan.faults) say(`${code}: ${JSON.stringify(token)} ${message}`);
  if (plan.faults.length > 0) return EXIT.refused;
  for (const { message } of hints) say(message);
  if (operations.length === 0) {
    print({ version, isCommitted: false, differences: [] }, '');
    say(`nothing to change: version ${version} has it all`);
    return EXIT.done;
  }
  const { faults, differences } = await client.preview({ operations: [...operations] });
  for (const { code, token, message } of faults) say(`${code}: ${JSON.stringify(token)} ${message}`);
  if (faults.length > 0) return EXIT.refused;
  if (!isJson) io.stdout.write(differenceText(differences, wantsColour(io)));
  if (!(await agree())) return cancelled(call);
  const made = await client.commit({
    id: `${SETUP_ID}${randomUUID()}`,
    expectedVersion: version,
    operations: [...operations],
    author: authorOf(values.author, io.env),
    reason: 'setup wizard',
    confirmDiscardAll: false,
  });
  print({ version: made.version, isCommitted: true, differences: differences.map(plainDifference) }, '');
  say(`committed as version ${made.version}`);
  return EXIT.done;
}

function cancelled({ say }: ServerCall<Values>): number {
  say('nothing was changed');
  return EXIT.refused;
}
