import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { status } from '@grpc/grpc-js';
import { AdministrationClient, CallRefusal, type GrpcTarget } from '@mailyard/grpc';
import { parseEndpoint } from '@mailyard/settings';
import { escapeJson, printable } from '@mailyard/telemetry';
import type { ParseArgsOptionsConfig } from 'node:util';
import { type CommandIo, EXIT } from './io.ts';
import { Misuse, type Options, readOptions } from './options.ts';

export { demandOnly, Misuse } from './options.ts';

/** Options of every command that asks a server. */
const SHARED = {
  server: { type: 'string' },
  'token-file': { type: 'string' },
  ca: { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies ParseArgsOptionsConfig;

const SHARED_USAGE = `  --server HOST:PORT   the gateway to ask (MAILYARD_SERVER, else 127.0.0.1:50051); more, separated by commas: whichever answers
  --token-file FILE    holds the bearer token (else MAILYARD_TOKEN)
  --ca FILE            speak TLS and trust this authority; --cert FILE --key FILE show a certificate
  --json               print results as JSON
`;

/** What a command has to work with. */
export interface ServerCall<V> {
  readonly client: AdministrationClient;
  /** The same server, for what asks it in other ways. */
  readonly target: GrpcTarget;
  readonly words: readonly string[];
  readonly values: V;
  readonly isJson: boolean;
  readonly io: CommandIo;
  /** Prints a result: as JSON, or as text. */
  readonly print: (json: unknown, text: string) => void;
  /** Says something to the person, never on stdout. */
  readonly say: (text: string) => void;
}

/** Leaves out what the generated contracts keep of later versions: it is no result. */
export function withoutUnknownFields(key: string, value: unknown): unknown {
  return key === '_unknownFields' ? undefined : value;
}

/**
 * Runs a command that asks a server: reads its options, connects, and turns what it throws into a message and an exit
 * status.
 *
 * @param name as typed after `mailyard`
 */
export async function runServerCommand<O extends ParseArgsOptionsConfig>(
  name: string,
  usage: string,
  options: O,
  args: readonly string[],
  io: CommandIo,
  work: (call: ServerCall<Options<O>>) => Promise<number>,
): Promise<number> {
  // What a server says may repeat what others wrote.
  const say = (text: string): void =>
    void io.stderr.write(`mailyard ${name}: ${text.split('\n').map(printable).join('\n')}\n`);
  let client: AdministrationClient | undefined;
  let isJson = false;
  try {
    const { values: all, words } = readOptions({ ...options, ...SHARED }, args);
    const { server, 'token-file': tokenFile, ca, cert, key, json, help, ...values } = all as SharedValues;
    if (help === true) {
      io.stdout.write(`${usage}\n${SHARED_USAGE}`);
      return EXIT.done;
    }
    isJson = json === true;
    const target = readTarget({ server, 'token-file': tokenFile, ca, cert, key }, io.env);
    client = new AdministrationClient(target);
    const print = (result: unknown, text: string): void =>
      void io.stdout.write(isJson ? `${escapeJson(JSON.stringify(result, withoutUnknownFields, 2))}\n` : text);
    return await work({ client, target, words, values: values as Options<O>, isJson, io, print, say });
  } catch (error) {
    if (error instanceof Misuse) {
      say(error.message);
      io.stderr.write(`\n${usage}`);
      return EXIT.misused;
    }
    if (error instanceof CallRefusal) return tellRefusal(error, isJson, io, say);
    if (!(error instanceof Error)) throw error;
    say(error.message);
    return EXIT.refused;
  } finally {
    client?.close();
  }
}

type SharedValues = Options<typeof SHARED>;

function readTarget(values: Readonly<Record<string, string | undefined>>, env: CommandIo['env']): GrpcTarget {
  const addresses = (values['server'] ?? env['MAILYARD_SERVER'] ?? '127.0.0.1:50051')
    .split(',')
    .map((address) => address.trim());
  const wrong = addresses.find((address) => parseEndpoint(address) === undefined);
  if (wrong !== undefined) throw new Misuse(`--server takes HOST:PORT, not ${JSON.stringify(wrong)}`);
  const { ca, cert, key } = values;
  if ((cert === undefined) !== (key === undefined)) throw new Misuse('--cert and --key belong together');
  const file = (option: string): Buffer | undefined => readOptionFile(option, values[option]);
  const tokenFile = file('token-file');
  const token = tokenFile?.toString('utf8').trim() ?? env['MAILYARD_TOKEN'];
  const [authority, certificate, secret] = [file('ca'), file('cert'), file('key')];
  checkPem('--ca', () => authority && new X509Certificate(authority));
  if (certificate !== undefined)
    checkPem('--cert and --key', () => createSecureContext({ cert: certificate, key: secret }));
  const tls = {
    ...(authority === undefined ? {} : { authority }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(secret === undefined ? {} : { key: secret }),
  };
  return {
    addresses,
    ...(ca === undefined && cert === undefined ? {} : { tls }),
    ...(token === undefined || token === '' ? {} : { token }),
  };
}

/** @throws Error that names the option */
function readOptionFile(option: string, name: string | undefined): Buffer | undefined {
  if (name === undefined) return undefined;
  try {
    return readFileSync(name);
  } catch (error) {
    throw new Error(`--${option}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Says what is wrong with a file here: a server that is not asked would seem to be away. */
function checkPem(option: string, read: () => unknown): void {
  try {
    read();
  } catch (error) {
    throw new Error(`${option}: no certificate or key in PEM`, { cause: error });
  }
}

function tellRefusal(refusal: CallRefusal, isJson: boolean, io: CommandIo, say: (text: string) => void): number {
  const { code, details, message } = refusal;
  const isAway = (code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED) && details.reason === undefined;
  // grpc-js ends with a note that has nothing in it.
  if (isAway) say(`the server did not answer: ${message.replace(/ Resolution note: $/, '')}`);
  else if (code === status.UNIMPLEMENTED)
    say(`that process does not answer this (${message}); of a gateway in several, ask one of the role admin: --server`);
  else if (details.violations.length > 0)
    for (const { reason, description } of details.violations) say(`${reason}: ${description}`);
  else say(details.reason === undefined ? message : `${details.reason}: ${message}`);
  if (isJson) {
    const faults = details.violations.map(({ field, reason, description }) => ({
      code: reason,
      field,
      message: description,
    }));
    const reason = isAway ? 'SERVER_AWAY' : (details.reason ?? faults[0]?.code ?? status[code]);
    io.stdout.write(`${escapeJson(JSON.stringify({ refused: { code: reason, message, faults } }, undefined, 2))}\n`);
  }
  return isAway ? EXIT.away : EXIT.refused;
}
