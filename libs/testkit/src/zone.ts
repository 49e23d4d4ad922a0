import type { AddressAnswer, MxAnswer, Resolver } from '@mailyard/delivery-rules';
import type { Domain } from '@mailyard/mail';

/** What a name has in a zone of a test; a name that is not there does not exist. */
export interface ZoneName {
  /** Preference and exchange; `[0, '']` is the null MX (RFC 7505). */
  readonly mx?: readonly (readonly [preference: number, exchange: string])[];
  readonly a?: readonly string[];
  readonly aaaa?: readonly string[];
  readonly cname?: string;
  /** Seconds; 60 when absent. */
  readonly ttl?: number;
  /** In place of an answer: an error, a datagram that is no answer, or nothing at all. */
  readonly fault?: 'servfail' | 'refused' | 'garbage' | 'silent';
  /** The record types that the fault is about; all when absent. */
  readonly faultTypes?: readonly string[];
}

export type Zone = Readonly<Record<string, ZoneName>>;

/** How many aliases are followed. */
export const ALIAS_LIMIT = 8;

/** The records of a name and the alias chain to them. Undefined: no such name. */
export function findName(zone: Zone, name: string): { readonly chain: readonly string[]; readonly found?: ZoneName } {
  const chain: string[] = [];
  let at = name.toLowerCase();
  while (Object.hasOwn(zone, at) && zone[at]!.cname !== undefined && chain.length < ALIAS_LIMIT) {
    chain.push(at);
    at = zone[at]!.cname!;
  }
  chain.push(at);
  return Object.hasOwn(zone, at) ? { chain, found: zone[at]! } : { chain };
}

/** A resolver that reads a zone in memory: the fake that fulfils the port. */
export class ZoneResolver implements Resolver {
  zone: Zone;

  constructor(zone: Zone) {
    this.zone = zone;
  }

  async mx(name: Domain): Promise<MxAnswer> {
    const found = this.#find(name);
    if ('kind' in found) return found;
    const records = found.mx ?? [];
    if (records.length === 0) return { kind: 'noData' };
    if (records.length === 1 && records[0]![1] === '') return { kind: 'nullMx' };
    const hosts = records.map(([preference, exchange]) => ({ preference, exchange }));
    return { kind: 'hosts', hosts: hosts.toSorted((a, b) => a.preference - b.preference) };
  }

  async addresses(name: Domain): Promise<AddressAnswer> {
    const found = this.#find(name);
    if ('kind' in found) return found;
    const addresses = [...(found.a ?? []), ...(found.aaaa ?? [])];
    return addresses.length === 0 ? { kind: 'noData' } : { kind: 'addresses', addresses };
  }

  #find(name: string): ZoneName | { readonly kind: 'noSuchDomain' } | { readonly kind: 'failure'; reason: string } {
    const { found } = findName(this.zone, name);
    if (found === undefined) return { kind: 'noSuchDomain' };
    if (found.cname !== undefined) return { kind: 'failure', reason: 'alias loop' };
    return found.fault === undefined ? found : { kind: 'failure', reason: found.fault };
  }
}
