/** Answers to lookups between core and wire. */
import type { DestinationHost, RouteDecision, RouteTarget } from '@mailyard/smtp-routes';
import type * as wire from './gen/mailyard/routing/v1/routing.ts';

const LOOKUPS: { readonly [L in DestinationHost['lookup']]: wire.HostLookup } = { mx: 1, name: 2, address: 3 };
const LOOKUPS_BY_NUMBER = [undefined, 'mx', 'name', 'address'] as const;

export function writeDecision({ version, matched, target, since }: RouteDecision): wire.RouteDecision {
  return { version, matched, since: since ?? 0, target: writeTarget(target) };
}

const USE_DNS: wire.RouteDecision['target'] = { $case: 'useDns', value: {} };
const DISCARD: wire.RouteDecision['target'] = { $case: 'discard', value: {} };

function writeTarget(target: RouteTarget): wire.RouteDecision['target'] {
  if (target.kind === 'usedns') return USE_DNS;
  if (target.kind === 'null') return DISCARD;
  const hosts = target.hosts.map(({ lookup, host, port, priority }) => ({
    lookup: LOOKUPS[lookup],
    host,
    port,
    priority,
  }));
  return { $case: 'hosts', value: { hosts, authProfile: target.authProfile } };
}

/** @returns undefined when the answer says nothing that is known here */
export function readDecision(decision: wire.RouteDecision | undefined): RouteDecision | undefined {
  if (decision === undefined) return undefined;
  const target = readTarget(decision.target);
  return target === undefined
    ? undefined
    : { version: decision.version, matched: decision.matched, target, since: decision.since };
}

function readTarget(target: wire.RouteDecision['target']): RouteTarget | undefined {
  if (target === undefined) return undefined;
  if (target.$case === 'useDns') return { kind: 'usedns' };
  if (target.$case === 'discard') return { kind: 'null' };
  const hosts: DestinationHost[] = [];
  for (const { lookup, host, port, priority } of target.value.hosts) {
    const kind = LOOKUPS_BY_NUMBER[lookup];
    if (kind === undefined) return undefined;
    hosts.push({ lookup: kind, host, port, priority });
  }
  const { authProfile } = target.value;
  return authProfile === undefined ? { kind: 'hosts', hosts } : { kind: 'hosts', hosts, authProfile };
}
