import type { AuthProfile } from '@mailyard/configuration';
import { DELIVERY_DEFAULTS, type Delivery, startDelivery } from '@mailyard/delivery';
import type { RelayOptions } from '@mailyard/delivery-rules';
import { DnsResolver } from '@mailyard/dns';
import { NodemailerRelay } from '@mailyard/nodemailer-relay';
import type { Incarnation } from '@mailyard/queue';
import { readSecret, type Settings } from '@mailyard/settings';
import { SmtpRelay } from '@mailyard/smtp-client';
import type { RouteSource } from './routing-role.ts';
import type { Stores } from './stores.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Starts delivering the mail of the partitions that are dealt to this process. */
export function startDeliveryRole(
  { delivery, limits, dns, bodies }: Settings,
  stores: Stores,
  { routes, profile }: Pick<RouteSource, 'routes' | 'profile'>,
  process: { readonly hostname: string; readonly incarnation: Incarnation; readonly environment: Environment },
): Promise<Delivery> {
  const { hostname, incarnation } = process;
  const { maxRetries, maxAgeSeconds, initialWaitSeconds, maxWaitSeconds, notices, copyOctets } = delivery.bounce;
  const relayOptions = { incarnation: incarnation.slice(0, 6) };
  return startDelivery({
    queueLog: stores.queueLog,
    bodyStore: stores.bodyStore,
    presence: stores.presence,
    pressure: stores.pressure,
    trackerPosition: stores.trackerPosition,
    ...(stores.hostBoard === undefined ? {} : { hostBoard: stores.hostBoard }),
    routes,
    resolver: openResolver({ dns }),
    relay: delivery.engine === 'nodemailer' ? new NodemailerRelay(relayOptions) : new SmtpRelay(relayOptions),
    worker: hostname,
    incarnation,
    settings: {
      ...DELIVERY_DEFAULTS,
      hostname,
      exclusive: stores.exclusive,
      maxConnectionsPerDestination: delivery.maxConnectionsPerDestination,
      maxConnections: delivery.maxConnections,
      messagesPerConnection: delivery.messagesPerConnection,
      tls: delivery.tls,
      batchBy: delivery.batchBy,
      drainMs: delivery.drainSeconds * 1000,
      inlineOctets: bodies.inlineOctets ?? stores.inlineOctets,
      limits,
      credentialsOf: (name) => credentialsOf(profile(name), process.environment),
      bounce: {
        maxRetries,
        maxAgeMs: maxAgeSeconds * 1000,
        initialWaitMs: initialWaitSeconds * 1000,
        maxWaitMs: maxWaitSeconds * 1000,
        notices,
        copyOctets,
      },
    },
  });
}

/** What a profile authenticates with; the secret is read each time, so that a new one needs no restart. */
function credentialsOf(profile: AuthProfile | undefined, environment: Environment): RelayOptions['credentials'] {
  if (profile === undefined) return undefined;
  const { username, secret, allowClear } = profile;
  try {
    const reference = secret.kind === 'file' ? { file: secret.file } : { environment: secret.variable };
    return { username, password: readSecret(reference, environment), allowClear };
  } catch {
    // The host counts as failed and the mail waits (R152).
    return undefined;
  }
}

/** The resolver that the settings name, else the system's. */
export function openResolver({ dns }: Pick<Settings, 'dns'>): DnsResolver {
  return new DnsResolver({
    ...(dns.servers.length > 0 ? { servers: dns.servers } : {}),
    timeoutMs: dns.timeoutSeconds * 1000,
    tries: dns.attempts,
  });
}
