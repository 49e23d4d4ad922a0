import {
  type DaneUse,
  type Host,
  planDane,
  type RelayOptions,
  type Resolver,
  type SessionFailure,
  type TlsaAnswer,
} from '@mailyard/delivery-rules';
import { isIP } from 'node:net';
import type { AddressLiteral, Domain } from '@mailyard/mail';
import type { RouteTarget } from '@mailyard/smtp-routes';

/** What a session with a host of a route is to be like. */
export interface DaneWish {
  readonly dane: DaneUse;
  readonly relayOptions: RelayOptions;
  readonly target: Exclude<RouteTarget, { kind: 'null' }>;
  readonly domain: Domain | AddressLiteral;
}

/** The session that TLSA records of a host ask for, or why there may be none (R144, RFC 7672). Never rejects. */
export async function daneSession(
  resolver: Resolver,
  { relayOptions, ...wish }: DaneWish,
  host: Host,
): Promise<RelayOptions | SessionFailure> {
  if (wish.dane === 'none') return relayOptions;
  const answer = await answerOf(resolver, wish, host).catch(failed);
  const plan = planDane(wish.dane, relayOptions.tls, answer);
  if (plan.kind === 'refused') return { stage: 'starttls', reason: plan.reason };
  return { ...relayOptions, tls: plan.tls, ...(plan.dane === undefined ? {} : { dane: plan.dane }) };
}

async function answerOf(
  resolver: Resolver,
  { dane, target, domain }: Omit<DaneWish, 'relayOptions'>,
  host: Host,
): Promise<TlsaAnswer> {
  if (isIP(host.name) !== 0) return { kind: 'none', reason: `${host.name} is an address and has no TLSA records` };
  // Where DANE is mandatory, MX records that anybody may have made must not say who is to be verified (RFC 7672 §2.2.1).
  if (dane === 'mandatory') {
    for (const name of mxNamesOf(target, domain, host)) {
      const isSecure = await resolver.isMxSecure(name);
      if (typeof isSecure !== 'boolean') return isSecure;
      if (!isSecure) return { kind: 'none', reason: `DNSSEC does not vouch for the MX records of ${name}` };
    }
  }
  return resolver.tlsa(host.name as Domain, host.port);
}

/** The names whose MX records may have led to a host; none where the route names it itself. */
function mxNamesOf(target: DaneWish['target'], domain: DaneWish['domain'], { name }: Host): readonly Domain[] {
  if (target.kind === 'usedns') return [domain as Domain];
  if (target.hosts.some(({ lookup, host }) => lookup === 'name' && host === name)) return [];
  return target.hosts.filter(({ lookup }) => lookup === 'mx').map(({ host }) => host as Domain);
}

function failed(error: unknown): { readonly kind: 'failure'; readonly reason: string } {
  return { kind: 'failure', reason: error instanceof Error ? error.message : String(error) };
}
