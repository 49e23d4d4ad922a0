import type { AddressLiteral, Domain } from '@mailyard/mail';
import { DomainIndex } from './domain-index.ts';
import { RouteChanges } from './route-changes.ts';
import type { MatchingMode, ReceivingDomain, RouteDecision, RouteTarget, SmtpRoute } from './smtp-route.ts';

/** An entry with the version that last changed it. */
export interface RouteEntry {
  readonly route: SmtpRoute;
  readonly since: number;
}

/** What one version does to one receiving domain; no entry = it is gone. An `ALL` that is gone is an empty one (R4). */
export interface RouteChange {
  readonly receivingDomain: ReceivingDomain;
  readonly entry?: RouteEntry;
}

/** What a table must know of its past to tell whom a change since some version concerns. */
export interface RoutePast {
  /** The version that last changed the mode of matching. */
  readonly modeSince: number;
  /** From this version on removals are known; of anything older it is taken that it was concerned. */
  readonly knownSince: number;
  /** Receiving domains without an entry, and the version that removed it. */
  readonly removed: Iterable<readonly [ReceivingDomain, number]>;
}

/** An entry that matches a recipient domain, with why it does not win, or that it does (R40). */
export interface RouteCandidate {
  readonly entry: RouteEntry;
  /** `winner`; `lessSpecific`: a longer entry stands above; `emptyDefault`: ALL without a destination sends by DNS. */
  readonly verdict: 'winner' | 'lessSpecific' | 'emptyDefault';
}

/** Entries of one name, and the versions that last removed one: a recipient may have waited under it (I11). */
class Node {
  exact: RouteEntry | undefined;
  dotted: RouteEntry | undefined;
  exactGone = 0;
  dottedGone = 0;
}

const BY_DNS: RouteTarget = { kind: 'usedns' };

/**
 * The route table as lookups need it. At most one probe a label of the recipient domain, whatever its size (R39).
 *
 * It is changed in place, one committed version after the other; a lookup sees one version.
 */
export class RouteTable {
  readonly #names = new DomainIndex<Node>();
  readonly #literals = new Map<string, Node>();
  #default: RouteEntry | undefined;
  #defaultGone = 0;
  #mode: MatchingMode;
  #modeSince = 0;
  #version: number;
  readonly #knownSince: number;

  constructor(version: number, mode: MatchingMode, entries: Iterable<RouteEntry>, past?: RoutePast) {
    this.#version = version;
    this.#mode = mode;
    this.#modeSince = past?.modeSince ?? 0;
    this.#knownSince = past?.knownSince ?? 0;
    for (const entry of entries) this.#take(entry.route.receivingDomain, entry, 0);
    for (const [receivingDomain, since] of past?.removed ?? []) this.#take(receivingDomain, undefined, since);
  }

  get version(): number {
    return this.#version;
  }

  get mode(): MatchingMode {
    return this.#mode;
  }

  /**
   * Goes on to a version.
   *
   * @returns which recipient domains it concerns
   */
  advance(version: number, changes: readonly RouteChange[], mode: MatchingMode = this.#mode): RouteChanges {
    const isOtherMode = mode !== this.#mode;
    if (isOtherMode) [this.#mode, this.#modeSince] = [mode, version];
    this.#version = version;
    for (const { receivingDomain, entry } of changes) this.#take(receivingDomain, entry, version);
    return new RouteChanges(
      version,
      changes.map((change) => change.receivingDomain),
      mode,
      isOtherMode,
    );
  }

  /** @param removedIn the version that removed the entry, when there is none any more */
  #take(receivingDomain: ReceivingDomain, entry: RouteEntry | undefined, removedIn: number): void {
    if (receivingDomain === 'ALL') {
      this.#default = entry;
      if (entry === undefined) this.#defaultGone = removedIn;
      return;
    }
    const isDotted = receivingDomain.startsWith('.');
    const node = this.#nodeOf(isDotted ? receivingDomain.slice(1) : receivingDomain);
    if (isDotted) {
      node.dotted = entry;
      if (entry === undefined) node.dottedGone = removedIn;
    } else {
      node.exact = entry;
      if (entry === undefined) node.exactGone = removedIn;
    }
  }

