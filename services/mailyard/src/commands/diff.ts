import { differenceText, plainDifference } from '../difference-text.ts';
import { type Command, EXIT } from '../io.ts';
import { printPaged } from '../pager.ts';
import { Misuse, runServerCommand } from '../server-command.ts';
import { wantsColour } from '../table-text.ts';
import { readCount } from '../words.ts';

export const USAGE = `usage: mailyard diff FROM [TO]

  FROM, TO   versions; without TO, the newest
`;

/** `mailyard diff`: what differs between two versions of the configuration. */
export const run: Command = (args, io) =>
  runServerCommand('diff', USAGE, {}, args, io, async ({ client, words, isJson, io, print }) => {
    const [from, to, ...rest] = words.map((word) => readCount('a version', word));
    if (from === undefined || rest.length > 0) throw new Misuse('diff takes one version or two');
    const { fromVersion, toVersion, differences } = await client.diff({ fromVersion: from, toVersion: to ?? 0 });
    if (isJson) print({ fromVersion, toVersion, differences: differences.map(plainDifference) }, '');
    else await printPaged(io, differenceText(differences, wantsColour(io)));
    return EXIT.done;
  });
