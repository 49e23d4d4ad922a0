import type { QueueOwners } from '@mailyard/admin';
import { resolvePlan } from '@mailyard/delivery';
import {
  type DeliveryTerms,
  type Host,
  holdsUntil,
  hostKey,
  type KnownHost,
  type MtaStsAnswer,
  type MtaStsPolicies,
  planMtaSts,
  type Resolver,
} from '@mailyard/delivery-rules';
import type { AddressLiteral, Domain } from '@mailyard/mail';
import type { DeliveryLimits, ExplainedHost, ExplainedMtaSts, HostExplainer } from '@mailyard/routing';
import type { Settings } from '@mailyard/settings';
import { Pace } from '@mailyard/telemetry';
import { termsTable } from './delivery-terms.ts';
import type { RouteTarget } from '@mailyard/smtp-routes';

/** Tells which hosts a delivery would try, in order, what workers know of them, and what bounds it (R40). */
export function hostExplainer(
  resolver: Resolver,
  policies: MtaStsPolicies,
  owners: () => QueueOwners,
  settings: Settings['delivery'],
): HostExplainer {
  return async (domain, { target }, controls) => {
    if (target.kind === 'null') return { hosts: [] };
    const terms = termsTable(settings, controls).of(domain);
    const options = { turn: 0, random: [], ipPreference: terms.ipPreference };
    const [plan, census, sts] = await Promise.all([
      resolvePlan(resolver, { target, domain, plan: options }),
      owners().census(false, false),
      stsAnswer(policies, terms, domain, target),
    ]);
    const found = plan.kind === 'hosts' ? plan.hosts : [];
    const keys = new Set(found.map((host) => hostKey(host)));
    const known = new Map<string, KnownHost>();
    const pace = new Pace();
    for (const host of census.hosts) {
      if (pace.isOver) await pace.rest();
      if (keys.has(host.key)) known.set(host.key, host);
    }
    const hosts: ExplainedHost[] = found.map((host) => {
      const { name, address, port } = host;
      const { state = 'unknown', downUntil = 0 } = known.get(hostKey(host)) ?? {};
      const priority = priorityOf(host, target);
      return { name, address, port, priority, state, downUntil, ...stsProblem(host, terms, sts) };
    });
    for (const { destination, reason, enhancedStatus } of plan.faults)
      hosts.push({
        name: destination,
        address: '',
        port: 0,
        priority: 0,
        problem: reason,
        problemStatus: enhancedStatus,
        state: 'unknown',
        downUntil: 0,
      });
    return { hosts, limits: limitsOf(terms), ...(sts === undefined ? {} : { mtaStsPolicy: stsExplained(sts) }) };
  };
}

function limitsOf({ row, bounceProfile, recipients, bounce, ...terms }: DeliveryTerms): DeliveryLimits {
  return {
    maxConnections: terms.maxConnections,
    messagesPerConnection: terms.messagesPerConnection,
    tls: terms.tls,
    dane: terms.dane,
    mtaSts: terms.mtaSts,
    ipPreference: terms.ipPreference,
    bounceVerification: terms.bounceVerification === true,
    maxRetries: bounce.maxRetries,
    maxAgeSeconds: bounce.maxAgeMs / 1000,
    initialWaitSeconds: bounce.initialWaitMs / 1000,
    maxWaitSeconds: bounce.maxWaitMs / 1000,
    ...(row === undefined ? {} : { control: row }),
    ...(bounceProfile === undefined ? {} : { bounceProfile }),
    ...(recipients === undefined
      ? {}
      : { maxRecipients: recipients.most, windowMinutes: recipients.windowMs / 60_000 }),
  };
}

/** What a delivery would go by; undefined where it looks for no policy. */
async function stsAnswer(
  policies: MtaStsPolicies,
  { mtaSts }: DeliveryTerms,
  domain: Domain | AddressLiteral,
  { kind }: RouteTarget,
): Promise<MtaStsAnswer | undefined> {
  if (mtaSts === 'none' || kind !== 'usedns' || domain.startsWith('[')) return undefined;
  return policies.of(domain as Domain);
}

function stsExplained(answer: MtaStsAnswer): ExplainedMtaSts {
  if (answer.kind === 'none') return { problem: answer.reason };
  const { mode, mx } = answer.policy;
  return { mode, mx, holdsUntil: holdsUntil(answer) };
}

/** That a policy keeps a host from being used, unless TLSA records verify it, which are not asked for here. */
function stsProblem(
  { name: host }: Host,
  { mtaSts: use, dane, tls }: DeliveryTerms,
  sts: MtaStsAnswer | undefined,
): Pick<ExplainedHost, 'problem' | 'problemStatus'> {
  if (sts?.kind !== 'policy' || use === 'none' || dane !== 'none') return {};
  const plan = planMtaSts({ use, policy: sts.policy, host, tls, isDane: false, isMxVouched: false });
  return plan.kind === 'refused' ? { problem: `MTA-STS: ${plan.reason}`, problemStatus: '4.7.5' } : {};
}

/** Of the destination that named the host; a host found through the MX has that of the entry, 0 where it is alone. */
function priorityOf({ name, port }: Host, target: Exclude<RouteTarget, { kind: 'null' }>): number {
  if (target.kind === 'usedns') return 0;
  return target.hosts.find((one) => one.host === name && one.port === port)?.priority ?? target.hosts[0]!.priority;
}
