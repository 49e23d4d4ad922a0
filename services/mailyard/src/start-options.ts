import { type AcceptedDomain, readAcceptedDomain } from '@mailyard/configuration';
import {
  findCertificateFaults,
  findInconsistencies,
  type LoadedSettings,
  loadSettings,
  type Override,
  parseEndpoint,
  type Settings,
  type SettingsFault,
} from '@mailyard/settings';
import { DEFAULT_ROUTE_RULES } from '@mailyard/smtp-routes';
import { Misuse, readOptions } from './options.ts';

export type StartOptions =
  | { readonly kind: 'help' }
  | { readonly kind: 'misused'; readonly problem: string }
  | { readonly kind: 'faulty'; readonly faults: readonly SettingsFault[] }
  | {
      readonly kind: 'ready';
      readonly settings: Settings;
      /** One for each `--accept DOMAIN=DEST[,DEST…]`. */
      readonly accept: readonly AcceptedDomain[];
      readonly unknownVariables: readonly string[];
    };

export const START_USAGE = `usage: mailyard start [--config FILE] [--data DIR] [--smtp HOST:PORT] [--grpc HOST:PORT] [--http HOST:PORT]
                      [--dns HOST:PORT] [--accept DOMAIN=DEST[,DEST...]]... [--roles ROLE[,ROLE...]]

  --config FILE   settings (mailyard.yaml); every key is also an environment variable
  --data DIR      where the embedded stores lie (./data)
  --smtp          where mail comes in (127.0.0.1:2525)
  --grpc          where programs and the command line ask (127.0.0.1:50051)
  --http          the web page, health, metrics (127.0.0.1:8080)
  --dns           a resolver to ask instead of the system's; may be repeated
  --accept        take mail for DOMAIN (or .DOMAIN) and route it to DEST, if not there yet; may be repeated
  --roles         ingress, routing, delivery, admin (all); without delivery mail is accepted and kept
`;

/** Reads the command line of `start` and `check`, and the settings behind it. Finds all faults at once. */
export function readStartOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): StartOptions {
  let values: ReturnType<typeof parse>['values'];
  try {
    values = parse(args).values;
  } catch (error) {
    if (!(error instanceof Misuse)) throw error;
    return { kind: 'misused', problem: error.message };
  }
  if (values.help === true) return { kind: 'help' };
  const accept: AcceptedDomain[] = [];
  for (const text of values.accept ?? []) {
    const accepted = parseAccept(text);
    if (accepted === undefined)
      return { kind: 'misused', problem: `--accept takes DOMAIN=DEST[,DEST...], not ${JSON.stringify(text)}` };
    accept.push(accepted);
  }
  for (const option of ['smtp', 'grpc', 'http'] as const) {
    const text = values[option];
    if (text !== undefined && parseEndpoint(text) === undefined)
      return { kind: 'misused', problem: `--${option} takes HOST:PORT, not ${JSON.stringify(text)}` };
  }
  const loaded = loadSettings(values.config, environment, overridesOf(values));
  return finish(loaded, accept);
}

function finish(loaded: LoadedSettings, accept: readonly AcceptedDomain[]): StartOptions {
  if (loaded.kind === 'faulty') return loaded;
  const { settings } = loaded;
  const faults = [
    ...findInconsistencies(settings),
    ...findCertificateFaults(settings),
    ...findAcceptFaults(accept, settings),
  ];
  return faults.length > 0
    ? { kind: 'faulty', faults }
    : { kind: 'ready', settings, accept, unknownVariables: loaded.unknownVariables };
}

function parse(args: readonly string[]) {
  const { values, words } = readOptions(
    {
      config: { type: 'string' },
      data: { type: 'string' },
      smtp: { type: 'string' },
      grpc: { type: 'string' },
      http: { type: 'string' },
      dns: { type: 'string', multiple: true },
      accept: { type: 'string', multiple: true },
      roles: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
    args,
  );
  if (words.length > 0) throw new Misuse(`takes no word ${JSON.stringify(words[0])}`);
  return { values };
}

function overridesOf(values: ReturnType<typeof parse>['values']): Override[] {
  const overrides: Override[] = [];
  const take = (option: string, path: readonly (string | number)[], value: unknown): void => {
    if (value !== undefined) overrides.push({ option: `--${option}`, path, value });
  };
  take('data', ['data'], values.data);
  take('smtp', ['listeners', 0, 'address'], values.smtp);
  take('grpc', ['grpc', 'address'], values.grpc);
  take('http', ['http', 'address'], values.http);
  take('dns', ['dns', 'servers'], values.dns);
  take(
    'roles',
    ['roles'],
    values.roles?.split(',').map((role) => role.trim()),
  );
  return overrides;
}

function parseAccept(text: string): AcceptedDomain | undefined {
  const equals = text.indexOf('=');
  if (equals < 1) return undefined;
  const destinations = text
    .slice(equals + 1)
    .split(',')
    .map((destination) => destination.trim())
    .filter((destination) => destination !== '');
  return destinations.length === 0 ? undefined : { domain: text.slice(0, equals).trim(), destinations };
}

function findAcceptFaults(accept: readonly AcceptedDomain[], { routing }: Settings): SettingsFault[] {
  const rules = { ...DEFAULT_ROUTE_RULES, maxRoutes: routing.maxRoutes };
  return accept.flatMap((accepted) => {
    const read = readAcceptedDomain(accepted, rules);
    const faults = 'faults' in read ? read.faults : [];
    return faults.map(({ token, message }) => ({
      place: `--accept ${accepted.domain}`,
      problem: `${JSON.stringify(token)} ${message}`,
    }));
  });
}
