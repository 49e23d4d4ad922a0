/** When a policy of MTA-STS is fetched, how long it holds, and what holds while it cannot be had (RFC 8461 §3.3, §5.1). */
import type { Domain } from '@mailyard/mail';
import type { MtaStsPolicy, MtaStsRecord } from './mta-sts.ts';

/** A policy as it was fetched. */
export interface KeptMtaStsPolicy {
  readonly policy: MtaStsPolicy;
  /** The id that the TXT record had. */
  readonly id: string;
  /** Wall time in milliseconds. */
  readonly fetchedAt: number;
}

/** What is known of a domain. */
export interface MtaStsKnowledge {
  readonly kept?: KeptMtaStsPolicy;
  /** The last fetch, where it came to nothing. */
  readonly failed?: { readonly id: string; readonly at: number; readonly reason: string };
}

/** The policy of a recipient domain, or why none holds. */
export type MtaStsAnswer =
  | ({ readonly kind: 'policy' } & KeptMtaStsPolicy)
  | { readonly kind: 'none'; readonly reason: string };

/**
 * Where delivery learns of policies.
 *
 * It may take as long as a fetch may take, it never rejects, and whatever goes wrong: a policy that was fetched and has
 * not run out holds.
 */
export interface MtaStsPolicies {
  of(domain: Domain): Promise<MtaStsAnswer>;
}

/** A fetch that failed is not tried again before, for the same id (RFC 8461 §3.3). */
export const FETCH_AGAIN_MS = 300_000;
/** A policy is fetched again after this, or after half of its time, though nothing says it has changed (§3.3). */
const REFRESH_MS = 86_400_000;

/** Until when a policy holds: as it asks, but no host is asked again at once, however little it asks for. */
export function holdsUntil({ policy, fetchedAt }: KeptMtaStsPolicy): number {
  return fetchedAt + Math.max(FETCH_AGAIN_MS, policy.maxAgeSeconds * 1000);
}

/**
 * What is to be done for mail that goes to a domain now. `fetch`: before it goes. `refresh`: beside it, since the policy
 * that is kept still holds.
 */
export type MtaStsStep = 'nothing' | 'fetch' | 'refresh';

/**
 * @param record what the TXT record says now; undefined where the DNS did not say
 * @param now wall time in milliseconds
 */
export function nextMtaStsStep(
  { kept, failed }: MtaStsKnowledge,
  record: MtaStsRecord | undefined,
  now: number,
): MtaStsStep {
  // A record that is gone does not take back a policy (§3.1), and leads to none.
  if (record === undefined || 'problem' in record) return 'nothing';
  if (failed !== undefined && failed.id === record.id && isRecent(now - failed.at)) return 'nothing';
  if (kept === undefined || kept.id !== record.id || now >= holdsUntil(kept)) return 'fetch';
  const age = now - kept.fetchedAt;
  const isOld = age < 0 || age >= Math.min(REFRESH_MS, (holdsUntil(kept) - kept.fetchedAt) / 2);
  return isOld && !isRecent(age) ? 'refresh' : 'nothing';
}

/** What lies ahead was written before the clock was put back: nothing is known of how long ago that is. */
function isRecent(age: number): boolean {
  return age >= 0 && age < FETCH_AGAIN_MS;
}

/** What holds for a domain once that is done. */
export function heldMtaSts(
  domain: Domain,
  { kept, failed }: MtaStsKnowledge,
  record: MtaStsRecord | undefined,
  now: number,
): MtaStsAnswer {
  if (kept !== undefined && now < holdsUntil(kept)) return { kind: 'policy', ...kept };
  if (record === undefined) return { kind: 'none', reason: `the DNS does not say whether ${domain} has a policy` };
  if ('problem' in record) return { kind: 'none', reason: `${domain} has no policy: ${record.problem}` };
  return { kind: 'none', reason: `${domain} has a policy that cannot be had: ${failed?.reason ?? 'not fetched'}` };
}
