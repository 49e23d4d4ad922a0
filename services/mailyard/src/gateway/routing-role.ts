import { randomUUID } from 'node:crypto';
import type { ConfigurationDesk, QueueOwners } from '@mailyard/admin';
import { type GrpcServer, GrpcRouteLookup } from '@mailyard/grpc';
import type { AcceptedDomain, AccessTables, AuthProfileSource } from '@mailyard/configuration';
import type { DeliveryTermsSource, MtaStsPolicies } from '@mailyard/delivery-rules';
import { MtaError } from '@mailyard/mail';
import { acceptDomains, initialiseConfiguration, startRouting } from '@mailyard/routing';
import { parseEndpoint, type Settings } from '@mailyard/settings';
import type { RouteLookup } from '@mailyard/smtp-routes';
import { type Logger, publishMailEvent } from '@mailyard/telemetry';
import { callerCredentials } from './caller-credentials.ts';
import { openResolver } from './open-resolver.ts';
import { dkimKeyRemarks } from './dkim-key-remarks.ts';
import { FollowedTerms } from './delivery-terms.ts';
import { FollowedSuspensions } from './followed-suspensions.ts';
import { hostExplainer } from './explain-hosts.ts';
import { OwnersCensus } from './queue-census.ts';
import type { Stores } from './stores.ts';
import { tablesFirst } from './tables-first.ts';
import type { Unwinding } from './unwinding.ts';

/** Where this process has its routes and access tables from. */
export interface RouteSource {
  readonly routes: RouteLookup;
  readonly access: { current(): AccessTables | undefined };
  /** Why there is no table to serve, in words. */
  readonly notReady: () => string | undefined;
  /** Outgoing authentication profiles (R150): where their secrets stand. */
  readonly profiles: AuthProfileSource;
  /** Destination controls and bounce profiles (R140). */
  readonly terms: DeliveryTermsSource;
  /** What rests (R211). */
  readonly suspensions: FollowedSuspensions;
  /** Absent where the configuration is not folded in this process. */
  readonly desk?: ConfigurationDesk;
}

const AUTHOR = 'mailyard start';

/**
 * Follows the configuration log in this process, and answers for it over gRPC.
 *
 * Embedded, a lineage is made for a new data directory, since it is ours alone; a distributed one comes from
 * `mailyard init`. `--accept` is committed before anything else starts.
 *
 * @throws MtaError `CONFIGURATION_FOREIGN`, `CONFIGURATION_INVALID`
 */
export async function startRoutingRole(
  settings: Settings,
  stores: Stores,
  accept: readonly AcceptedDomain[],
  context: {
    readonly grpc: GrpcServer;
    readonly release: string;
    readonly environment: Readonly<Record<string, string | undefined>>;
    readonly logger: Logger;
    readonly opened: Unwinding;
    /** All that hold waiting mail, as they are known when asked. */
    readonly owners: () => QueueOwners;
    readonly policies: MtaStsPolicies;
  },
): Promise<RouteSource> {
  const { configurationLog } = stores;
  const { grpc, release, environment, logger, opened, owners, policies } = context;
  let { lineage } = settings.configuration;
  if (stores.exclusive) {
    lineage ??= (await configurationLog.lineage()) ?? randomUUID();
    await initialiseConfiguration(configurationLog, lineage, AUTHOR, Date.now());
  }
  const resolver = openResolver(settings);
  let terms: FollowedTerms | undefined;
  const routing = await startRouting({
    configurationLog,
    lineage: lineage!,
    rules: { maxRoutes: settings.routing.maxRoutes },
    grpc,
    release,
    alarm: ({ code, message }) => {
      logger.error(code, { detail: message });
      publishMailEvent({ kind: 'alarm', name: code.toLowerCase().replaceAll('_', '-'), detail: message });
    },
    census: new OwnersCensus(owners, settings.delivery.batchBy, resolver, () => terms!),
    // Where nobody signs there need not be keys.
    ...(settings.roles.includes('ingress') ? { remarkOnKey: dkimKeyRemarks(environment) } : {}),
    explainHosts: hostExplainer(resolver, policies, owners, settings.delivery),
    listeners: stores.listeners ?? (() => Promise.resolve(new Set(settings.listeners.map(({ name }) => name)))),
    ownListeners: settings.listeners.map(({ address }) => {
      const { host, port } = parseEndpoint(address)!;
      return { address: host, port };
    }),
  });
  terms = new FollowedTerms(settings.delivery, routing.controls);
  opened.add(() => routing.stop());
  const problem = routing.notReady();
  if (problem !== undefined && (stores.exclusive || accept.length > 0))
    throw new MtaError('CONFIGURATION_NOT_READY', problem);
  if (accept.length > 0) {
    const reason = `--accept ${accept.map(({ domain }) => domain).join(', ')}`;
    const outcome = await acceptDomains(routing.administration, accept, { author: AUTHOR, reason });
    if (outcome.kind === 'refused') {
      const faults = outcome.faults.map(({ code, token, message }) => `${code}: ${token} ${message}`);
      throw new MtaError('CONFIGURATION_INVALID', faults.join('\n'));
    }
  }
  return {
    routes: routing.lookup,
    access: routing.access,
    notReady: () => routing.notReady(),
    desk: routing.administration,
    profiles: routing.profiles,
    terms,
    suspensions: new FollowedSuspensions(routing.suspensions),
  };
}

/** Asks routing in other processes, as one of the gateway's own, through a cache that their watch keeps exact. */
export function followRouting(
  { routing, delivery, grpc }: Settings,
  environment: Readonly<Record<string, string | undefined>>,
  logger: Logger,
  opened: Unwinding,
): RouteSource {
  const lookup = new GrpcRouteLookup(
    { ...callerCredentials({ ...grpc.peers, ...routing }, false, environment), addresses: routing.addresses },
    { report: (error) => logger.error('ROUTING', { error }) },
  );
  opened.add(() => lookup.close());
  return {
    routes: tablesFirst(lookup, () => lookup.current() !== undefined),
    access: lookup,
    notReady: () => (lookup.current() === undefined ? 'no tables from routing yet' : undefined),
    profiles: {
      get: (name) => lookup.profile(name),
      onChange: (listener) => lookup.onProfilesChange(listener),
    },
    terms: new FollowedTerms(delivery, {
      current: () => lookup.controls,
      onChange: (listener) => lookup.onControlsChange(listener),
    }),
    suspensions: new FollowedSuspensions({
      current: () => lookup.suspensions,
      onChange: (listener) => lookup.onSuspensionsChange(listener),
    }),
  };
}
