import { type AccessFault, accessFault } from './access-fault.ts';
import { type AddressPattern, printPattern, readMemberPattern, type Subject } from './address-pattern.ts';
import { PatternIndex } from './pattern-index.ts';

/** A row of the global unsubscribe list (R148): who is sent nothing, whoever writes. */
export interface UnsubscribedRow {
  /** `user@example.com`, `user@`, `@example.com` or `@.example.com`. */
  readonly recipient: string;
  /** `drop`: counted as dropped, and nobody hears of it. `bounce`: the sender gets a report. */
  readonly action: 'drop' | 'bounce';
}

/** What a row is for, in the form in which it is compared; undefined when it names nobody, or everybody. */
export function unsubscribedKey(recipient: string): string | undefined {
  const pattern = readPattern(recipient);
  return pattern === undefined ? undefined : printPattern(pattern);
}

/** The global unsubscribe list. The first row that names a recipient decides. */
export class GlobalUnsubscribe {
  static readonly EMPTY = new GlobalUnsubscribe([], new PatternIndex([]));
  readonly rows: readonly UnsubscribedRow[];
  readonly #index: PatternIndex;

  private constructor(rows: readonly UnsubscribedRow[], index: PatternIndex) {
    this.rows = rows;
    this.#index = index;
  }

  /** Reads the rows in their order, or tells every fault at once. */
  static read(rows: readonly UnsubscribedRow[]): GlobalUnsubscribe | readonly AccessFault[] {
    if (rows.length === 0) return GlobalUnsubscribe.EMPTY;
    const faults: AccessFault[] = [];
    const patterns = rows.flatMap(({ recipient }, place) => {
      const pattern = readPattern(recipient);
      if (pattern !== undefined) return [{ pattern, place }];
      const message = 'is no user@domain, user@, @domain or @.domain';
      faults.push(accessFault('ITEM_INVALID', `globalUnsubscribe[${place}].recipient`, recipient, message));
      return [];
    });
    return faults.length > 0 ? faults : new GlobalUnsubscribe(rows, new PatternIndex(patterns));
  }

  /** The row that keeps mail from a recipient; undefined for none. */
  rowFor(recipient: Subject): UnsubscribedRow | undefined {
    if (this.rows.length === 0) return undefined;
    const place = this.#index.first(recipient);
    return place === undefined ? undefined : this.rows[place];
  }
}

/** All is not a recipient: the route `ALL /dev/null` says so, and asks whether it is meant (R66). */
function readPattern(text: string): AddressPattern | undefined {
  const pattern = readMemberPattern(text);
  return pattern?.kind === 'all' ? undefined : pattern;
}
