import type { AddressLiteral, Domain } from '@mailyard/mail';
import { DomainIndex } from './domain-index.ts';
import { RouteChanges } from './route-changes.ts';
import type { MatchingMode, ReceivingDomain, RouteDecision, RouteTarget, SmtpRoute } from './smtp-route.ts';

/** An entry with the version that last changed it. */
export interface RouteEntry {
  readonly item: SmtpRoute;
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

/** What there is for a name. One entry alone, as nearly always, is kept without anything around it. */
const EXACT = 1;
const DOTTED = 2;
const BOTH = 3;

/** Both entries of a name, or the versions that last removed one: a recipient may have waited under it (I11). */
interface Both {
  readonly exact: RouteEntry | undefined;
  readonly dotted: RouteEntry | undefined;
  readonly exactGone: number;
  readonly dottedGone: number;
}

const NONE: Both = { exact: undefined, dotted: undefined, exactGone: 0, dottedGone: 0 };

const BY_DNS: RouteTarget = { kind: 'usedns' };

/**
 * The route table as lookups need it. At most one probe a label of the recipient domain, whatever its size (R39).
 *
 * It is changed in place, one committed version after the other; a lookup sees one version.
 */
export class RouteTable {
  readonly #names = new DomainIndex();
  /** What names refer to, and beside it the target of an entry that stands alone: a lookup need not visit the entry. */
  readonly #entries: (RouteEntry | Both)[] = [];
  readonly #targets: (RouteTarget | undefined)[] = [];
  readonly #literals = new Map<string, RouteEntry | number>();
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
    for (const entry of entries) this.#take(entry.item.receivingDomain, entry, 0);
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
    if (receivingDomain.startsWith('[')) {
      this.#literals.set(receivingDomain, entry ?? removedIn);
      return;
    }
    const isDotted = receivingDomain.startsWith('.');
    const name = isDotted ? receivingDomain.slice(1) : receivingDomain;
    const place = this.#names.find(name);
    const alone = isDotted ? DOTTED : EXACT;
    if (entry !== undefined && (place < 0 || this.#names.tagAt(place) === alone)) {
      this.#names.set(name, alone, this.#keep(place, entry, entry.item.target), entry.since);
      return;
    }
    const old = this.#bothAt(place);
    const both = isDotted
      ? { ...old, dotted: entry, dottedGone: removedIn }
      : { ...old, exact: entry, exactGone: removedIn };
    this.#names.set(name, BOTH, this.#keep(place, both, undefined));
  }

  /** @returns the reference to what was kept */
  #keep(place: number, entry: RouteEntry | Both, target: RouteTarget | undefined): number {
    const reference = place < 0 ? this.#entries.length : this.#names.referenceAt(place);
    this.#entries[reference] = entry;
    this.#targets[reference] = target;
    return reference;
  }

  #bothAt(place: number): Both {
    if (place < 0) return NONE;
    const found = this.#entries[this.#names.referenceAt(place)]!;
    if ('exactGone' in found) return found;
    return this.#names.tagAt(place) === DOTTED ? { ...NONE, dotted: found } : { ...NONE, exact: found };
  }

  /** The entry with exactly this receiving domain. */
  entry(receivingDomain: ReceivingDomain): RouteEntry | undefined {
    if (receivingDomain === 'ALL') return this.#default;
    if (receivingDomain.startsWith('[')) return this.#literal(receivingDomain);
    return receivingDomain.startsWith('.')
      ? this.#bothAt(this.#names.find(receivingDomain.slice(1))).dotted
      : this.#bothAt(this.#names.find(receivingDomain)).exact;
  }

  #literal(domain: string): RouteEntry | undefined {
    const found = this.#literals.get(domain);
    return typeof found === 'object' ? found : undefined;
  }

  /**
   * Chooses the route of a recipient domain: exact, then the longest suffix, then ALL, then DNS (R30 to R37).
   *
   * The answer is final: destination hosts are never looked up in the table again (R51).
   */
  lookup(domain: Domain | AddressLiteral): RouteDecision {
    let since = this.#modeSince > this.#knownSince ? this.#modeSince : this.#knownSince;
    if (domain.charCodeAt(0) === BRACKET) {
      const found = this.#literals.get(domain);
      if (typeof found === 'object') return this.#decide(found, since);
      return this.#byDefault(found !== undefined && found > since ? found : since);
    }
    const names = this.#names;
    const isCovering = this.#mode === 'covering';
    names.begin(domain);
    for (let place = names.next(); place >= 0; place = names.next()) {
      const { start } = names;
      const tag = names.tagAt(place);
      if (tag === EXACT) {
        if (isCovering || start === 0) return this.#answer(place, domain, start, since);
      } else if (tag === DOTTED) {
        if (start !== 0) return this.#answer(place, domain, start - 1, since);
      } else {
        const { dotted, dottedGone, exact, exactGone } = this.#bothAt(place);
        if (start !== 0) {
          if (dotted !== undefined) return this.#decide(dotted, since);
          if (dottedGone > since) since = dottedGone;
        }
        if (isCovering || start === 0) {
          if (exact !== undefined) return this.#decide(exact, since);
          if (exactGone > since) since = exactGone;
        }
      }
    }
    return this.#byDefault(since);
  }

  /** The answer of an entry that stands alone; its receiving domain is the end of the recipient domain. */
  #answer(place: number, domain: string, start: number, goneSince: number): RouteDecision {
    const since = this.#names.versionAt(place);
    return {
      version: this.#version,
      matched: start === 0 ? domain : domain.slice(start),
      target: this.#targets[this.#names.referenceAt(place)]!,
      since: since > goneSince ? since : goneSince,
    };
  }

  #decide({ item, since }: RouteEntry, goneSince: number): RouteDecision {
    const newest = since > goneSince ? since : goneSince;
    return { version: this.#version, matched: item.receivingDomain, target: item.target, since: newest };
  }

  /** An empty ALL is no match (R5): the recipient domain's own MX is asked, and the log says so. */
  #byDefault(goneSince: number): RouteDecision {
    const since = Math.max(goneSince, this.#default?.since ?? this.#defaultGone);
    const target = this.#default?.item.target ?? BY_DNS;
    return { version: this.#version, matched: target.kind === 'usedns' ? 'DNS' : 'ALL', target, since };
  }

  /** Every entry that matches a recipient domain, the winner first (R40). The default is always among them if set. */
  candidates(domain: Domain | AddressLiteral): readonly RouteCandidate[] {
    const entries: RouteEntry[] = [];
    const push = (entry: RouteEntry | undefined): void => {
      if (entry !== undefined) entries.push(entry);
    };
    if (domain.charCodeAt(0) === BRACKET) push(this.#literal(domain));
    else {
      for (let start = 0; start >= 0; start = nextLabel(domain, start)) {
        const both = this.#bothAt(this.#names.find(domain.slice(start)));
        if (start !== 0) push(both.dotted);
        if (start === 0 || this.#mode === 'covering') push(both.exact);
      }
    }
    push(this.#default);
    return entries.map((entry, rank) => {
      if (rank > 0) return { entry, verdict: 'lessSpecific' };
      const isEmptyDefault = entry.item.receivingDomain === 'ALL' && entry.item.target.kind === 'usedns';
      return { entry, verdict: isEmptyDefault ? 'emptyDefault' : 'winner' };
    });
  }
}

const BRACKET = 91;

/** Where the name above the one at `start` begins; -1 when there is none. */
function nextLabel(domain: string, start: number): number {
  const dot = domain.indexOf('.', start);
  return dot < 0 ? -1 : dot + 1;
}
