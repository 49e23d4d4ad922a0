import { differenceText, plainDifference } from '../difference-text.ts';
import { type Command, EXIT } from '../io.ts';
import { Misuse, runServerCommand } from '../server-command.ts';
import { readCount } from '../words.ts';

export const USAGE = `usage: mailyard diff FROM [TO]

  FROM, TO   versions; without TO, the newest
`;

/** `mailyard diff`: what differs between two versions of the configuration. */
export const run: Command = (args, io) =>
  runServerCommand('diff', USAGE, {}, args, io, async ({ client, words, print }) => {
    const [from, to, ...rest] = words.map((word) => readCount('a version', word));
    if (from === undefined || rest.length > 0) throw new Misuse('diff takes one version or two');
    const { fromVersion, toVersion, differences } = await client.diff({ fromVersion: from, toVersion: to ?? 0 });
    print(
      { fromVersion, toVersion, differences: differences.map(plainDifference) },
      differenceText(differences, io.isTerminal),
    );
    return EXIT.done;
  });
