/** Opening a connection: from a route to the first host that takes one (R50 to R60). */
import {
  type AddressAnswer,
  demandsTls,
  type DestinationFault,
  formatHost,
  type Host,
  type HostBoard,
  hostKey,
  type HostStates,
  judgeSession,
  type MtaStsPolicies,
  type MtaStsPolicy,
  type MxAnswer,
  type PlanOptions,
  planHosts,
  type Relay,
  type RelayConnection,
  type RelayOptions,
  type Resolver,
  type SessionFailure,
  sourceAddressesOf,
  type Stage,
} from '@mailyard/delivery-rules';
import type { Reply } from '@mailyard/mail';
import type { MailEvent } from '@mailyard/queue';
import { publishMailEvent } from '@mailyard/telemetry';
import { planSession, policyOf, type SessionWish, underPolicy } from './mta-sts-session.ts';

/** What this machine lacks is looked for again after this. */
export const OURS_AGAIN_MS = 60_000;
/** A probe that is shared with other workers keeps them off for this long. */
const PROBE_MS = 60_000;

export interface OpeningTools {
  readonly relay: Relay;
  readonly resolver: Resolver;
  /** Absent: no policy of MTA-STS is looked for. */
  readonly policies: MtaStsPolicies | undefined;
  readonly hosts: HostStates;
  readonly board: HostBoard | undefined;
  /** Steady wall time. */
  readonly now: () => number;
  /** Alarms that were told and still hold: what they are about. */
  readonly told: Set<string>;
  /** A host that was down answers again. */
  readonly cameBack: (host: string) => void;
}

export interface OpeningWish extends SessionWish {
  readonly plan: PlanOptions;
  /** Where it is kept that a host does not do what is demanded of TLS, and whether that is to be told. */
  readonly tlsState: (host: Host) => string;
  readonly tlsAlarm: boolean;
  /** The outgoing authentication profile. */
  readonly authProfile: string | undefined;
  /** Hosts that are not to be tried, by key. */
  readonly tried: readonly string[];
  /** The host to be tried first if the table still names it, as records name it. */
  readonly preferredHost: string | undefined;
  /** Connections of ours that are open to a host now. */
  readonly openConnections: (host: string) => number;
  /** The hosts that were found, before any is tried. */
  readonly planned: (hosts: readonly Host[]) => void;
}

export interface HostFailure {
  readonly reply: Reply;
  readonly stage: Stage;
  readonly host: string;
}

export type Opened =
  | { readonly kind: 'connected'; readonly connection: RelayConnection; readonly failures: number }
  /** No host takes a connection now. `overloaded`: some serve others of our connections. */
  | {
      readonly kind: 'unreachable';
      readonly until: number;
      readonly failure: HostFailure | undefined;
      readonly overloaded: boolean;
    }
  /** The DNS leads to no host (R63). */
  | { readonly kind: 'nowhere'; readonly permanent: boolean; readonly faults: readonly DestinationFault[] }
  /** All hosts were tried before. */
  | { readonly kind: 'exhausted' };

