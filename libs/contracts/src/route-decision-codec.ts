/** Answers to lookups between core and wire. */
import type { DestinationHost, RouteDecision, RouteTarget } from '@mailyard/smtp-routes';
import type * as wire from './gen/mailyard/routing/v1/routing.ts';
import { RouteDecision as RouteDecisionFns } from './gen/mailyard/routing/v1/routing.ts';
import { WireWriter } from './wire-writer.ts';

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

/** Targets in wire form, as fields of a RouteDecision: there are few of them, and every answer has one. */
const ENCODED = new WeakMap<RouteTarget, Uint8Array>();
const writer = new WireWriter(64 * 1024);

function encodedTarget(target: RouteTarget): Uint8Array {
  let octets = ENCODED.get(target);
  if (octets === undefined) {
    octets = RouteDecisionFns.encode({ version: 0, matched: '', since: 0, target: writeTarget(target) }).finish();
    ENCODED.set(target, octets);
  }
  return octets;
}

/**
 * Encodes answers as a LookupBatchResponse, several times faster than the generated encoder. One answer is a
 * LookupResponse just as well: the decision has the same field in both.
 *
 * @param decisions undefined where the recipient was no domain, literal or address
 * @param version of the table that answered
 */
export function encodeDecisions(decisions: readonly (RouteDecision | undefined)[], version: number): Buffer {
  writer.position = 0;
  for (const decision of decisions) {
    const start = writer.begin(1, 64);
    writer.uint(1, version);
    if (decision !== undefined) {
      writer.text(2, decision.matched);
      writer.uint(3, decision.since ?? 0);
      writer.raw(encodedTarget(decision.target));
    }
    writer.end(start, 64);
  }
  return Buffer.from(writer.octets.subarray(0, writer.position));
}
