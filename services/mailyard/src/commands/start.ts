import { hostname } from 'node:os';
import { findServerCertificateFaults } from '@mailyard/settings';
import { createLogger } from '@mailyard/telemetry';
import { firstSignInText } from '../first-sign-in.ts';
import { type Command, EXIT } from '../io.ts';
import { readStartOptions, START_USAGE } from '../start-options.ts';
import { version } from '../version.ts';

/** `mailyard start`: runs the gateway in the foreground until SIGTERM or SIGINT, or until a store fails. */
export const run: Command = async (args, io) => {
  const options = readStartOptions(args, io.env);
  switch (options.kind) {
    case 'help':
      io.stdout.write(START_USAGE);
      return EXIT.done;
    case 'misused':
      io.stderr.write(`mailyard start: ${options.problem}\n`);
      return EXIT.misused;
    case 'faulty':
      for (const { place, problem } of options.faults) io.stderr.write(`${place}: ${problem}\n`);
      return EXIT.settings;
    case 'ready':
      break;
  }
  const { settings, accept, unknownVariables } = options;
  const unusable = findServerCertificateFaults(settings);
  if (unusable.length > 0) {
    for (const { place, problem } of unusable) io.stderr.write(`${place}: ${problem}\n`);
    return EXIT.settings;
  }
  for (const name of unknownVariables) io.stderr.write(`${name}: begins like a setting but names none\n`);
  const { startGateway } = await import('../gateway/start-gateway.ts');
  const logger = createLogger({ level: settings.telemetry.level });
  const stopped = new Promise<'signal'>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve('signal'));
  });
  let gateway: Awaited<ReturnType<typeof startGateway>>;
  try {
    gateway = await startGateway(settings, { accept, version: version(), environment: io.env, logger });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? `${String(error.code)}: ` : '';
    io.stderr.write(`mailyard start: ${code}${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.refused;
  }
  const smtp = gateway.smtp.length > 0 ? `smtp=${gateway.smtp.join(',')} ` : '';
  io.stdout.write(`mailyard ready ${smtp}grpc=${gateway.grpc} http=${gateway.http}\n`);
  if (gateway.firstCode !== undefined) {
    const { http: address, firstCode } = gateway;
    io.stderr.write(firstSignInText(address, settings.http.tls !== undefined, firstCode, hostname()));
  }
  const ending = await Promise.race([stopped, gateway.failed]);
  if (ending instanceof Error) logger.error('STORE_FAILED', { error: ending });
  await gateway.stop();
  return ending instanceof Error ? EXIT.refused : EXIT.done;
};
