import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ListenerPlan } from '@mailyard/ingress';
import { type ListenerSettings, parseEndpoint, type Settings } from '@mailyard/settings';

/** Refused commands after which a client is dismissed. */
const MAX_ERRORS = 20;
/** RFC 5321 §4.5.3.2.7 */
const COMMAND_TIMEOUT_MS = 300_000;
const CONTENT_TIMEOUT_MS = 180_000;

/** What one listener does, from the settings. */
export function planListener(
  listener: ListenerSettings,
  settings: Settings,
  process: { readonly hostname: string; readonly inlineOctets: number; readonly nextIcid: () => string },
): ListenerPlan {
  const { host, port } = parseEndpoint(listener.address)!;
  const { hostname, nextIcid } = process;
  const { maxMessageOctets, maxRecipients, maxConnections, maxConnectionsPerClient, maxReceivedFields } = listener;
  return {
    host,
    port,
    engine: listener.engine,
    receiver: {
      hostname,
      maxMessageOctets,
      maxRecipients,
      maxConnections,
      maxConnectionsPerClient,
      maxErrors: MAX_ERRORS,
      commandTimeoutMs: COMMAND_TIMEOUT_MS,
      contentTimeoutMs: CONTENT_TIMEOUT_MS,
      nextIcid,
      ...tlsOf(listener, settings),
      ...authenticationOf(listener),
    },
    settings: {
      hostname,
      listener: listener.name,
      inlineOctets: settings.bodies.inlineOctets ?? process.inlineOctets,
      maxAgeSeconds: settings.delivery.bounce.maxAgeSeconds,
      maxReceivedFields,
    },
  };
}

function tlsOf(listener: ListenerSettings, { tls }: Settings): Pick<ListenerPlan['receiver'], 'tls'> {
  if (listener.tls === 'none' || tls === undefined) return {};
  return {
    tls: {
      certificate: readFileSync(tls.certificate, 'utf8'),
      key: readFileSync(tls.key, 'utf8'),
      isImplicit: listener.tls === 'implicit',
    },
  };
}

function authenticationOf({
  auth,
  authWithoutTls,
}: ListenerSettings): Pick<ListenerPlan['receiver'], 'authentication'> {
  if (auth === 'none') return {};
  return { authentication: { isRequired: auth === 'required', isAllowedInClear: authWithoutTls } };
}

/** Where the users of SMTP AUTH stand. */
export function smtpUsersFileOf({ smtp, data }: Pick<Settings, 'smtp' | 'data'>): string {
  return smtp.users ?? join(data, 'smtp-users.json');
}

/** Whether any listener takes AUTH. */
export function takesAuthentication({ listeners }: Settings): boolean {
  return listeners.some(({ auth }) => auth !== 'none');
}
