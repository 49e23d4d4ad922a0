import { comparableLocalPart, type Mailbox, parseMailbox } from '@mailyard/mail';
import { type AccessFault, accessFault } from './access-fault.ts';
import { type AddressPattern, printPattern, readRewritingPattern } from './address-pattern.ts';
import { PatternIndex } from './pattern-index.ts';
import { parseRewrittenMailbox } from './rewritten-mailbox.ts';

/** A row of the alias table (R136): to whom a recipient's mail goes instead. AsyncOS's `aliasconfig`. */
export interface AliasRow {
  /** `user@example.com`, `user@.example.com`, `@example.com` or `@.example.com`. */
  readonly alias: string;
  /** Whole addresses, or names at the recipient's own domain, which may be aliases again; or `/dev/null` alone (R64). */
  readonly to: readonly string[];
}

/** What mail for a recipient of such a row comes to: it is taken and dropped (R64). */
export const NULL_DEVICE = '/dev/null';
/** Recipients that one recipient may become: an alias is no amplifier. */
export const MAX_EXPANSION = 1_000;
/** Aliases that lead to aliases, one behind the other. */
export const MAX_ALIAS_DEPTH = 10;
/** Addresses that are looked at for one recipient. */
const MAX_LOOKED_AT = 2 * MAX_EXPANSION;
/** Faults told of one table. */
const MAX_FAULTS = 100;

/** What became of a recipient; absent where no row names it. */
export interface Expansion {
  /** The row that named the recipient itself, as written. */
  readonly alias: string;
  /** Each once, in the order of the rows. */
  readonly recipients: readonly Mailbox[];
  /** Addresses whose row says `/dev/null`. */
  readonly discarded: readonly Mailbox[];
}

/** Why an expansion cannot be had: how the addresses lead to each other. */
export interface ExpansionFault {
  readonly fault: 'loop' | 'too deep' | 'too many' | 'no address';
  /** The addresses that lead there. */
  readonly path: readonly string[];
}

/** What a row is for, in the form in which it is compared; undefined when it is no address or domain. */
export function aliasKey(alias: string): string | undefined {
  const pattern = readRewritingPattern(alias);
  return pattern === undefined ? undefined : printPattern(pattern);
}

/**
 * The alias table. The first row that names a recipient decides; what it leads to is looked up again, down to addresses
 * that no row names, or that name themselves: `joe: joe, archive@example.net` keeps Joe's mail and copies it.
 *
 * A table in which a row leads back to itself, goes too deep or to too many is refused, as far as rows for all of a domain
 * let that be seen; what is left is found when a recipient is expanded.
 */
export class AliasTable {
  static readonly EMPTY = new AliasTable([], new PatternIndex([]));
  readonly rows: readonly AliasRow[];
  readonly #index: PatternIndex;

  private constructor(rows: readonly AliasRow[], index: PatternIndex) {
    this.rows = rows;
    this.#index = index;
  }

  /** Reads the rows in their order, or tells the faults at once, a hundred at most. */
  static read(rows: readonly AliasRow[]): AliasTable | readonly AccessFault[] {
    if (rows.length === 0) return AliasTable.EMPTY;
    const faults: AccessFault[] = [];
    const patterns: { readonly pattern: AddressPattern; readonly place: number }[] = [];
    for (const [place, row] of rows.entries()) {
      const pattern = readRewritingPattern(row.alias);
      if (pattern !== undefined) patterns.push({ pattern, place });
      checkRow(row, pattern, `aliases[${place}]`, faults);
      if (faults.length >= MAX_FAULTS) return faults;
    }
    if (faults.length > 0) return faults;
    const table = new AliasTable(rows, new PatternIndex(patterns));
    const measured = new Map<string, Measure>();
    for (const { pattern, place } of patterns) {
      const example = exampleOf(pattern);
      let found: Measure | Expansion | ExpansionFault = table.#measure(place, example, [], measured);
      // Those that several of its aliases lead to were counted more than once.
      if ('most' in found && found.most > MAX_EXPANSION) found = table.#expandRow(place, example);
      if (!('fault' in found)) continue;
      faults.push(accessFault('ITEM_INVALID', `aliases[${place}]`, rows[place]!.alias, faultText(found)));
      if (faults.length >= MAX_FAULTS) break;
    }
    return faults.length > 0 ? faults : table;
  }

  /** The table of rows that were validated before: a hundred thousand are not gone through again in every process. */
  static of(rows: readonly AliasRow[]): AliasTable {
    if (rows.length === 0) return AliasTable.EMPTY;
    const patterns = rows.flatMap(({ alias }, place) => {
      const pattern = readRewritingPattern(alias);
      return pattern === undefined ? [] : [{ pattern, place }];
    });
    return new AliasTable(rows, new PatternIndex(patterns));
  }

  /** To whom a recipient's mail goes; undefined where no row names it, which costs a look or two into a map. */
  expand(recipient: Mailbox): Expansion | ExpansionFault | undefined {
    if (this.rows.length === 0) return undefined;
    const place = this.#index.first(recipient);
    return place === undefined ? undefined : this.#expandRow(place, recipient);
  }

