import { Resolver as Stub } from 'node:dns/promises';
import type { HostNames } from '@mailyard/access';
import type { AddressAnswer, MxAnswer, Resolver, TextAnswer, TlsaAnswer, TlsaRecord } from '@mailyard/delivery-rules';
import { type Domain, parseDomain } from '@mailyard/mail';
import { AnswerCache, type Kept } from './answer-cache.ts';
import { type DnsRecord, type DnsReply, TYPES } from './dns-message.ts';
import { askValidated } from './validated-question.ts';

export interface DnsOptions {
  /** `HOST:PORT` each, IPv6 in brackets; the system's resolvers when absent. */
  readonly servers?: readonly string[];
  /** For the first try at a server; later ones wait longer. */
  readonly timeoutMs?: number;
  readonly tries?: number;
  /** How many names are remembered, for mail exchangers and for addresses. */
  readonly cacheLimit?: number;
  /** A clock that only goes forward, milliseconds. */
  readonly now?: () => number;
}

/** How many mail exchangers of a domain are used (faults-and-threats, row 30). */
const MX_LIMIT = 50;
const ADDRESS_LIMIT = 50;
/** Octets of TXT records of a name that are kept; what is used of them is far smaller. */
const TEXT_LIMIT = 8_192;
/** How many aliases are followed where the server does not follow them itself. */
const ALIAS_LIMIT = 8;
/** No answer is believed for longer, whatever its TTL. */
const KEEP_LIMIT_MS = 3_600_000;
/** Answers that come without a TTL from the stub: mail exchangers, texts, and that something is not there. */
const KEEP_MX_MS = 60_000;
const KEEP_TEXTS_MS = 60_000;
const KEEP_NOTHING_MS = 30_000;
const KEEP_NAMES_MS = 60_000;
/** Enough to spare a server that is in trouble, too short to matter for a retry. */
const KEEP_FAILURE_MS = 2_000;

const NO_SUCH_DOMAIN = { kind: 'noSuchDomain' } as const;
const NO_DATA = { kind: 'noData' } as const;

type Missing = typeof NO_SUCH_DOMAIN | typeof NO_DATA | { readonly kind: 'failure'; readonly reason: string };

/**
 * The DNS through Node's stub resolver (c-ares), remembered by TTL.
 *
 * The stub tells no TTL of MX and TXT records and of negative answers: those are kept for a minute and half a minute. It calls
 * an alias chain without an end "no data"; that is told from a name without records by asking for the alias. Nor does it
 * tell what the resolver has validated: where DANE asks, questions go out without it.
 */
export class DnsResolver implements Resolver, HostNames {
  readonly #stub: Stub;
  readonly #mx: AnswerCache<MxAnswer>;
  readonly #addresses: AnswerCache<AddressAnswer>;
  readonly #texts: AnswerCache<TextAnswer>;
  readonly #tlsa: AnswerCache<TlsaAnswer>;
  readonly #secureMx: AnswerCache<boolean | Extract<Missing, { kind: 'failure' }>>;
  readonly #patience: { readonly timeoutMs: number; readonly tries: number };
  readonly #names: AnswerCache<readonly Domain[]>;

  constructor({
    servers,
    timeoutMs = 5_000,
    tries = 2,
    cacheLimit = 10_000,
    now = () => performance.now(),
  }: DnsOptions = {}) {
    this.#stub = new Stub({ timeout: timeoutMs, tries });
    if (servers !== undefined && servers.length > 0) this.#stub.setServers([...servers]);
    this.#mx = new AnswerCache(cacheLimit, now);
    this.#addresses = new AnswerCache(cacheLimit, now);
    this.#texts = new AnswerCache(cacheLimit, now);
    this.#tlsa = new AnswerCache(cacheLimit, now);
    this.#secureMx = new AnswerCache(cacheLimit, now);
    this.#patience = { timeoutMs, tries };
    this.#names = new AnswerCache(cacheLimit, now);
  }

  mx(name: Domain): Promise<MxAnswer> {
    return this.#mx.get(name, () => this.#askMx(name, 0));
  }

  addresses(name: Domain): Promise<AddressAnswer> {
    return this.#addresses.get(name, () => this.#askAddresses(name, 0));
  }

  texts(name: string): Promise<TextAnswer> {
    return this.#texts.get(name, () => this.#askTexts(name, 0));
  }