/** Opens a connection to the first host in the order of the plan that is not known to be down. Never rejects. */
export async function openConnection(tools: OpeningTools, wish: OpeningWish): Promise<Opened> {
  const [plan, policy] = await Promise.all([resolvePlan(tools.resolver, wish), policyOf(tools.policies, wish)]);
  if (plan.kind === 'nowhere') return plan;
  wish.planned(plan.hosts);
  const { gateway } = wish.plan;
  const hosts = preferring(plan.hosts, wish.preferredHost).filter(
    (host) => !wish.tried.includes(hostKey(host, gateway?.name)),
  );
  if (hosts.length === 0) return { kind: 'exhausted' };
  let until = Infinity;
  let failure: HostFailure | undefined;
  let overloaded = false;
  let failures = 0;
  for (const host of hosts) {
    const key = hostKey(host, gateway?.name);
    const barred = tools.hosts.of(wish.tlsState(host));
    if (barred.downUntil > tools.now()) {
      until = Math.min(until, barred.downUntil);
      if (barred.lastReply !== undefined)
        failure ??= { reply: barred.lastReply, stage: 'starttls', host: formatHost(host) };
      continue;
    }
    const may = tools.hosts.mayTry(key, tools.now());
    if (may.kind === 'no') {
      until = Math.min(until, may.until);
      const { lastReply } = tools.hosts.of(key);
      if (lastReply !== undefined) failure ??= { reply: lastReply, stage: 'connect', host: formatHost(host) };
      continue;
    }
    if (may.kind === 'probe' && !(await claimProbe(tools.board, key))) {
      tools.hosts.released(key);
      until = Math.min(until, tools.now() + PROBE_MS);
      continue;
    }
    const result = await connect(tools, wish, policy, host, key);
    if (result.kind === 'connected') return { ...result, failures };
    failures += 1;
    failure = result.failure;
    if (result.overloaded) overloaded = true;
    until = Math.min(until, result.until ?? tools.hosts.of(key).downUntil);
  }
  return { kind: 'unreachable', until, failure, overloaded };
}

async function connect(
  { relay, resolver, hosts, board, now, told, cameBack }: OpeningTools,
  wish: OpeningWish,
  policy: MtaStsPolicy | undefined,
  host: Host,
  key: string,
): Promise<
  | { readonly kind: 'connected'; readonly connection: RelayConnection }
  | {
      readonly kind: 'failed';
      readonly failure: HostFailure;
      readonly overloaded: boolean;
      /** Not to be tried before, where the state of the host does not tell. */
      readonly until?: number;
    }