  /** How far a row leads, each row on the way looked at once for the whole table: many may lead to one that is large. */
  #measure(row: number, from: Mailbox, path: string[], measured: Map<string, Measure>): Measure | ExpansionFault {
    const own = comparable(from);
    // Another row may name the same address first.
    const name = `${row} ${own}`;
    const known = measured.get(name);
    if (known !== undefined) return known;
    path.push(own);
    if (path.length > MAX_ALIAS_DEPTH) return { fault: 'too deep', path };
    let [most, depth] = [0, 0];
    for (const to of this.rows[row]!.to) {
      const next = to === NULL_DEVICE ? from : targetOf(to, from);
      if (next === undefined) return { fault: 'no address', path: [...path, to] };
      const key = comparable(next);
      if (key !== own && path.includes(key)) return { fault: 'loop', path: [...path, key] };
      const deeper = key === own ? undefined : this.#index.first(next);
      const found = deeper === undefined ? FINAL : this.#measure(deeper, next, path, measured);
      if ('fault' in found) return found;
      most += found.most;
      depth = Math.max(depth, found.depth);
      if (depth + 1 > MAX_ALIAS_DEPTH) return { fault: 'too deep', path: [...path, key] };
    }
    path.pop();
    const measure = { most, depth: depth + 1 };
    measured.set(name, measure);
    return measure;
  }

  #expandRow(place: number, recipient: Mailbox): Expansion | ExpansionFault {
    const recipients: Mailbox[] = [];
    const discarded: Mailbox[] = [];
    const found = new Set<string>();
    const seen = new Set<string>();
    const path: string[] = [];
    const take = (list: Mailbox[], mailbox: Mailbox): ExpansionFault | undefined => {
      // Who tells Joe from joe may do so: only what is the same text is one recipient.
      const key = `${mailbox.localPart}@${mailbox.domain}`;
      if (!found.has(key)) list.push(mailbox);
      found.add(key);
      return found.size > MAX_EXPANSION ? { fault: 'too many', path: [...path] } : undefined;
    };
    const walk = (row: number, from: Mailbox): ExpansionFault | undefined => {
      const own = comparable(from);
      path.push(own);
      if (path.length > MAX_ALIAS_DEPTH) return { fault: 'too deep', path };
      for (const to of this.rows[row]!.to) {
        if (to === NULL_DEVICE) {
          const full = take(discarded, from);
          if (full !== undefined) return full;
          continue;
        }
        const next = targetOf(to, from);
        if (next === undefined) return { fault: 'no address', path: [...path, to] };
        const key = comparable(next);
        if (key !== own && path.includes(key)) return { fault: 'loop', path: [...path, key] };
        const deeper = key === own ? undefined : this.#index.first(next);
        if (deeper === undefined) {
          const full = take(recipients, next);
          if (full !== undefined) return full;
        } else if (!seen.has(key)) {
          const fault = walk(deeper, next);
          if (fault !== undefined) return fault;
        }
        seen.add(key);
        if (seen.size > MAX_LOOKED_AT) return { fault: 'too many', path: [...path] };
      }
      path.pop();
      return undefined;
    };
    return walk(place, recipient) ?? { alias: this.rows[place]!.alias, recipients, discarded };
  }
}

/** Recipients that a row leads to at most, and over how many rows. */
interface Measure {
  readonly most: number;
  readonly depth: number;
}

const FINAL: Measure = { most: 1, depth: 0 };

function checkRow(
  { alias, to }: AliasRow,
  pattern: AddressPattern | undefined,
  field: string,
  faults: AccessFault[],
): void {
  const complain = (place: string, token: string, message: string): void => {
    faults.push(accessFault('ITEM_INVALID', `${field}.${place}`, token, message));
  };
  if (pattern === undefined) complain('alias', alias, 'is no user@domain, user@.domain, @domain or @.domain');
  if (to.length === 0) complain('to', alias, 'leads nowhere: /dev/null drops its mail');
  if (to.length > MAX_EXPANSION) complain('to', alias, `leads to more than ${MAX_EXPANSION} recipients`);
  if (to.includes(NULL_DEVICE) && to.length > 1) complain('to', alias, '/dev/null stands alone');
  for (const target of to) {
    const isWhole = target.includes('@') && !target.startsWith('@');
    if (target === NULL_DEVICE || parseMailbox(isWhole ? target : `${target}@example.com`)?.domain) continue;
    complain('to', target, 'is no whole address, no name at the domain of the alias, and not /dev/null');
    if (faults.length >= MAX_FAULTS) return;
  }
}

function targetOf(to: string, from: Mailbox): Mailbox | undefined {
  return parseRewrittenMailbox(to.includes('@') ? to : `${to}@${from.domain}`);
}

function comparable({ localPart, domain }: Mailbox): string {
  return `${comparableLocalPart(localPart)}@${domain}`;
}

/** An address that a row names, to see where the row leads. */
function exampleOf(pattern: AddressPattern): Mailbox {
  const domain =
    pattern.kind === 'domain' || pattern.kind === 'address'
      ? pattern.domain
      : `any.${'domain' in pattern ? pattern.domain : ''}`;
  const localPart = 'localPart' in pattern ? pattern.localPart : 'anyone';
  return { address: `${localPart}@${domain}`, localPart, domain, needsSmtpUtf8: false } as Mailbox;
}

const FAULT_TEXTS: { readonly [F in ExpansionFault['fault']]: string } = {
  loop: 'leads back to where it was',
  'too deep': `leads over more than ${MAX_ALIAS_DEPTH} aliases`,
  'too many': `leads to more than ${MAX_EXPANSION} recipients`,
  'no address': 'leads to a name that is no address there',
};

/** What is wrong, and how one gets there. */
export function faultText({ fault, path }: ExpansionFault): string {
  return `${FAULT_TEXTS[fault]}: ${path.join(', ')}`;
}
