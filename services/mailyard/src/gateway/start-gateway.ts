/**
 * Puts a process together: opens the stores, starts the roles that the settings name, in the order in which one needs
 * the other, and stops them in the opposite order.
 */
import { randomBytes } from 'node:crypto';
import { hostname as systemHostname } from 'node:os';
import { dirname, join } from 'node:path';
import { addQueueService, type Admin, QueueOwners, startAdmin, type WebApi } from '@mailyard/admin';
import type { AcceptedDomain } from '@mailyard/configuration';
import { SmtpUserFile } from '@mailyard/credentials';
import type { Delivery } from '@mailyard/delivery';
import type { MtaStsPolicies } from '@mailyard/delivery-rules';
import type { GrpcServer } from '@mailyard/grpc';
import { type Ingress, startIngress } from '@mailyard/ingress';
import type { Incarnation } from '@mailyard/queue';
import { isDistributed, type Settings } from '@mailyard/settings';
import { type Logger, MeasuredQueueLog, startTelemetry, type Telemetry } from '@mailyard/telemetry';
import { makeGrpcServer } from '../grpc-server.ts';
import { makeFolder } from '../make-folder.ts';
import { BounceKeyring } from './bounce-keyring.ts';
import { type DeliverySecrets, startDeliveryRole } from './delivery-role.ts';
import { planListener, smtpUsersFileOf, takesAuthentication } from './listener-plan.ts';
import { startHttpRole, webOptions } from './http-role.ts';
import { ProfileCredentials } from './profile-credentials.ts';
import { openPolicies } from './mta-sts-policies.ts';
import { openResolver } from './open-resolver.ts';
import { offerGauges } from './offer-gauges.ts';
import { type OutgoingSignatures, outgoingSignatures } from './outgoing-signatures.ts';
import { reachableAddress } from './reachable-address.ts';
import { followRouting, type RouteSource, startRoutingRole } from './routing-role.ts';
import { GAUGE_MS, type Stores } from './stores.ts';
import { Unwinding } from './unwinding.ts';

export interface Gateway {
  /** Where mail comes in, as `host:port`, in the order of the listeners; none without the role ingress. */
  readonly smtp: readonly string[];
  /** Where programs and the command line ask. */
  readonly grpc: string;
  /** The web page, its API, health and metrics. */
  readonly http: string;
  /** What whoever installs types into the page to make the first administrator; undefined once there is one. */
  readonly firstCode: string | undefined;
  /** What the API of the page answers; none without the role admin. */
  readonly operations: WebApi['operations'];
  /** Settles when a store failed for good: the process must end and start again. */
  readonly failed: Promise<Error>;
  stop(): Promise<void>;
}

