/**
 * The embedded gateway: ingress, routing and delivery in one process, on stores below one data directory.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { hostname as systemHostname } from 'node:os';
import { join } from 'node:path';
import { DELIVERY_DEFAULTS, type Delivery, startDelivery } from '@mailyard/delivery';
import { DiskBodyStore, DiskConfigurationLog, DiskQueueLog, diskShare, OwnerLock } from '@mailyard/disk';
import { DnsResolver } from '@mailyard/dns';
import type { GrpcServer } from '@mailyard/grpc';
import { type Ingress, type IngressHealth, type ListenerPlan, startIngress } from '@mailyard/ingress';
import { InProcessPresence, InProcessPressureBoard } from '@mailyard/memory';
import type { Incarnation } from '@mailyard/queue';
import { MtaError } from '@mailyard/mail';
import { acceptDomains, initialiseConfiguration, type Routing, startRouting } from '@mailyard/routing';
import { type ListenerSettings, parseEndpoint, type Settings } from '@mailyard/settings';
import { SmtpRelay } from '@mailyard/smtp-client';
import { type Logger, startTelemetry } from '@mailyard/telemetry';
import { makeGrpcServer } from './grpc-server.ts';
import type { Acceptance } from './start-options.ts';

const GAUGE_MS = 2000;
/** Bodies up to this size stand in the log; larger ones are files of their own. */
const INLINE_OCTETS = 262_144;

export interface Gateway {
  /** Where mail comes in, as `host:port`, in the order of the listeners. */
  readonly smtp: readonly string[];
  /** Where programs and the command line ask, as `host:port`. */
  readonly grpc: string;
  /** Settles when a store failed: nothing it holds can be trusted to grow, so the process must end and start again. */
  readonly failed: Promise<Error>;
  stop(): Promise<void>;
}

/** Starts the gateway. What it opened is closed again when a later step fails. */
export async function startEmbedded(
  settings: Settings,
  accept: readonly Acceptance[],
  version: string,
  logger: Logger,
): Promise<Gateway> {
  const endings: (() => Promise<void> | void)[] = [];
  const unwind = async (): Promise<void> => {
    for (const end of endings.reverse()) await end();
  };
  try {
    const data = settings.data;
    await mkdir(data, { recursive: true });
    const lock = OwnerLock.take(data);
    endings.push(() => lock.release());
    const { mailLog, mailLogFormat, otlp } = settings.telemetry;
    const telemetry = await startTelemetry({ data, version, mailLog, mailLogFormat, otlp, logger });
    endings.push(() => telemetry.stop());

    const queueLog = await DiskQueueLog.open(join(data, 'queue'));
    endings.push(() => queueLog.close());
    const bodyStore = await DiskBodyStore.open(join(data, 'bodies'));
    endings.push(() => bodyStore.close());
    const grpc = makeGrpcServer(settings.grpc, process.env, (error) => logger.error('GRPC_FAILED', { error }));
    const routing = await beginRouting(settings, accept, version, grpc, logger, endings);

    const hostname = settings.hostname ?? systemHostname();
    const incarnation = randomBytes(6).toString('hex') as Incarnation;
    const pressure = new InProcessPressureBoard();
    const gauge = await startDiskGauge(data, settings.limits.diskShare);
    endings.push(() => clearInterval(gauge.timer));

    if (settings.roles.includes('delivery')) {
      const delivery = await beginDelivery(settings, hostname, incarnation, {
        queueLog,
        bodyStore,
        routes: routing.lookup,
        pressure,
      });
      const timer = setInterval(() => pressure.publish(0, delivery.pressure(0) ?? 0), GAUGE_MS);
      pressure.publish(0, 0);
      endings.push(async () => {
        clearInterval(timer);
        await delivery.stop();
      });
    } else {
      // Nobody owns the partition, so nobody but this process can say how full it is: the disk's gauge alone decides.
      const timer = setInterval(() => pressure.publish(0, 0), GAUGE_MS);
      pressure.publish(0, 0);
      endings.push(() => clearInterval(timer));
    }

    let accepted = 0;
    const short = incarnation.slice(0, 6);
    const plans = settings.listeners.map((listener) =>
      planOf(listener, settings, hostname, () => `${short}-${++accepted}`),
    );
    const health: IngressHealth = { away: () => undefined, localShare: gauge.share };
    const clock = { now: Date.now, random: (octets: number): Uint8Array => randomBytes(octets) };
    const ingress: Ingress = await startIngress(plans, {
      queueLog,
      bodyStore,
      routes: routing.lookup,
      access: routing.access,
      pressure,
      health,
      clock,
    });
    endings.push(() => ingress.stop(settings.delivery.drainSeconds * 1000));
    const grpcAddress = await grpc.listen();
    endings.push(() => grpc.stop());
    grpc.setServing('', true);

    return {
      smtp: ingress.addresses.map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)),
      grpc: grpcAddress,
      failed: queueLog.failed,
      stop: unwind,
    };
  } catch (error) {
    await unwind();
    throw error;
  }
}

