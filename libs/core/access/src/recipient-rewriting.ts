import type { Mailbox } from '@mailyard/mail';
import { AliasTable, type Expansion, type ExpansionFault } from './alias-table.ts';
import { DomainMap } from './domain-map.ts';

/** What a recipient became. */
export interface RewrittenRecipient extends Pick<Expansion, 'recipients' | 'discarded'> {
  /** The rows that did it, as written: of the domain map, then of the alias table. */
  readonly mapped?: string;
  readonly alias?: string;
}

/** The domain map and the alias table: what a recipient becomes before routes are asked (R136). */
export class RecipientRewriting {
  static readonly NONE = new RecipientRewriting(DomainMap.EMPTY, AliasTable.EMPTY);
  readonly domainMap: DomainMap;
  readonly aliases: AliasTable;
  /** No row at all: every recipient stays what it is. */
  readonly isEmpty: boolean;

  constructor(domainMap: DomainMap, aliases: AliasTable) {
    this.domainMap = domainMap;
    this.aliases = aliases;
    this.isEmpty = domainMap.rows.length === 0 && aliases.rows.length === 0;
  }

  /** Both tables one after the other, for those who ask what would become of a recipient; undefined where it stays as it is. */
  rewrite(recipient: Mailbox): RewrittenRecipient | ExpansionFault | undefined {
    const mapped = this.domainMap.map(recipient);
    const expanded = this.aliases.expand(mapped?.mailbox ?? recipient);
    if (expanded !== undefined && 'fault' in expanded) return expanded;
    if (mapped === undefined && expanded === undefined) return undefined;
    return {
      ...(mapped === undefined ? {} : { mapped: mapped.row.from }),
      ...(expanded === undefined
        ? { recipients: [mapped!.mailbox], discarded: [] }
        : { alias: expanded.alias, recipients: expanded.recipients, discarded: expanded.discarded }),
    };
  }
}