  tlsa(name: Domain, port: number): Promise<TlsaAnswer> {
    return this.#tlsa.get(`_${port}._tcp.${name}`, () => this.#askTlsa(name, port));
  }

  isMxSecure(name: Domain): Promise<boolean | Extract<Missing, { kind: 'failure' }>> {
    return this.#secureMx.get(name, async () => {
      try {
        const { isAuthentic } = await this.#askValidated(name, TYPES.mx);
        return { answer: isAuthentic, keepMs: KEEP_MX_MS };
      } catch (error) {
        return { answer: failureOf(error), keepMs: KEEP_FAILURE_MS };
      }
    });
  }

  namesOf(address: string): Promise<readonly Domain[]> {
    return this.#names.get(address, () => this.#askNames(address));
  }

  async addressesOf(name: Domain): Promise<readonly string[]> {
    const answer = await this.addresses(name);
    return answer.kind === 'addresses' ? answer.addresses : [];
  }

  /** Gives up questions that are under way: they end as failures. */
  close(): void {
    this.#stub.cancel();
  }

  #askValidated(name: string, type: number): Promise<DnsReply> {
    return askValidated({ servers: this.#stub.getServers(), ...this.#patience }, name, type);
  }

  /**
   * Asks for TLSA records only where DNSSEC vouches for the addresses: elsewhere they would not count, and some servers
   * fail at the question (RFC 7672 §2.2.2). Below the name that aliases lead to, else below the name itself (§2.2.3).
   */
  async #askTlsa(name: string, port: number): Promise<Kept<TlsaAnswer>> {
    const none = (reason: string, keepMs = KEEP_NOTHING_MS): Kept<TlsaAnswer> => ({
      answer: { kind: 'none', reason },
      keepMs,
    });
    try {
      let addresses = await this.#askValidated(name, TYPES.a);
      if (addresses.isAuthentic && !addresses.answers.some(({ type }) => type === TYPES.a))
        addresses = await this.#askValidated(name, TYPES.aaaa);
      if (!addresses.isAuthentic) return none(`DNSSEC does not vouch for ${name}`);
      const found = addresses.answers.find(({ type }) => type === TYPES.a || type === TYPES.aaaa);
      for (const base of new Set([found?.owner ?? name, name])) {
        const { isAuthentic, answers } = await this.#askValidated(`_${port}._tcp.${base}`, TYPES.tlsa);
        const records = answers.filter(({ type, data }) => type === TYPES.tlsa && data.length > 3);
        if (!isAuthentic || records.length === 0) continue;
        const ttl = Math.min(...answers.map(({ ttlSeconds }) => ttlSeconds));
        return { answer: { kind: 'records', base, records: records.map(readTlsa) }, keepMs: keptMs(ttl) };
      }
      return none(`no TLSA records below ${name} that DNSSEC vouches for`);
    } catch (error) {
      return { answer: failureOf(error), keepMs: KEEP_FAILURE_MS };
    }
  }

  async #askMx(name: string, aliases: number): Promise<Kept<MxAnswer>> {
    try {
      return { answer: chooseHosts(await this.#stub.resolveMx(name)), keepMs: KEEP_MX_MS };
    } catch (error) {
      const missing = missingOf(error);
      const target = missing === NO_DATA ? await this.#alias(name) : undefined;
      if (target === undefined) return keepMissing(missing);
      return typeof target !== 'string' || aliases === ALIAS_LIMIT
        ? keepMissing(target)
        : this.#askMx(target, aliases + 1);
    }
  }

  async #askTexts(name: string, aliases: number): Promise<Kept<TextAnswer>> {
    let missing: Missing = NO_DATA;
    try {
      const texts = (await this.#stub.resolveTxt(name)).map((strings) => strings.join(''));
      const octets = texts.reduce((sum, text) => sum + text.length, 0);
      if (octets > TEXT_LIMIT)
        return { answer: { kind: 'failure', reason: `TXT records of ${octets} octets` }, keepMs: KEEP_TEXTS_MS };
      if (texts.length > 0) return { answer: { kind: 'texts', texts }, keepMs: KEEP_TEXTS_MS };
    } catch (error) {
      missing = missingOf(error);
    }
    // The stub calls an alias without texts behind it a name without texts.
    const target = missing === NO_DATA ? await this.#alias(name) : undefined;
    if (target === undefined) return keepMissing(missing);
    return typeof target !== 'string' || aliases === ALIAS_LIMIT
      ? keepMissing(target)
      : this.#askTexts(target, aliases + 1);
  }

  async #askNames(address: string): Promise<Kept<readonly Domain[]>> {
    try {
      const names = await this.#stub.reverse(address);
      return { answer: names.flatMap((name) => parseDomain(name) ?? []), keepMs: KEEP_NAMES_MS };
    } catch (error) {
      return { answer: [], keepMs: missingOf(error).kind === 'failure' ? KEEP_FAILURE_MS : KEEP_NOTHING_MS };
    }
  }

  async #askAddresses(name: string, aliases: number): Promise<Kept<AddressAnswer>> {
    const [v4, v6] = await Promise.allSettled([
      this.#stub.resolve4(name, { ttl: true }),
      this.#stub.resolve6(name, { ttl: true }),
    ]);
    const found = [v4, v6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (found.length > 0) {
      const addresses = found.slice(0, ADDRESS_LIMIT).map(({ address }) => address);
      const ttl = Math.min(...found.map((record) => record.ttl));
      return { answer: { kind: 'addresses', addresses }, keepMs: keptMs(ttl) };
    }
    const missing = [v4, v6].map((answer) => (answer.status === 'rejected' ? missingOf(answer.reason) : NO_DATA));
    // What is certain of only one family is not certain of the name.
    const worst = missing.find(({ kind }) => kind === 'failure') ?? missing.find(({ kind }) => kind === 'noData');
    if (worst === undefined) return keepMissing(NO_SUCH_DOMAIN);
    const target = worst.kind === 'noData' ? await this.#alias(name) : undefined;
    if (target === undefined) return keepMissing(worst);
    return typeof target !== 'string' || aliases === ALIAS_LIMIT
      ? keepMissing(target)
      : this.#askAddresses(target, aliases + 1);
  }

  /** Where a name without records of a type leads to: undefined when it is no alias. */
  async #alias(name: string): Promise<string | Missing | undefined> {
    try {
      const [target] = await this.#stub.resolveCname(name);
      return target;
    } catch (error) {
      const missing = missingOf(error);
      return missing.kind === 'failure' ? missing : undefined;
    }
  }
}

