import type { AddressLiteral, Domain } from '@mailyard/mail';
import { DomainIndex } from './domain-index.ts';
import type { MatchingMode, ReceivingDomain } from './smtp-route.ts';

const EXACT = 1;
const DOTTED = 2;

/**
 * What a version changed in the route table, and which recipient domains that concerns (I11).
 *
 * It needs no table: with the entry that a cached answer names, the test is exact as soon as that entry, or one that
 * ranks above it, was changed.
 */
export class RouteChanges {
  readonly version: number;
  readonly receivingDomains: readonly ReceivingDomain[];
  /** The mode of matching was changed as well: every recipient domain may be concerned. */
  readonly isOtherMode: boolean;
  readonly mode: MatchingMode;
  readonly #names = new DomainIndex();
  readonly #literals = new Set<string>();
  readonly #hasDefault: boolean;

  constructor(version: number, receivingDomains: readonly ReceivingDomain[], mode: MatchingMode, isOtherMode: boolean) {
    this.version = version;
    this.receivingDomains = receivingDomains;
    this.isOtherMode = isOtherMode;
    this.mode = mode;
    this.#hasDefault = receivingDomains.includes('ALL');
    for (const key of receivingDomains) {
      if (key === 'ALL') continue;
      if (key.startsWith('[')) this.#literals.add(key);
      else if (key.startsWith('.')) this.#mark(key.slice(1), DOTTED);
      else this.#mark(key, EXACT);
    }
  }

  #mark(name: string, kind: number): void {
    const place = this.#names.find(name);
    this.#names.set(name, place < 0 ? kind : this.#names.tagAt(place) | kind);
  }

  /**
   * Whether the answer for a recipient domain may be another one than before.
   *
   * @param matched the entry that answers now, or answered before; without it every change to any entry that could
   * match counts
   */
  concerns(domain: Domain | AddressLiteral, matched?: string): boolean {
    if (this.isOtherMode) return true;
    if (domain.startsWith('[')) return this.#literals.has(domain) || (matched !== domain && this.#hasDefault);
    const last = matched === undefined ? DEFAULT_RANK : rankOf(domain, matched);
    const names = this.#names;
    names.begin(domain);
    for (let place = names.next(); place >= 0; place = names.next()) {
      const { start } = names;
      const kinds = names.tagAt(place);
      if (start * 2 - 1 > last) return false;
      if (start === 0) {
        if ((kinds & EXACT) !== 0) return true;
        continue;
      }
      if ((kinds & DOTTED) !== 0 && start * 2 - 1 <= last) return true;
      if ((kinds & EXACT) !== 0 && this.mode === 'covering' && start * 2 <= last) return true;
    }
    return this.#hasDefault && last >= DEFAULT_RANK;
  }
}

const DEFAULT_RANK = 1_000_000;

/** The rank of an entry for a domain: twice where its name begins, less one for a dotted one; ALL and DNS come last. */
function rankOf(domain: string, matched: string): number {
  if (matched === 'ALL' || matched === 'DNS') return DEFAULT_RANK;
  return matched.startsWith('.') ? (domain.length - matched.length + 1) * 2 - 1 : (domain.length - matched.length) * 2;
}
