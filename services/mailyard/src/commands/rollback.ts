import { authorOf } from '../author.ts';
import { askWhether } from '../dialogue.ts';
import { differenceText, plainDifference } from '../difference-text.ts';
import { type Command, EXIT } from '../io.ts';
import { Misuse, runServerCommand } from '../server-command.ts';
import { wantsColour } from '../table-text.ts';
import { tellFollowing, waitingLines } from '../waiting-text.ts';
import { readCount } from '../words.ts';

export const USAGE = `usage: mailyard rollback VERSION [yes]

  Commits, as a new version, what makes the configuration say again what VERSION said. Shows the difference first and
  asks, unless yes stands behind it.

  --reason TEXT   why, for the history
  --dry-run       show the difference, and what it would do to the mail that waits; commit nothing
`;

const OPTIONS = {
  reason: { type: 'string' },
  author: { type: 'string' },
  id: { type: 'string' },
  'dry-run': { type: 'boolean' },
} as const;

/** `mailyard rollback`: goes back to what a version said. */
export const run: Command = (args, io) =>
  runServerCommand('rollback', USAGE, OPTIONS, args, io, async ({ client, words, values, isJson, print, say }) => {
    const [word, yes, ...rest] = words;
    if (word === undefined || rest.length > 0 || (yes !== undefined && yes !== 'yes'))
      throw new Misuse('rollback takes one version');
    const version = readCount('a version', word);
    const { toVersion: newest, differences: undone } = await client.diff({ fromVersion: version, toVersion: 0 });
    const differences = undone.map((one) => ({
      ...one,
      before: one.after,
      after: one.before,
      modeBefore: one.modeAfter,
      modeAfter: one.modeBefore,
    }));
    if (!isJson) io.stdout.write(differenceText(differences, wantsColour(io)));
    const isDry = values['dry-run'] === true;
    const { waiting, warnings } = await client.preview({ operations: [], rollBackTo: version });
    for (const warning of warnings) say(`warning: ${warning}`);
    for (const line of waitingLines(waiting)) say(line);
    if (isDry || (yes === undefined && !(await askWhether(io, `Go back to version ${version}?`)))) {
      print({ version: newest, isCommitted: false, differences: differences.map(plainDifference), waiting }, '');
      if (!isDry) say('nothing was changed');
      return isDry ? EXIT.done : EXIT.refused;
    }
    const { version: made, wasCommitted } = await client.rollback({
      toVersion: version,
      id: values.id ?? '',
      expectedVersion: newest,
      author: authorOf(values.author, io.env),
      reason: values.reason ?? '',
      confirmDiscardAll: true,
    });
    print({ version: made, isCommitted: true, wasCommitted, differences: differences.map(plainDifference) }, '');
    say(`committed as version ${made}`);
    await tellFollowing(client, made, say);
    return EXIT.done;
  });