  #nodeOf(name: string): Node {
    const index = name.startsWith('[') ? this.#literals : this.#names;
    let node = index.get(name);
    if (node === undefined) {
      node = new Node();
      index.set(name, node);
    }
    return node;
  }

  /** The entry with exactly this receiving domain. */
  entry(receivingDomain: ReceivingDomain): RouteEntry | undefined {
    if (receivingDomain === 'ALL') return this.#default;
    if (receivingDomain.startsWith('.')) return this.#names.get(receivingDomain.slice(1))?.dotted;
    return (receivingDomain.startsWith('[') ? this.#literals : this.#names).get(receivingDomain)?.exact;
  }

  /**
   * Chooses the route of a recipient domain: exact, then the longest suffix, then ALL, then DNS (R30 to R37).
   *
   * The answer is final: destination hosts are never looked up in the table again (R51).
   */
  lookup(domain: Domain | AddressLiteral): RouteDecision {
    let since = Math.max(this.#modeSince, this.#knownSince);
    const index = this.#names;
    if (domain.charCodeAt(0) === BRACKET) {
      const node = this.#literals.get(domain);
      if (node?.exact !== undefined) return this.#decide(node.exact, since);
      if (node !== undefined) since = Math.max(since, node.exactGone);
    } else {
      index.begin(domain);
      for (let node = index.next(); node !== undefined; node = index.next()) {
        const isItself = index.start === 0;
        if (!isItself) {
          if (node.dotted !== undefined) return this.#decide(node.dotted, since);
          if (node.dottedGone > since) since = node.dottedGone;
        }
        if (isItself || this.#mode === 'covering') {
          if (node.exact !== undefined) return this.#decide(node.exact, since);
          if (node.exactGone > since) since = node.exactGone;
        }
      }
    }
    const entry = this.#default;
    if (entry === undefined)
      return { version: this.#version, matched: 'DNS', target: BY_DNS, since: Math.max(since, this.#defaultGone) };
    if (entry.since > since) since = entry.since;
    // An empty ALL is no match (R5): the recipient domain's own MX is asked, and the log says so.
    const matched = entry.route.target.kind === 'usedns' ? 'DNS' : 'ALL';
    return { version: this.#version, matched, target: entry.route.target, since };
  }

  #decide({ route, since }: RouteEntry, goneSince: number): RouteDecision {
    return {
      version: this.#version,
      matched: route.receivingDomain,
      target: route.target,
      since: Math.max(since, goneSince),
    };
  }

  /** Every entry that matches a recipient domain, the winner first (R40). The default is always among them if set. */
  candidates(domain: Domain | AddressLiteral): readonly RouteCandidate[] {
    const entries: RouteEntry[] = [];
    const push = (entry: RouteEntry | undefined): void => {
      if (entry !== undefined) entries.push(entry);
    };
    if (domain.charCodeAt(0) === BRACKET) push(this.#literals.get(domain)?.exact);
    else {
      this.#names.begin(domain);
      for (let node = this.#names.next(); node !== undefined; node = this.#names.next()) {
        const isItself = this.#names.start === 0;
        if (!isItself) push(node.dotted);
        if (isItself || this.#mode === 'covering') push(node.exact);
      }
    }
    push(this.#default);
    return entries.map((entry, rank) => {
      if (rank > 0) return { entry, verdict: 'lessSpecific' };
      const isEmptyDefault = entry.route.receivingDomain === 'ALL' && entry.route.target.kind === 'usedns';
      return { entry, verdict: isEmptyDefault ? 'emptyDefault' : 'winner' };
    });
  }
}

const BRACKET = 91;
