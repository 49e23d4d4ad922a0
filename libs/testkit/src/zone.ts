import type { AddressAnswer, MxAnswer, Resolver, TextAnswer, TlsaAnswer } from '@mailyard/delivery-rules';
import type { Domain } from '@mailyard/mail';

/** What a name has in a zone of a test; a name that is not there does not exist. */
export interface ZoneName {
  /** Preference and exchange; `[0, '']` is the null MX (RFC 7505). */
  readonly mx?: readonly (readonly [preference: number, exchange: string])[];
  readonly a?: readonly string[];
  readonly aaaa?: readonly string[];
  readonly cname?: string;
  /** Each of one string, or of several. */
  readonly txt?: readonly (string | readonly string[])[];
  /** Usage, selector, matching type and the data in hexadecimal. */
  readonly tlsa?: readonly (readonly [usage: number, selector: number, matching: number, data: string])[];
  /** DNSSEC vouches for it and for all that is, or is not, below it. */
  readonly isSecure?: boolean;
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

/** Whether DNSSEC vouches for each name of a chain: as it says, or the name above it. */
export function isSecureChain(zone: Zone, chain: readonly string[]): boolean {
  return chain.every((name) => {
    for (let at = name; at !== ''; at = at.split('.').slice(1).join('.'))
      if (Object.hasOwn(zone, at) && zone[at]!.isSecure !== undefined) return zone[at]!.isSecure;
    return false;
  });
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

  async texts(name: string): Promise<TextAnswer> {
    const found = this.#find(name);
    if ('kind' in found) return found;
    const texts = (found.txt ?? []).map((text) => (typeof text === 'string' ? text : text.join('')));
    return texts.length === 0 ? { kind: 'noData' } : { kind: 'texts', texts };
  }

  async tlsa(name: Domain, port: number): Promise<TlsaAnswer> {
    const addresses = await this.addresses(name);
    if (addresses.kind === 'failure') return addresses;
    const { chain } = findName(this.zone, name);
    if (!isSecureChain(this.zone, chain)) return { kind: 'none', reason: `DNSSEC does not vouch for ${name}` };
    for (const base of [chain.at(-1)!, name]) {
      const service = `_${port}._tcp.${base}`;
      const { found, chain: below } = findName(this.zone, service);
      if (found?.fault !== undefined) return { kind: 'failure', reason: found.fault };
      if (found?.tlsa === undefined || !isSecureChain(this.zone, below)) continue;
      const records = found.tlsa.map(([usage, selector, matching, data]) => ({
        ...{ usage, selector, matching },
        data: Buffer.from(data, 'hex'),
      }));
      return { kind: 'records', base, records };
    }
    return { kind: 'none', reason: `no TLSA records below ${name} that DNSSEC vouches for` };
  }

  async isMxSecure(name: Domain): ReturnType<Resolver['isMxSecure']> {
    const found = this.#find(name);
    if ('kind' in found && found.kind === 'failure') return found;
    return isSecureChain(this.zone, findName(this.zone, name).chain);
  }

  #find(name: string): ZoneName | { readonly kind: 'noSuchDomain' } | { readonly kind: 'failure'; reason: string } {
    const { found } = findName(this.zone, name);
    if (found === undefined) return { kind: 'noSuchDomain' };
    if (found.cname !== undefined) return { kind: 'failure', reason: 'alias loop' };
    return found.fault === undefined ? found : { kind: 'failure', reason: found.fault };
  }
}
