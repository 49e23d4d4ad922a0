import { type Reply, reply } from '@mailyard/mail';
import { type AccessFault, accessFault } from './access-fault.ts';
import { readRecipientPattern, type Subject } from './address-pattern.ts';
import { PatternIndex } from './pattern-index.ts';

/** A row of the recipient access table as it is written in the configuration (R131 to R134). */
export interface RecipientAccessEntry {
  /** `user@example.com`, `user@`, `example.com`, `.example.com`, `[192.0.2.1]` or `ALL`. */
  readonly recipient: string;
  readonly action: 'ACCEPT' | 'REJECT';
  /** The answer to RCPT instead of the usual one; its code must fit the action. */
  readonly reply?: { readonly code: number; readonly text: string };
  /** The recipient does not count towards the recipients that its client may send in an hour. */
  readonly bypassReceivingControl?: boolean;
}

/** What the table says of a recipient. */
export interface RecipientVerdict {
  readonly action: 'ACCEPT' | 'REJECT';
  /** The entry that matched, as written. */
  readonly matched: string;
  readonly reply: Reply | undefined;
  readonly bypassReceivingControl?: boolean;
}

const REFUSED: Reply = reply(550, '5.7.1', 'this is no mailbox of ours and we do not relay');

/**
 * The recipient access table: whose mail is taken. The first entry that names the recipient decides (R133); what none
 * names is refused, as if `ALL REJECT` stood last (R131). A bare postmaster is taken (RFC 5321 §4.5.1) unless the table
 * is empty.
 */
export class RecipientAccessTable {
  readonly entries: readonly RecipientAccessEntry[];
  readonly #verdicts: readonly RecipientVerdict[];
  readonly #index: PatternIndex;

  private constructor(entries: readonly RecipientAccessEntry[], index: PatternIndex) {
    this.entries = entries;
    this.#index = index;
    this.#verdicts = entries.map(({ recipient, action, reply: custom, bypassReceivingControl = false }) => ({
      action,
      matched: recipient,
      bypassReceivingControl,
      reply:
        custom === undefined
          ? undefined
          : reply(custom.code, action === 'ACCEPT' ? '2.1.5' : custom.code < 500 ? '4.7.1' : '5.7.1', custom.text),
    }));
  }

  /** Reads the rows, or tells every fault at once. */
  static read(entries: readonly RecipientAccessEntry[]): RecipientAccessTable | readonly AccessFault[] {
    const faults: AccessFault[] = [];
    const seen = new Map<string, number>();
    const patterns = entries.flatMap((entry, place) => {
      const field = `entries[${place}]`;
      const pattern = readRecipientPattern(entry.recipient);
      if (pattern === undefined)
        faults.push(
          accessFault(
            'RAT_RECIPIENT_INVALID',
            `${field}.recipient`,
            entry.recipient,
            'is no address, domain, .domain, user@ or ALL',
          ),
        );
      if (entry.reply !== undefined && !fits(entry.reply, entry.action)) {
        faults.push(
          accessFault(
            'RAT_REPLY_INVALID',
            `${field}.reply`,
            `${entry.reply.code} ${entry.reply.text}`,
            'is no reply of one line that fits the action',
          ),
        );
      }
      if (pattern === undefined) return [];
      const key = JSON.stringify(pattern);
      const earlier = seen.get(key);
      if (earlier !== undefined)
        faults.push(
          accessFault('RAT_DUPLICATE', `${field}.recipient`, entry.recipient, `stands in entries[${earlier}] already`),
        );
      seen.set(key, place);
      return [{ pattern, place }];
    });
    return faults.length > 0 ? faults : new RecipientAccessTable(entries, new PatternIndex(patterns));
  }

  verdict(recipient: Subject): RecipientVerdict {
    if (recipient.domain === '' && this.entries.length > 0)
      return { action: 'ACCEPT', matched: 'postmaster', reply: undefined };
    const place = this.#index.first(recipient);
    if (place === undefined) return { action: 'REJECT', matched: 'ALL', reply: REFUSED };
    const verdict = this.#verdicts[place]!;
    return verdict.action === 'REJECT' && verdict.reply === undefined ? { ...verdict, reply: REFUSED } : verdict;
  }
}

const RELAYED: RecipientVerdict = { action: 'ACCEPT', matched: '', reply: undefined };

/** Who relays may write to anyone (R124) but a bare postmaster, which is ours, whoever writes (RFC 5321 §4.5.1). */
export function recipientVerdict(table: RecipientAccessTable, relays: boolean, recipient: Subject): RecipientVerdict {
  return relays && recipient.domain !== '' ? RELAYED : table.verdict(recipient);
}

function fits({ code, text }: { readonly code: number; readonly text: string }, action: 'ACCEPT' | 'REJECT'): boolean {
  const inRange =
    action === 'ACCEPT' ? code === 250 || code === 251 : Number.isInteger(code) && code >= 400 && code <= 599;
  return inRange && /^[\x20-\x7e]{0,400}$/.test(text);
}
