import { isDistributed, type SettingsFault } from '@mailyard/settings';
import { type Command, EXIT } from '../io.ts';
import { readStartOptions, START_USAGE } from '../start-options.ts';

const USAGE = START_USAGE.replace('usage: mailyard start', 'usage: mailyard check [--json]').replace(
  /^ +\[--dns/m,
  '                      [--dns',
);

/** `mailyard check`: says whether `start` with the same words would find its settings right, and every fault if not. */
export const run: Command = async (args, io) => {
  const json = args.includes('--json');
  const options = readStartOptions(
    args.filter((word) => word !== '--json'),
    io.env,
  );
  const answer = (faults: readonly SettingsFault[], mode?: string): void => {
    if (json)
      io.stdout.write(
        `${JSON.stringify({ valid: faults.length === 0, ...(mode === undefined ? {} : { mode }), faults })}\n`,
      );
    for (const { place, problem } of json ? [] : faults) io.stderr.write(`${place}: ${problem}\n`);
  };
  switch (options.kind) {
    case 'help':
      io.stdout.write(USAGE);
      return EXIT.done;
    case 'misused':
      io.stderr.write(`mailyard check: ${options.problem}\n`);
      return EXIT.misused;
    case 'faulty':
      answer(options.faults);
      return EXIT.settings;
    case 'ready': {
      const mode = isDistributed(options.settings) ? 'distributed' : 'embedded';
      answer([], mode);
      for (const name of options.unknownVariables) io.stderr.write(`${name}: begins like a setting but names none\n`);
      if (!json) io.stdout.write(`the settings are right: ${mode}, roles ${options.settings.roles.join(', ')}\n`);
      return EXIT.done;
    }
  }
};