export interface GatewayContext {
  readonly accept: readonly AcceptedDomain[];
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

/**
 * Starts the gateway. What it opened is closed again when a later step fails.
 *
 * @throws MtaError with what stands in the way: STORE_LOCKED, LOG_AWAY, CONFIGURATION_…, an address that is taken
 */
export async function startGateway(settings: Settings, context: GatewayContext): Promise<Gateway> {
  const opened = new Unwinding();
  try {
    return await start(settings, context, opened);
  } catch (error) {
    await opened.run().catch(() => undefined);
    throw error;
  }
}

async function start(
  settings: Settings,
  { accept, version, environment, logger }: GatewayContext,
  opened: Unwinding,
): Promise<Gateway> {
  const has = (role: Settings['roles'][number]): boolean => settings.roles.includes(role);
  const incarnation = randomBytes(6).toString('hex') as Incarnation;
  const bare = await openStores(settings, environment, incarnation, logger);
  opened.add(() => bare.close());
  const telemetry = await beginTelemetry(settings, version, logger);
  opened.add(() => telemetry.stop());
  if (bare.logRequests !== undefined) telemetry.metrics.observe('logRequests', bare.logRequests);
  const stores: Stores = { ...bare, queueLog: new MeasuredQueueLog(bare.queueLog, telemetry.metrics) };
  const grpc = makeGrpcServer(settings.grpc, environment, (error) => logger.error('GRPC_FAILED', { error }));

  const policies = openPolicies(settings, logger, opened);
  let delivery: Delivery | undefined;
  const owners = (): QueueOwners =>
    new QueueOwners(delivery === undefined ? [] : [delivery.queues], stores.remoteOwners);
  const source =
    has('routing') || has('admin')
      ? await startRoutingRole(settings, stores, accept, {
          grpc,
          release: `Mailyard ${version}`,
          environment,
          logger,
          opened,
          owners,
          policies,
        })
      : followRouting(settings, environment, logger, opened);
  const process = {
    hostname: settings.hostname ?? systemHostname(),
    incarnation,
    bounceKeys: new BounceKeyring(() => source.access.current()?.bounceKeys ?? [], environment),
  };
  telemetry.metrics.observe('suspensions', () => source.suspensions.items.length);
  const credentials = new ProfileCredentials(source.profiles, environment, logger);
  const signatures = outgoingSignatures(source.access, process.hostname, environment, logger);
  delivery = has('delivery')
    ? await beginDelivery(settings, stores, source, { credentials, ...signatures }, policies, process, opened)
    : undefined;
  if (delivery !== undefined) offerGauges(telemetry.metrics, delivery, credentials);
  else if (stores.exclusive) holdPressure(stores, opened);
  const admin = await beginAdmin(settings, stores, source, delivery, {
    ...{ grpc, telemetry, logger, opened, environment },
    release: `Mailyard ${version}`,
  });
  const ingress = has('ingress')
    ? await beginIngress(settings, stores, source, signatures, process, opened)
    : undefined;

  const grpcAddress = await grpc.listen();
  opened.add(() => grpc.stop());
  grpc.setServing('', true);
  if (delivery !== undefined || ingress !== undefined) {
    const address = settings.grpc.advertise ?? reachableAddress(grpcAddress);
    await stores.announce(incarnation, () => ({
      worker: process.hostname,
      grpc: address,
      partitions: delivery?.queues.status().partitions ?? [],
      listeners: ingress === undefined ? [] : settings.listeners.map(({ name }) => name),
    }));
  }
  const http = await startHttpRole(settings, stores, source, admin, { telemetry, logger });
  opened.add(() => http.stop());
  return {
    smtp: (ingress?.addresses ?? []).map(({ host, port }) =>
      host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
    ),
    grpc: grpcAddress,
    http: http.address,
    firstCode: admin?.web?.firstCode,
    operations: admin?.web?.operations ?? [],
    failed: stores.failed,
    stop: () => opened.run(),
  };
}

async function openStores(
  settings: Settings,
  environment: GatewayContext['environment'],
  incarnation: string,
  logger: Logger,
): Promise<Stores> {
  // Each kind is loaded only where it is used: Kafka's client is most of what an embedded gateway would load.
  if (isDistributed(settings)) {
    const { openDistributedStores } = await import('./distributed-stores.ts');
    return openDistributedStores(settings, environment, incarnation, logger);
  }
  const { openEmbeddedStores } = await import('./embedded-stores.ts');
  return openEmbeddedStores(settings);
}

async function beginTelemetry(
  { data, telemetry: { mailLog, mailLogFormat, otlp } }: Settings,
  version: string,
  logger: Logger,
): Promise<Telemetry> {
  if (mailLog !== 'none' && mailLog !== 'stdout') makeFolder(mailLog === undefined ? data : dirname(mailLog));
  return startTelemetry({ data, version, mailLog, mailLogFormat, otlp, logger });
}

async function beginDelivery(
  settings: Settings,
  stores: Stores,
  source: RouteSource,
  secrets: DeliverySecrets,
  policies: MtaStsPolicies,
  process: Parameters<typeof startDeliveryRole>[5],
  opened: Unwinding,
): Promise<Delivery> {
  const delivery = await startDeliveryRole(settings, stores, source, secrets, policies, process);
  const publish = (): void => {
    for (let partition = 0; partition < stores.queueLog.partitionCount; partition++) {
      const share = delivery.pressure(partition);
      if (share !== undefined) stores.pressure.publish(partition, share);
    }
  };
  // A partition that nobody has read yet is not full: an embedded start would answer slowly for no reason.
  if (stores.exclusive)
    for (let partition = 0; partition < stores.queueLog.partitionCount; partition++)
      stores.pressure.publish(partition, 0);
  const timer = setInterval(publish, GAUGE_MS);
  opened.add(async () => {
    clearInterval(timer);
    await delivery.stop();
  });
  return delivery;
}

/** Without the role delivery nobody owns the partitions of an embedded gateway: the disk's gauge alone decides. */
function holdPressure({ pressure, queueLog }: Stores, opened: Unwinding): void {
  const publish = (): void => {
    for (let partition = 0; partition < queueLog.partitionCount; partition++) pressure.publish(partition, 0);
  };
  publish();
  const timer = setInterval(publish, GAUGE_MS);
  opened.add(() => clearInterval(timer));
}

async function beginAdmin(
  settings: Settings,
  stores: Stores,
  { desk }: RouteSource,
  delivery: Delivery | undefined,
  {
    grpc,
    telemetry,
    logger,
    opened,
    environment,
    release,
  }: {
    readonly grpc: GrpcServer;
    readonly telemetry: Telemetry;
    readonly logger: Logger;
    readonly opened: Unwinding;
    readonly environment: GatewayContext['environment'];
    readonly release: string;
  },
): Promise<Admin | undefined> {
  const owners = delivery === undefined ? [] : [delivery.queues];
  if (!settings.roles.includes('admin')) {
    // Another process with the role admin asks for what this one owns.
    if (delivery !== undefined)
      addQueueService(grpc, { owners: new QueueOwners(owners), partitionCount: stores.queueLog.partitionCount });
    return undefined;
  }
  makeFolder(settings.data);
  const admin = await startAdmin({
    queueLog: stores.queueLog,
    trackingFile: join(settings.data, 'tracking.sqlite'),
    retentionDays: settings.tracking.retentionDays,
    silentAfterMs: settings.delivery.bounce.maxWaitSeconds * 2000,
    grpc,
    owners,
    ...(delivery === undefined ? {} : { givesWay: () => delivery.isTakingOver }),
    ...(stores.remoteOwners === undefined ? {} : { remoteOwners: stores.remoteOwners }),
    metrics: telemetry.metrics,
    logger,
    ...(desk === undefined ? {} : { web: webOptions(settings, desk, environment, release) }),
  });
  opened.add(() => admin.stop());
  stores.shareTracker((partition) => admin.position(partition));
  return admin;
}

async function beginIngress(
  settings: Settings,
  stores: Stores,
  { routes, access, suspensions }: RouteSource,
  { signer }: OutgoingSignatures,
  { hostname, incarnation, bounceKeys }: Parameters<typeof startDeliveryRole>[5],
  opened: Unwinding,
): Promise<Ingress> {
  const { queueLog, bodyStore, pressure, away, localShare, inlineOctets, recipientBoard } = stores;
  let connections = 0;
  const nextIcid = (): string => `${incarnation.slice(0, 6)}-${++connections}`;
  const ingress = await startIngress(
    settings.listeners.map((listener) => planListener(listener, settings, { hostname, inlineOctets, nextIcid })),
    {
      queueLog,
      bodyStore,
      routes,
      access,
      pressure,
      health: { away, localShare },
      ...(takesAuthentication(settings) ? { smtpUsers: new SmtpUserFile(smtpUsersFileOf(settings)) } : {}),
      bounceKeys,
      signer,
      isSuspended: (listener) => suspensions.isReceivingSuspended(listener),
      clock: { now: Date.now, random: (octets) => randomBytes(octets) },
      dns: openResolver(settings),
      ...(recipientBoard === undefined ? {} : { recipientBoard }),
    },
  );
  opened.add(() => ingress.stop(settings.delivery.drainSeconds * 1000));
  return ingress;
}
