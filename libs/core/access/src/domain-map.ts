import type { Mailbox } from '@mailyard/mail';
import { type AccessFault, accessFault } from './access-fault.ts';
import { printPattern, readRewritingPattern } from './address-pattern.ts';
import { PatternIndex } from './pattern-index.ts';
import { parseRewrittenMailbox } from './rewritten-mailbox.ts';

/** A row of the domain map (R136): under which address a recipient is taken. AsyncOS's `domainmap`. */
export interface DomainMapRow {
  /** `user@example.com`, `user@.example.com`, `@example.com` or `@.example.com`. */
  readonly from: string;
  /** A whole address; or `@example.net`, where `from` has no user: the same user there. */
  readonly to: string;
}

/** Rows that a domain map takes, as in AsyncOS. */
export const MAX_DOMAIN_MAP_ROWS = 20_000;

/** What a row is for, in the form in which it is compared; undefined when it is no address or domain. */
export function domainMapKey(from: string): string | undefined {
  const pattern = readRewritingPattern(from);
  return pattern === undefined ? undefined : printPattern(pattern);
}

/**
 * The domain map: recipients are taken under another address, before the recipient access table is asked. The first row
 * that names the recipient decides, once: what it leads to is not looked up again.
 */
export class DomainMap {
  static readonly EMPTY = new DomainMap([], new PatternIndex([]));
  readonly rows: readonly DomainMapRow[];
  readonly #index: PatternIndex;

  private constructor(rows: readonly DomainMapRow[], index: PatternIndex) {
    this.rows = rows;
    this.#index = index;
  }

  /** Reads the rows in their order, or tells every fault at once. */
  static read(rows: readonly DomainMapRow[]): DomainMap | readonly AccessFault[] {
    if (rows.length === 0) return DomainMap.EMPTY;
    const faults: AccessFault[] = [];
    const complain = (field: string, token: string, message: string): void => {
      faults.push(accessFault('ITEM_INVALID', field, token, message));
    };
    if (rows.length > MAX_DOMAIN_MAP_ROWS)
      complain('domainMap', String(rows.length), `are more rows than ${MAX_DOMAIN_MAP_ROWS}`);
    const patterns = rows.flatMap(({ from, to }, place) => {
      const field = `domainMap[${place}]`;
      const pattern = readRewritingPattern(from);
      if (pattern === undefined)
        complain(`${field}.from`, from, 'is no user@domain, user@.domain, @domain or @.domain');
      const isOfDomain = pattern?.kind === 'domain' || pattern?.kind === 'below';
      if (to.startsWith('@') ? !isOfDomain || targetOf(to, 'user') === undefined : targetOf(to, '') === undefined)
        complain(`${field}.to`, to, 'is no whole address, nor @domain in a row for a whole domain');
      return pattern === undefined ? [] : [{ pattern, place }];
    });
    return faults.length > 0 ? faults : new DomainMap(rows, new PatternIndex(patterns));
  }

  /** The address under which a recipient is taken, and the row that says so; undefined where no row does. */
  map(recipient: Mailbox): { readonly mailbox: Mailbox; readonly row: DomainMapRow } | undefined {
    if (this.rows.length === 0) return undefined;
    const place = this.#index.first(recipient);
    if (place === undefined) return undefined;
    const row = this.rows[place]!;
    const mailbox = targetOf(row.to, recipient.localPart);
    // Together they may be longer than a path may be: then it is taken as it came.
    return mailbox === undefined ? undefined : { mailbox, row };
  }
}

function targetOf(to: string, localPart: string): Mailbox | undefined {
  const mailbox = parseRewrittenMailbox(to.startsWith('@') ? `${localPart}${to}` : to);
  return mailbox?.domain === '' ? undefined : mailbox;
}