async function beginRouting(
  settings: Settings,
  accept: readonly Acceptance[],
  version: string,
  grpc: GrpcServer,
  logger: Logger,
  endings: (() => Promise<void> | void)[],
): Promise<Routing> {
  const log = DiskConfigurationLog.open(join(settings.data, 'configuration'));
  endings.push(() => log.close());
  const author = 'mailyard start';
  // Only here is a lineage made without being asked for: the data directory is new, and ours alone.
  const lineage = settings.configuration.lineage ?? (await log.lineage()) ?? randomUUID();
  await initialiseConfiguration(log, lineage, author, Date.now());
  const routing = await startRouting({
    configurationLog: log,
    lineage,
    rules: { maxRoutes: settings.routing.maxRoutes },
    grpc,
    release: `Mailyard ${version}`,
    alarm: ({ code, message }) => logger.error(code, { detail: message }),
    ownListeners: settings.listeners.map(({ address }) => {
      const { host, port } = parseEndpoint(address)!;
      return { address: host, port };
    }),
  });
  endings.push(() => routing.stop());
  const problem = routing.notReady();
  if (problem !== undefined) throw new MtaError('CONFIGURATION_NOT_READY', problem);
  const reason = `--accept ${accept.map(({ domain }) => domain).join(', ')}`;
  const outcome = await acceptDomains(routing.administration, accept, { author, reason });
  if (outcome.kind === 'refused') {
    const faults = outcome.faults.map(({ code, token, message }) => `${code}: ${token} ${message}`);
    throw new MtaError('CONFIGURATION_INVALID', faults.join('\n'));
  }
  return routing;
}

function beginDelivery(
  { delivery, limits, dns }: Settings,
  hostname: string,
  incarnation: Incarnation,
  ports: Pick<Parameters<typeof startDelivery>[0], 'queueLog' | 'bodyStore' | 'routes' | 'pressure'>,
): Promise<Delivery> {
  const { maxRetries, maxAgeSeconds, initialWaitSeconds, maxWaitSeconds, notices, copyOctets } = delivery.bounce;
  const servers = dns.servers.length > 0 ? { servers: dns.servers } : {};
  return startDelivery({
    ...ports,
    resolver: new DnsResolver({ ...servers, timeoutMs: dns.timeoutSeconds * 1000, tries: dns.attempts }),
    relay: new SmtpRelay({ incarnation: incarnation.slice(0, 6) }),
    presence: new InProcessPresence(),
    worker: hostname,
    incarnation,
    settings: {
      ...DELIVERY_DEFAULTS,
      hostname,
      exclusive: true,
      maxConnectionsPerDestination: delivery.maxConnectionsPerDestination,
      maxConnections: delivery.maxConnections,
      messagesPerConnection: delivery.messagesPerConnection,
      tls: delivery.tls,
      batchBy: delivery.batchBy,
      drainMs: delivery.drainSeconds * 1000,
      inlineOctets: INLINE_OCTETS,
      limits,
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

function planOf(
  listener: ListenerSettings,
  settings: Settings,
  hostname: string,
  nextIcid: () => string,
): ListenerPlan {
  const { host, port } = parseEndpoint(listener.address)!;
  const { maxMessageOctets, maxRecipients, maxConnections, maxConnectionsPerClient, maxReceivedFields } = listener;
  const tls =
    listener.tls === 'none' || settings.tls === undefined
      ? {}
      : {
          tls: {
            certificate: readFileSync(settings.tls.certificate, 'utf8'),
            key: readFileSync(settings.tls.key, 'utf8'),
          },
        };
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
      maxErrors: 20,
      commandTimeoutMs: 300_000,
      contentTimeoutMs: 180_000,
      nextIcid,
      ...tls,
    },
    settings: {
      hostname,
      listener: listener.name,
      inlineOctets: settings.bodies.inlineOctets ?? INLINE_OCTETS,
      maxAgeSeconds: settings.delivery.bounce.maxAgeSeconds,
      maxReceivedFields,
    },
  };
}

/** Follows how full the disk is, as a share of what may be used. */
async function startDiskGauge(data: string, limit: number): Promise<{ share: () => number; timer: NodeJS.Timeout }> {
  let share = await diskShare(data);
  const timer = setInterval(() => {
    diskShare(data).then(
      (now) => {
        share = now;
      },
      () => undefined,
    );
  }, GAUGE_MS);
  return { share: () => share / limit, timer };
}
