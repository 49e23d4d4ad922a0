import { type Command, EXIT } from '../io.ts';
import { Misuse, runServerCommand } from '../server-command.ts';

export const USAGE = `usage: mailyard verify

  Reads the whole configuration log, checks that every version continues the one before it, that the snapshot says
  what the versions say, and that the table that is served is the one of the log. Ends with 1 when it is not so.
`;

/** `mailyard verify`: checks the chain of the configuration's history. */
export const run: Command = (args, io) =>
  runServerCommand('verify', USAGE, {}, args, io, async ({ client, words, print, say }) => {
    if (words.length > 0) throw new Misuse('verify takes no words');
    const { lineage, versions, hash, problems } = await client.verify();
    for (const problem of problems) say(problem);
    const verdict = problems.length === 0 ? 'the chain holds' : 'THE CHAIN DOES NOT HOLD';
    print({ lineage, versions, hash, problems }, `${verdict}: lineage ${lineage}, ${versions} versions, ${hash}\n`);
    return problems.length === 0 ? EXIT.done : EXIT.refused;
  });
