import type { AddressLiteral, Domain } from '@mailyard/mail';
import { isSameTarget } from './route-grammar.ts';
import type { RouteTable } from './route-table.ts';
import type { RouteDecision } from './smtp-route.ts';

/** Recipients of one domain that were accepted in the past. */
export interface PastRecipients {
  readonly domain: Domain | AddressLiteral;
  readonly recipients: number;
  /** Some of their addresses. */
  readonly examples: readonly string[];
}

/** A recipient domain whose mail would go elsewhere, with the entries that decide (R40). */
export interface PastChange extends PastRecipients {
  readonly before: RouteDecision;
  readonly after: RouteDecision;
}

/** The two tables that are compared: of a version, and of what would follow it. */
export interface TablePair {
  readonly before: RouteTable;
  readonly after: RouteTable;
}

const MOST_EXAMPLES = 3;

/**
 * What another table would have done with mail of the past, by the lookup that delivery uses (R30 to R37). Recipients
 * come in any order and in any pieces; only domains that would go elsewhere are kept.
 */
export class PastComparison {
  readonly #tables: TablePair;
  readonly #changes = new Map<string, PastChange>();
  /** Recipients looked at. */
  recipients = 0;
  /** Of them, those that would go elsewhere. */
  moved = 0;
  /** Of the moved, those that would be dropped. */
  discarded = 0;

  constructor(tables: TablePair) {
    this.#tables = tables;
  }

  add({ domain, recipients, examples }: PastRecipients): void {
    this.recipients += recipients;
    const known = this.#changes.get(domain);
    const { before, after } = known ?? this.#lookup(domain);
    if (isSameTarget(before.target, after.target)) return;
    this.moved += recipients;
    if (after.target.kind === 'null') this.discarded += recipients;
    const all = known === undefined ? examples : [...known.examples, ...examples];
    const kept = [...new Set(all)].slice(0, MOST_EXAMPLES);
    const sum = (known?.recipients ?? 0) + recipients;
    this.#changes.set(domain, { domain, recipients: sum, examples: kept, before, after });
  }

  #lookup(domain: Domain | AddressLiteral): Pick<PastChange, 'before' | 'after'> {
    return { before: this.#tables.before.lookup(domain), after: this.#tables.after.lookup(domain) };
  }

  /** Domains that would go elsewhere. */
  get domains(): number {
    return this.#changes.size;
  }

  /** Those that would be dropped first, then by recipients, most first. @param most so many at most */
  changes(most: number): readonly PastChange[] {
    const all = [...this.#changes.values()];
    return all.sort((a, b) => rank(a) - rank(b) || b.recipients - a.recipients || compare(a, b)).slice(0, most);
  }
}

function rank({ after }: PastChange): number {
  return after.target.kind === 'null' ? 0 : 1;
}

function compare(a: PastChange, b: PastChange): number {
  return a.domain < b.domain ? -1 : 1;
}
