import { faultText, MAX_EXPANSION, type RecipientRewriting } from '@mailyard/access';
import { type Mailbox, originalRecipientOf, type Reply, reply } from '@mailyard/mail';
import type { RecipientExpansion } from '@mailyard/queue';
import type { RcptCommand } from '@mailyard/smtp-receiver';
import type { AcceptedRecipient } from './acceptance.ts';

/** More than a recipient takes in a batch besides its address and DSN parameters. */
const RECIPIENT_OCTETS = 100;
const TOO_MANY = reply(452, '4.5.3', 'Too many recipients for one message');

/** What a RCPT would add. */
export interface Proposal {
  readonly added: readonly AcceptedRecipient[];
  /** At least what it takes in the batch. */
  readonly octets: number;
  /** Absent where the recipient stays what it is. */
  readonly expansion?: RecipientExpansion;
}

/**
 * The recipients of a transaction in the order in which they stand in the acceptance: those of RCPT, and what the alias
 * table made of them (R136). From the first one on that was rewritten, who was named already is not added again.
 */
export class TakenRecipients {
  readonly recipients: AcceptedRecipient[] = [];
  readonly expansions: RecipientExpansion[] = [];
  octets = 0;
  /** Places by address; not kept while nothing was rewritten, which is nearly always. */
  #places: Map<string, number> | undefined;

  /**
   * What a recipient that the access table takes would add.
   *
   * @param mapped the address under which it is taken, and the row of the domain map that says so
   * @param version of the configuration
   * @returns a reply where it cannot be had
   */
  propose(
    { forwardPath, parameters }: RcptCommand,
    mapped: { readonly mailbox: Mailbox; readonly row: { readonly from: string } } | undefined,
    rewriting: RecipientRewriting,
    version: number,
  ): Proposal | Reply {
    const expanded = rewriting.isEmpty ? undefined : rewriting.aliases.expand(mapped?.mailbox ?? forwardPath);
    if (mapped === undefined && expanded === undefined) return this.#plain(forwardPath, parameters);
    if (expanded !== undefined && 'fault' in expanded)
      return reply(451, '4.3.5', `The alias of this recipient ${faultText(expanded)}`.slice(0, 400));
    const orcpt = parameters.orcpt ?? originalRecipientOf(forwardPath.address);
    const of = (mailbox: Mailbox): AcceptedRecipient => ({
      ...recipientOf(mailbox, { ...parameters, orcpt }),
      received: forwardPath.address,
    });
    const candidates = [
      ...(expanded?.recipients ?? (mapped === undefined ? [] : [mapped.mailbox])).map(of),
      ...(expanded?.discarded ?? []).map((mailbox) => ({ ...of(mailbox), discardedBy: expanded!.alias })),
    ];
    const places = (this.#places ??= placesOf(this.recipients));
    const added: AcceptedRecipient[] = [];
    const recipients = candidates.map((candidate) => {
      const known = places.get(keyOf(candidate));
      if (known === undefined) added.push(candidate);
      return known ?? this.recipients.length + added.length - 1;
    });
    if (this.recipients.length + added.length > MAX_EXPANSION) return TOO_MANY;
    const expansion: RecipientExpansion = {
      received: forwardPath.address,
      ...(mapped === undefined ? {} : { mapped: mapped.row.from }),
      ...(expanded === undefined ? {} : { alias: expanded.alias }),
      version,
      recipients,
    };
    const own = 3 * (forwardPath.address.length + (expansion.mapped?.length ?? 0) + (expansion.alias?.length ?? 0));
    const octets = added.reduce((sum, each) => sum + octetsOf(each), RECIPIENT_OCTETS + own + 5 * recipients.length);
    return { added, octets, expansion };
  }

  #plain(forwardPath: Mailbox, parameters: RcptCommand['parameters']): Proposal | Reply {
    const recipient = recipientOf(forwardPath, parameters);
    if (this.#places === undefined) return { added: [recipient], octets: octetsOf(recipient) };
    if (this.#places.has(keyOf(recipient))) return { added: [], octets: 0 };
    return this.recipients.length >= MAX_EXPANSION ? TOO_MANY : { added: [recipient], octets: octetsOf(recipient) };
  }

  take({ added, octets, expansion }: Proposal): void {
    for (const recipient of added) {
      this.#places?.set(keyOf(recipient), this.recipients.length);
      this.recipients.push(recipient);
    }
    if (expansion !== undefined) this.expansions.push(expansion);
    this.octets += octets;
  }
}

function recipientOf(mailbox: Mailbox, parameters: RcptCommand['parameters']): AcceptedRecipient {
  const { address, localPart, domain, needsSmtpUtf8 } = mailbox;
  return { forwardPath: address, localPart, domain, needsSmtpUtf8, parameters };
}

/** UTF-16 units count thrice, as UTF-8 may take that many octets. */
function octetsOf({ forwardPath, parameters }: AcceptedRecipient): number {
  return RECIPIENT_OCTETS + 3 * (forwardPath.length + (parameters.orcpt?.length ?? 0));
}

function placesOf(recipients: readonly AcceptedRecipient[]): Map<string, number> {
  const places = new Map<string, number>();
  for (const [place, recipient] of recipients.entries())
    if (!places.has(keyOf(recipient))) places.set(keyOf(recipient), place);
  return places;
}

/** Who tells Joe from joe may do so; domains are compared in one form. Who is dropped is apart from who is sent to. */
function keyOf({ localPart, domain, discardedBy }: AcceptedRecipient): string {
  return `${discardedBy === undefined ? '' : '/dev/null '}${localPart}@${domain}`;
}