> {
  const { authProfile, openConnections, tlsState, tlsAlarm, domain, plan } = wish;
  const { gateway, turn } = plan;
  const session = await planSession(resolver, wish, host, policy);
  let opened: RelayConnection | SessionFailure;
  let localAddress: string | undefined;
  if (session.kind === 'refused') {
    opened = session.failure;
  } else {
    hosts.began(key, now());
    const sources = sourceAddressesOf(gateway, host.address, turn);
    ({ opened, localAddress } = await connectFrom(relay, host, session.options, sources, (address, reason) =>
      tellOnce(told, address, {
        kind: 'alarm',
        name: 'gateway-unusable',
        detail: `virtual gateway ${gateway?.name}, address ${address}: ${reason}`,
      }),
    ));
    hosts.ended(key);
  }
  if (session.say !== undefined) opened = underPolicy(domain, host, session.say, opened);
  if (!('reason' in opened)) {
    if (hosts.worked(key, now())) {
      board?.publish(key, { state: 'up', downUntil: 0, failures: 0 });
      cameBack(key);
    }
    told.delete(`authentication-failed ${authProfile} ${key}`);
    if (localAddress !== undefined) told.delete(`gateway-unusable ${localAddress}`);
    hosts.forget(tlsState(host));
    const { name, address, port } = host;
    publishMailEvent({
      kind: 'connectionOpened',
      dcid: opened.dcid,
      host: name,
      address,
      port,
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    if (opened.tls !== undefined) {
      const { policyFault: _policyFault, ...tls } = opened.tls;
      publishMailEvent({ kind: 'connectionTls', dcid: opened.dcid, ...tls });
    }
    return { kind: 'connected', connection: opened };
  }
  const { reply, stage, host: state } = judgeSession(opened, openConnections(key));
  publishMailEvent({
    kind: 'connectionFailed',
    host: host.name,
    address: host.address,
    port: host.port,
    stage,
    reason: opened.reason,
  });
  if (opened.isOurs === true) {
    hosts.released(key);
    const text = `virtual gateway ${gateway?.name} cannot leave from this machine: ${opened.reason}`;
    const ours: HostFailure = { reply: { code: 451, enhancedStatus: '4.3.5', text }, stage, host: formatHost(host) };
    return { kind: 'failed', failure: ours, overloaded: false, until: now() + OURS_AGAIN_MS };
  }
  // 4yz says nothing against the profile.
  if (stage === 'auth' && authProfile !== undefined && (opened.reply === undefined || opened.reply.code >= 500))
    tellOnce(told, `${authProfile} ${key}`, {
      kind: 'alarm',
      name: 'authentication-failed',
      detail: `profile ${authProfile} at ${formatHost(host)}: ${opened.reason}`,
    });
  const failure = { reply, stage, host: formatHost(host) };
  if (stage === 'starttls' && (session.kind === 'refused' || demandsTls(session.options.tls))) {
    // It answers, and may well serve those who demand less.
    hosts.released(key);
    const place = tlsState(host);
    const report = hosts.failed(place, reply, now());
    if (tlsAlarm && report?.failures === 1)
      publishMailEvent({
        kind: 'alarm',
        name: 'tls-failed',
        detail: `${formatHost(host)} for ${domain}: ${opened.reason}`,
      });
    return { kind: 'failed', failure, overloaded: false, until: hosts.of(place).downUntil };
  }
  if (state === 'failed') {
    const report = hosts.failed(key, reply, now());
    if (report !== undefined) board?.publish(key, report);
  } else {
    hosts.released(key);
  }
  return { kind: 'failed', failure, overloaded: state === 'slow', ...(state === 'slow' ? { until: now() } : {}) };
}

/** Connects from the first of these addresses that this machine has; from no other. */
async function connectFrom(
  relay: Relay,
  host: Host,
  options: RelayOptions,
  sources: readonly (string | undefined)[],
  unusable: (address: string, reason: string) => void,
): Promise<{ readonly opened: RelayConnection | SessionFailure; readonly localAddress?: string }> {
  let opened: RelayConnection | SessionFailure = { stage: 'connect', reason: 'no source address', isOurs: true };
  for (const localAddress of sources) {
    const from = localAddress === undefined ? {} : { localAddress };
    opened = await relay.connect(host, { ...options, ...from }).catch(
      (error: unknown): SessionFailure => ({
        stage: 'connect',
        reason: error instanceof Error ? error.message : String(error),
      }),
    );
    if (!('reason' in opened) || opened.isOurs !== true || localAddress === undefined) return { opened, ...from };
    unusable(localAddress, opened.reason);
  }
  return { opened };
}

/** An operator must know what keeps mail from leaving as it must (R147, R152): once, until it is mended. */
export function tellOnce(told: Set<string>, about: string, alarm: MailEvent & { readonly kind: 'alarm' }): void {
  const what = `${alarm.name} ${about}`;
  if (told.has(what)) return;
  told.add(what);
  publishMailEvent(alarm);
}

/** One probe for all workers; without the board each goes by itself (R76). */
async function claimProbe(board: HostBoard | undefined, key: string): Promise<boolean> {
  if (board === undefined) return true;
  return board.claimProbe(key, PROBE_MS).catch(() => true);
}

/** Asks the DNS until the plan is complete. Connects to nothing. */
export async function resolvePlan(
  resolver: Resolver,
  { target, domain, plan: options }: Pick<OpeningWish, 'target' | 'domain' | 'plan'>,
): Promise<Exclude<ReturnType<typeof planHosts>, { kind: 'ask' }>> {
  const mx = new Map<string, MxAnswer>();
  const addresses = new Map<string, AddressAnswer>();
  for (;;) {
    const plan = planHosts(target, domain, { mx, addresses }, options);
    if (plan.kind !== 'ask') return plan;
    await Promise.all([
      ...plan.mx.map(async (name) => mx.set(name, await resolver.mx(name).catch(failed))),
      ...plan.addresses.map(async (name) => addresses.set(name, await resolver.addresses(name).catch(failed))),
    ]);
  }
}

function failed(error: unknown): { readonly kind: 'failure'; readonly reason: string } {
  return { kind: 'failure', reason: error instanceof Error ? error.message : String(error) };
}

function preferring(hosts: readonly Host[], preferred: string | undefined): readonly Host[] {
  if (preferred === undefined) return hosts;
  const first = hosts.filter((host) => formatHost(host) === preferred);
  return first.length === 0 ? hosts : [...first, ...hosts.filter((host) => formatHost(host) !== preferred)];
}
