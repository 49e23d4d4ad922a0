import { DELIVERY_DEFAULTS, type Delivery, type OutgoingCredentials, startDelivery } from '@mailyard/delivery';
import type { MtaStsPolicies, VirtualGateway, VirtualGateways } from '@mailyard/delivery-rules';
import type { ReportSigner } from '@mailyard/dkim';
import { NodemailerRelay } from '@mailyard/nodemailer-relay';
import type { BounceKeys } from '@mailyard/mail';
import type { Incarnation } from '@mailyard/queue';
import type { Settings } from '@mailyard/settings';
import { SmtpRelay } from '@mailyard/smtp-client';
import { publishMailEvent } from '@mailyard/telemetry';
import { bounceOfSettings } from './delivery-terms.ts';
import { openResolver } from './open-resolver.ts';
import type { RouteSource } from './routing-role.ts';
import type { Stores } from './stores.ts';

/** What delivery does with secrets of this machine. */
export interface DeliverySecrets {
  readonly credentials: OutgoingCredentials;
  /** Signs reports (DKIM). */
  readonly signReport: ReportSigner;
}

/** Starts delivering the mail of the partitions that are dealt to this process. */
export function startDeliveryRole(
  { delivery, limits, dns, bodies }: Settings,
  stores: Stores,
  { routes, access, terms, suspensions }: Pick<RouteSource, 'routes' | 'access' | 'terms' | 'suspensions'>,
  { credentials, signReport }: DeliverySecrets,
  policies: MtaStsPolicies,
  process: { readonly hostname: string; readonly incarnation: Incarnation; readonly bounceKeys: BounceKeys },
): Promise<Delivery> {
  const { hostname, incarnation, bounceKeys } = process;
  const { authority, certificate, key } = delivery;
  const relayOptions = {
    incarnation: incarnation.slice(0, 6),
    tlsFiles: {
      ...(authority === undefined ? {} : { authority }),
      ...(certificate === undefined ? {} : { certificate }),
      ...(key === undefined ? {} : { key }),
    },
    onTlsFilesBroken: (detail: string) => publishMailEvent({ kind: 'alarm', name: 'tls-files', detail }),
  };
  return startDelivery({
    queueLog: stores.queueLog,
    bodyStore: stores.bodyStore,
    presence: stores.presence,
    pressure: stores.pressure,
    trackerPosition: stores.trackerPosition,
    ...(stores.hostBoard === undefined ? {} : { hostBoard: stores.hostBoard }),
    ...(stores.limitBoard === undefined ? {} : { limitBoard: stores.limitBoard }),
    routes,
    terms,
    suspension: suspensions,
    unsubscribed: () => access.current()?.unsubscribed,
    credentials,
    bounceKeys,
    signReport,
    gateways: gatewaysOfSettings(delivery),
    resolver: openResolver({ dns }),
    policies,
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
      dane: delivery.dane,
      mtaSts: delivery.mtaSts,
      tlsAlarm: delivery.tlsAlarm,
      possibleDelivery: delivery.possibleDelivery,
      batchBy: delivery.batchBy,
      drainMs: delivery.drainSeconds * 1000,
      inlineOctets: bodies.inlineOctets ?? stores.inlineOctets,
      limits,
      bounce: bounceOfSettings(delivery),
    },
  });
}

/** The virtual gateways of this machine (R147). */
function gatewaysOfSettings({ gateways }: Pick<Settings['delivery'], 'gateways'>): VirtualGateways {
  const byName = new Map<string, VirtualGateway>();
  for (const [name, { addresses, helo }] of Object.entries(gateways))
    byName.set(name, { name, addresses, ...(helo === undefined ? {} : { heloName: helo }) });
  return { of: (name) => byName.get(name) };
}
