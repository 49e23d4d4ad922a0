import {
  formatHost,
  type Host,
  isMxOf,
  type MtaStsPolicies,
  type MtaStsPolicy,
  type MtaStsUse,
  planMtaSts,
  type RelayConnection,
  type RelayOptions,
  type Resolver,
  type SessionFailure,
  type TlsFault,
} from '@mailyard/delivery-rules';
import type { Domain } from '@mailyard/mail';
import { publishMailEvent } from '@mailyard/telemetry';
import { daneSession, type DaneWish } from './dane-session.ts';

/** What a session with a host of a route is to be like, by DANE and by MTA-STS. */
export interface SessionWish extends DaneWish {
  readonly mtaSts: MtaStsUse;
}

/** A policy that has a say in a session. */
export interface PolicySay {
  readonly mode: Exclude<MtaStsUse, 'none'>;
  /** What is wrong already, and only told. */
  readonly fault?: TlsFault;
}

export type SessionPlan = { readonly say?: PolicySay } & (
  | { readonly kind: 'session'; readonly options: RelayOptions }
  | { readonly kind: 'refused'; readonly failure: SessionFailure }
);

/**
 * The policy under which mail for a domain goes (R144, RFC 8461); undefined for none. Only where the MX records of the
 * domain itself lead the way: in an explicit route the operator says which hosts are right, and they are not those that
 * the domain names. Never rejects.
 */
export async function policyOf(
  policies: MtaStsPolicies | undefined,
  { mtaSts, target, domain }: Pick<SessionWish, 'mtaSts' | 'target' | 'domain'>,
): Promise<MtaStsPolicy | undefined> {
  if (policies === undefined || mtaSts === 'none') return undefined;
  if (target.kind !== 'usedns' || domain.startsWith('[')) return undefined;
  const answer = await policies.of(domain as Domain);
  return answer.kind === 'policy' ? answer.policy : undefined;
}

/** The session that DANE and then a policy ask for, or why there may be none (RFC 8461 §2, §4). Never rejects. */
export async function planSession(
  resolver: Resolver,
  wish: SessionWish,
  host: Host,
  policy: MtaStsPolicy | undefined,
): Promise<SessionPlan> {
  const options = await daneSession(resolver, wish, host);
  if ('reason' in options) return { kind: 'refused', failure: options };
  const { mtaSts: use, domain } = wish;
  if (policy === undefined || use === 'none') return { kind: 'session', options };
  const isDane = options.dane !== undefined;
  const isMxVouched =
    isDane && !isMxOf(policy, host.name) && (await resolver.isMxSecure(domain as Domain).catch(() => false)) === true;
  const plan = planMtaSts({ use, policy, host: host.name, tls: options.tls, isDane, isMxVouched });
  if (plan.kind === 'refused') {
    const failure = { stage: 'starttls', reason: plan.reason, tlsResult: 'validation-failure' } as const;
    return { kind: 'refused', failure, say: { mode: 'enforce' } };
  }
  const { tls, mtaSts, fault: reason } = plan;
  const fault = reason === undefined ? {} : { fault: { result: 'validation-failure', reason } as const };
  return {
    kind: 'session',
    options: { ...options, tls, ...(mtaSts === undefined ? {} : { mtaSts }) },
    ...(mtaSts === undefined && reason === undefined ? {} : { say: { mode: mtaSts ?? 'testing', ...fault } }),
  };
}

/** Tells what came of a policy that has a say in a session. A failure for its sake names it. */
export function underPolicy(
  domain: string,
  host: Host,
  { mode, fault }: PolicySay,
  opened: RelayConnection | SessionFailure,
): RelayConnection | SessionFailure {
  if (!('reason' in opened)) {
    tell(domain, host, mode, fault ?? (opened.tls === undefined ? IN_CLEAR : opened.tls.policyFault));
    return opened;
  }
  const { stage, reason, tlsResult = 'validation-failure' } = opened;
  if (stage !== 'starttls') return opened;
  tell(domain, host, mode, { result: tlsResult, reason });
  return mode === 'enforce' ? { ...opened, reason: `MTA-STS of ${domain}: ${reason}` } : opened;
}

const IN_CLEAR: TlsFault = { result: 'starttls-not-supported', reason: 'the session is in the clear' };

function tell(domain: string, host: Host, mode: PolicySay['mode'], fault: TlsFault | undefined): void {
  publishMailEvent({
    kind: 'mtaSts',
    domain,
    session: { host: formatHost(host), mode },
    result: fault?.result ?? 'successful',
    ...(fault === undefined ? {} : { reason: fault.reason }),
  });
}
