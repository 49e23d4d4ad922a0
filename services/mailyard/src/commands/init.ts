import { initialiseConfiguration } from '@mailyard/routing';
import { isDistributed } from '@mailyard/settings';
import { type Command, EXIT } from '../io.ts';
import { readStartOptions } from '../start-options.ts';

const USAGE = `usage: mailyard init --config FILE

Writes the lineage that the settings name (configuration.lineage) into an empty configuration log, once, before the first
process of a distributed gateway starts. An embedded gateway needs none: 'mailyard start' does it for a new data directory.
Exit status 0 also when the log is of this lineage already; 1 when it is of another.
`;

/** `mailyard init`: makes a new configuration, which takes no mail and routes nothing. */
export const run: Command = async (args, io) => {
  const options = readStartOptions(args, io.env);
  switch (options.kind) {
    case 'help':
      io.stdout.write(USAGE);
      return EXIT.done;
    case 'misused':
      io.stderr.write(`mailyard init: ${options.problem}\n`);
      return EXIT.misused;
    case 'faulty':
      for (const { place, problem } of options.faults) io.stderr.write(`${place}: ${problem}\n`);
      return EXIT.settings;
    case 'ready':
      break;
  }
  const { settings } = options;
  if (!isDistributed(settings)) {
    io.stderr.write('mailyard init: these settings are of an embedded gateway, which needs none\n');
    return EXIT.misused;
  }
  const { redisLocation } = await import('../gateway/distributed-stores.ts');
  const { RedisConfigurationLog } = await import('@mailyard/redis');
  const log = new RedisConfigurationLog(redisLocation(settings, io.env));
  try {
    const lineage = settings.configuration.lineage!;
    const isNew = await initialiseConfiguration(log, lineage, 'mailyard init', Date.now());
    io.stdout.write(isNew ? `lineage ${lineage} begins\n` : `lineage ${lineage} is there already\n`);
    return EXIT.done;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    io.stderr.write(`mailyard init: ${error instanceof Error ? error.message : String(error)}\n`);
    return code === 'CONFIGURATION_AWAY' ? EXIT.away : EXIT.refused;
  } finally {
    await log.close();
  }
};