function keptMs(ttlSeconds: number): number {
  return Math.min(KEEP_LIMIT_MS, Math.max(0, ttlSeconds * 1000));
}

function failureOf(error: unknown): Extract<Missing, { kind: 'failure' }> {
  return { kind: 'failure', reason: error instanceof Error ? error.message : String(error) };
}

/** RFC 6698 §2.1 */
function readTlsa({ data }: DnsRecord): TlsaRecord {
  return { usage: data[0]!, selector: data[1]!, matching: data[2]!, data: Buffer.from(data.subarray(3)) };
}

function chooseHosts(records: readonly { readonly exchange: string; readonly priority: number }[]): MxAnswer {
  if (records.length > 0 && records.every(({ exchange }) => exchange === '' || exchange === '.'))
    return { kind: 'nullMx' };
  const preferences = new Map<string, number>();
  for (const { exchange, priority } of records.toSorted((a, b) => a.priority - b.priority)) {
    const host = parseDomain(exchange);
    if (host !== undefined && !preferences.has(host) && preferences.size < MX_LIMIT) preferences.set(host, priority);
  }
  if (preferences.size === 0) return { kind: 'failure', reason: 'no mail exchanger has a usable name' };
  return { kind: 'hosts', hosts: [...preferences].map(([exchange, preference]) => ({ exchange, preference })) };
}

function missingOf(error: unknown): Missing {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOTFOUND') return NO_SUCH_DOMAIN;
  return code === 'ENODATA' ? NO_DATA : { kind: 'failure', reason: code ?? message };
}

function keepMissing(missing: Missing | string): Kept<Missing> {
  if (typeof missing === 'string')
    return { answer: { kind: 'failure', reason: 'too many aliases' }, keepMs: KEEP_NOTHING_MS };
  return { answer: missing, keepMs: missing.kind === 'failure' ? KEEP_FAILURE_MS : KEEP_NOTHING_MS };
}
