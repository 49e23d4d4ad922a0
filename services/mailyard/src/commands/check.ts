import { SmtpUserFile } from '@mailyard/credentials';
import { findServerCertificateFaults, isDistributed, type Settings, type SettingsFault } from '@mailyard/settings';
import { checkGateways } from '../gateway/check-gateways.ts';
import { type Command, type CommandIo, EXIT } from '../io.ts';
import { readStartOptions, START_USAGE } from '../start-options.ts';

const USAGE = `${START_USAGE.replace('usage: mailyard start', 'usage: mailyard check [--offline] [--json]')}
Says whether 'mailyard start' with the same words would find its settings right, and every fault if not. Kafka, Redis and the
body store of a distributed gateway are asked whether they are safe for mail, and the addresses of virtual gateways are
tried, and the files of certificates read, unless --offline is given.
Exit status 0 all is right, 78 settings or stores are wrong, 69 a store does not answer.
`;

/** `mailyard check`: the settings and what they name. */
export const run: Command = async (args, io) => {
  const isJson = args.includes('--json');
  const isOffline = args.includes('--offline');
  const options = readStartOptions(
    args.filter((word) => word !== '--json' && word !== '--offline'),
    io.env,
  );
  switch (options.kind) {
    case 'help':
      io.stdout.write(USAGE);
      return EXIT.done;
    case 'misused':
      io.stderr.write(`mailyard check: ${options.problem}\n`);
      return EXIT.misused;
    case 'faulty':
      answer(io, isJson, options.faults);
      return EXIT.settings;
    case 'ready':
      break;
  }
  const { settings, unknownVariables } = options;
  for (const name of unknownVariables) io.stderr.write(`${name}: begins like a setting but names none\n`);
  let status: number = EXIT.done;
  let faults: readonly SettingsFault[] = [];
  if (isDistributed(settings) && !isOffline) {
    const { checkStores } = await import('../gateway/check-stores.ts');
    const { away, unsafe } = await checkStores(settings, io.env);
    faults = [...unsafe, ...away];
    if (unsafe.length > 0) status = EXIT.settings;
    else if (away.length > 0) status = EXIT.away;
  }
  if (!isOffline) {
    const unusable = [...findServerCertificateFaults(settings), ...(await checkGateways(settings))];
    faults = [...faults, ...unusable];
    if (unusable.length > 0) status = EXIT.settings;
  }
  const users = await checkSmtpUsers(settings);
  if (users.fault !== undefined) {
    faults = [...faults, users.fault];
    status = EXIT.settings;
  }
  if (settings.delivery.possibleDelivery)
    io.stderr.write(
      'delivery.possibleDelivery: a host that drops a connection behind the final dot loses mail; see its how-to\n',
    );
  if (users.isEmpty) io.stderr.write('smtp.users: nobody can authenticate yet; see mailyard smtp-user\n');
  answer(io, isJson, faults, settings);
  return status;
};

/** Whether those who may authenticate can be read, where a listener takes AUTH. */
async function checkSmtpUsers(
  settings: Settings,
): Promise<{ readonly isEmpty: boolean; readonly fault?: SettingsFault }> {
  const { smtpUsersFileOf, takesAuthentication } = await import('../gateway/listener-plan.ts');
  if (!settings.roles.includes('ingress') || !takesAuthentication(settings)) return { isEmpty: false };
  try {
    const { size } = await new SmtpUserFile(smtpUsersFileOf(settings)).users();
    return { isEmpty: size === 0 };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { isEmpty: false, fault: { place: 'smtp.users', problem } };
  }
}

function answer(io: CommandIo, isJson: boolean, faults: readonly SettingsFault[], settings?: Settings): void {
  const mode = settings === undefined ? undefined : isDistributed(settings) ? 'distributed' : 'embedded';
  if (isJson) {
    io.stdout.write(
      `${JSON.stringify({ valid: faults.length === 0, ...(mode === undefined ? {} : { mode }), faults })}\n`,
    );
    return;
  }
  for (const { place, problem } of faults) io.stderr.write(`${place}: ${problem}\n`);
  if (faults.length === 0 && settings !== undefined) {
    io.stdout.write(`the settings are right: ${mode}, roles ${settings.roles.join(', ')}\n`);
  }
}
