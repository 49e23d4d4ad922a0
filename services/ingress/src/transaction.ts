import type { RecipientVerdict } from '@mailyard/access';
import { type Reply, reply } from '@mailyard/mail';
import type { ContentSink, InjectionSession, MailCommand, MailTransaction, RcptCommand } from '@mailyard/smtp-receiver';
import { publishMailEvent } from '@mailyard/telemetry';
import type { AcceptedRecipient } from './acceptance.ts';
import { delayedRejection } from './host-gate.ts';
import { IncomingContent, type IngressContext } from './incoming-content.ts';
import type { Access } from './ports.ts';
import { flowOf, mayRelay } from './session-flow.ts';

const RELAYED: RecipientVerdict = { action: 'ACCEPT', matched: '', reply: undefined };
const RECIPIENT_OK = reply(250, '2.1.5', 'Ok');
const BATCH_TOO_LARGE = reply(452, '4.5.3', 'Too many recipients for one message');
/** More than a recipient takes in a batch besides its address and DSN parameters. */
const RECIPIENT_OCTETS = 100;
/** What the acceptance itself may take: a rewritten header section, and all that is not a recipient. */
const BATCH_SPARE_OCTETS = 65_536;

/** One transaction of a client, from MAIL to DATA: who is taken. */
export class IngressTransaction implements MailTransaction {
  readonly #context: IngressContext;
  readonly #session: InjectionSession;
  readonly #command: MailCommand;
  readonly #access: Access;
  readonly #startedAt: number;
  readonly #relays: boolean;
  readonly #countsRecipients: boolean;
  #recipients: AcceptedRecipient[] = [];
  #octets = 0;

  constructor(context: IngressContext, session: InjectionSession, command: MailCommand, access: Access) {
    this.#context = context;
    this.#session = session;
    this.#command = command;
    this.#access = access;
    this.#startedAt = context.ports.clock.now();
    this.#relays = mayRelay(session);
    this.#countsRecipients = flowOf(session).countsRecipients;
  }

  rcpt({ forwardPath, parameters }: RcptCommand): Reply {
    const { address, localPart, domain, needsSmtpUtf8 } = forwardPath;
    // UTF-16 units count thrice, as UTF-8 may take that many octets.
    const octets = RECIPIENT_OCTETS + 3 * (address.length + (parameters.orcpt?.length ?? 0));
    const verdict = this.#verdict(forwardPath);
    const isCounted = this.#countsRecipients && verdict.bypassReceivingControl !== true;
    const refusal =
      verdict.action === 'REJECT'
        ? verdict.reply
        : (this.#overfull(octets) ?? (isCounted ? this.#context.rate.refusal(this.#session) : undefined));
    if (refusal !== undefined) {
      publishMailEvent({
        kind: 'recipientRefused',
        icid: this.#session.icid,
        forwardPath: address,
        reply: refusal,
      });
      return refusal;
    }
    this.#octets += octets;
    if (isCounted) this.#context.rate.count(this.#session);
    this.#recipients.push({ forwardPath: address, localPart, domain, needsSmtpUtf8, parameters });
    return verdict.reply ?? RECIPIENT_OK;
  }

  /** Who relays may write to anyone; whom a row rejects, to nobody; all others to whom the table names (R124). */
  #verdict(recipient: RcptCommand['forwardPath']): RecipientVerdict {
    const rejection = delayedRejection(this.#session);
    if (rejection !== undefined) return { action: 'REJECT', matched: '', reply: rejection };
    // A bare postmaster is ours, whoever writes (RFC 5321 §4.5.1).
    if (this.#relays && recipient.domain !== '') return RELAYED;
    return this.#access.recipients.verdict(recipient);
  }

  /** The envelope alone must leave room in a batch (I12); bodies can go into the store, recipients cannot. */
  #overfull(octets: number): Reply | undefined {
    const limit = this.#context.ports.queueLog.maxBatchOctets - BATCH_SPARE_OCTETS;
    return this.#octets + octets > limit ? BATCH_TOO_LARGE : undefined;
  }

  content(): ContentSink {
    flowOf(this.#session).messages += 1;
    return new IncomingContent(this.#context, {
      session: this.#session,
      command: this.#command,
      access: this.#access,
      relays: this.#relays,
      recipients: this.#recipients,
      octets: this.#octets,
      startedAt: this.#startedAt,
    });
  }

  reset(): void {
    this.#recipients = [];
  }
}
