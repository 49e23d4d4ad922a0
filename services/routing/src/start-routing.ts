import { setTimeout as wait } from 'node:timers/promises';
import type {
  AccessTables,
  AuthProfileSource,
  DeliveryControlSource,
  SuspensionSource,
  ConfigurationLog,
} from '@mailyard/configuration';
import type { GrpcServer } from '@mailyard/grpc';
import { DEFAULT_ROUTE_RULES, type RouteLookup, type RouteRules } from '@mailyard/smtp-routes';
import { Administration } from './administration.ts';
import { addConfigurationService, CONFIGURATION_SERVICE } from './configuration-methods.ts';
import { ConfigurationFollower } from './configuration-follower.ts';
import type { HostExplainer, ListenerDirectory, QueueCensus, RoutingAlarm } from './ports.ts';
import { ControlTable } from './control-table.ts';
import { SuspensionTable } from './suspension-table.ts';
import { ProfileTable } from './profile-table.ts';
import { addRoutingService, ROUTING_SERVICE } from './routing-methods.ts';
import { TableLookup } from './table-lookup.ts';
import type { KeyRemarks, OwnListener } from './warnings.ts';

export interface RoutingOptions {
  readonly configurationLog: ConfigurationLog;
  /** The lineage that the log must be of. */
  readonly lineage: string;
  readonly rules?: Partial<RouteRules>;
  /** Gets both services of mailyard.routing.v1; without it only this process can ask. */
  readonly grpc?: GrpcServer;
  /** Name and version, for exported files. */
  readonly release?: string;
  /** Gets what an operator must know. */
  readonly alarm?: (alarm: RoutingAlarm) => void;
  readonly census?: QueueCensus;
  readonly explainHosts?: HostExplainer;
  /** Where this gateway itself takes mail, to warn of routes that lead back to it. */
  readonly ownListeners?: readonly OwnListener[];
  /** Absent: nobody is warned of listeners that are not there. */
  readonly listeners?: ListenerDirectory;
  /** What to know of the key of a DKIM signing profile, where this process signs. */
  readonly remarkOnKey?: KeyRemarks;
  readonly now?: () => number;
}

/** A routing process, or the routing part of one that does everything. */
export interface Routing {
  /** Answers from the table in this process. */
  readonly lookup: RouteLookup;
  /** The tables by which mail is taken; undefined while there is nothing to serve. */
  readonly access: { current(): AccessTables | undefined };
  readonly profiles: AuthProfileSource;
  readonly controls: DeliveryControlSource;
  readonly suspensions: SuspensionSource;
  readonly administration: Administration;
  /** Why it is not ready, in words; undefined once it serves a table. */
  notReady(): string | undefined;
  /** Whether what is served is what the log says. */
  isFollowing(): boolean;
  stop(): Promise<void>;
}

/** The log tells of new versions; this is for what it does not tell of: emptied, replaced, taken over. */
const LOOK_MS = 5_000;
const RETRY_MS = 500;

/** Starts to follow the configuration log and to answer. It does not wait until there is something to serve. */
export async function startRouting(options: RoutingOptions): Promise<Routing> {
  const { configurationLog: log, lineage, grpc, census, explainHosts } = options;
  let problem = 'the configuration log was not read yet';
  const alarm = (raised: RoutingAlarm): void => {
    problem = raised.message;
    options.alarm?.(raised);
  };
  const follower = new ConfigurationFollower(log, lineage, alarm);
  const administration = new Administration({
    log,
    lineage,
    follower,
    rules: { ...DEFAULT_ROUTE_RULES, ...options.rules },
    now: options.now ?? Date.now,
    ownListeners: options.ownListeners ?? [],
    ...(options.listeners === undefined ? {} : { listeners: options.listeners }),
    ...(options.remarkOnKey === undefined ? {} : { remarkOnKey: options.remarkOnKey }),
    ...(census === undefined ? {} : { census }),
    ...(explainHosts === undefined ? {} : { explainHosts }),
  });
  if (grpc !== undefined) {
    addRoutingService(grpc, follower, administration);
    addConfigurationService(grpc, administration, options.release ?? 'Mailyard');
  }
  const stopping = new AbortController();
  const following = keepUp(follower, log, stopping.signal, alarm, () => {
    grpc?.setServing(ROUTING_SERVICE, follower.served !== undefined);
    grpc?.setServing(CONFIGURATION_SERVICE, follower.standing === 'following');
  });
  await following.first;
  return {
    lookup: new TableLookup(follower),
    access: { current: () => follower.served?.access },
    profiles: new ProfileTable(follower),
    controls: new ControlTable(follower),
    suspensions: new SuspensionTable(follower),
    administration,
    notReady: () => (follower.served === undefined ? problem : undefined),
    isFollowing: () => follower.standing === 'following',
    async stop() {
      stopping.abort();
      await following.ended;
    },
  };
}

/** Reads on whenever the log says so, and from time to time without being told. */
function keepUp(
  follower: ConfigurationFollower,
  log: ConfigurationLog,
  signal: AbortSignal,
  alarm: (alarm: RoutingAlarm) => void,
  looked: () => void,
): { first: Promise<void>; ended: Promise<void> } {
  let wake = (): void => {};
  let isTold = false;
  let isAway = false;
  const stopWatching = log.watch(() => {
    isTold = true;
    wake();
  });
  const look = async (): Promise<number> => {
    try {
      isTold = false;
      await follower.catchUp();
      isAway = false;
      return LOOK_MS;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (!isAway) alarm({ code: 'CONFIGURATION_AWAY', message: `the configuration log cannot be read: ${reason}` });
      isAway = true;
      return RETRY_MS;
    } finally {
      looked();
    }
  };
  const first = look();
  const go = async (): Promise<void> => {
    for (let pauseMs = await first; !signal.aborted; pauseMs = await look()) {
      if (isTold) continue;
      const woken = new AbortController();
      wake = () => woken.abort();
      await wait(pauseMs, undefined, { signal: AbortSignal.any([signal, woken.signal]) }).catch(() => {});
    }
    stopWatching();
  };
  return { first: first.then(() => {}), ended: go() };
}
