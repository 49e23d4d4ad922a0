import { recipientVerdict, type RecipientVerdict } from '@mailyard/access';
import { type Reply, reply } from '@mailyard/mail';
import type { ContentSink, InjectionSession, MailCommand, MailTransaction, RcptCommand } from '@mailyard/smtp-receiver';
import { publishMailEvent } from '@mailyard/telemetry';
import { BounceGate, bounceMark } from './bounce-gate.ts';
import { delayedRejection } from './host-gate.ts';
import type { IngressContext } from './context.ts';
import { IncomingContent } from './incoming-content.ts';
import type { Access } from './ports.ts';
import { flowOf, mayRelay } from './session-flow.ts';
import { TakenRecipients } from './taken-recipients.ts';

const RECIPIENT_OK = reply(250, '2.1.5', 'Ok');
const BATCH_TOO_LARGE = reply(452, '4.5.3', 'Too many recipients for one message');
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
  readonly #bounces: BounceGate;
  #taken = new TakenRecipients();

  constructor(context: IngressContext, session: InjectionSession, command: MailCommand, access: Access) {
    this.#context = context;
    this.#session = session;
    this.#command = command;
    this.#access = access;
    this.#startedAt = context.ports.clock.now();
    this.#relays = mayRelay(session);
    this.#countsRecipients = flowOf(session).countsRecipients;
    const { bounceKeys } = context.ports;
    // What clients that relay bring is not for us: their bounces are of mail from elsewhere.
    this.#bounces = new BounceGate(
      this.#relays ? undefined : bounceKeys,
      command.reversePath === null,
      flowOf(session).verdict?.limits.untaggedBounces,
    );
  }

  /** In the order of R136: bounce verification, domain map, recipient access table, alias table. */
  rcpt({ forwardPath, parameters }: RcptCommand): Reply {
    const { rewriting, version } = this.#access;
    const verified = this.#bounces.verify(forwardPath, this.#startedAt);
    const { mailbox } = verified;
    const mapped = rewriting.isEmpty ? undefined : rewriting.domainMap.map(mailbox);
    const verdict = this.#verdict(mapped?.mailbox ?? mailbox);
    if (verdict.action === 'REJECT') return this.#refuse(forwardPath, verdict.reply!);
    const notOurs = this.#bounces.judge(verified);
    if (notOurs !== undefined) return this.#refuse(forwardPath, notOurs);
    const proposal = this.#taken.propose({ forwardPath: mailbox, parameters }, mapped, rewriting, version);
    if ('code' in proposal) return this.#refuse(forwardPath, proposal);
    const isCounted = this.#countsRecipients && verdict.bypassReceivingControl !== true;
    const refusal =
      this.#overfull(proposal.octets) ?? (isCounted ? this.#context.rate.refusal(this.#session) : undefined);
    if (refusal !== undefined) return this.#refuse(forwardPath, refusal);
    if (isCounted) this.#context.rate.count(this.#session);
    this.#taken.take(proposal);
    this.#bounces.taken(verified);
    return verdict.reply ?? RECIPIENT_OK;
  }

  #refuse({ address }: RcptCommand['forwardPath'], refusal: Reply): Reply {
    publishMailEvent({ kind: 'recipientRefused', icid: this.#session.icid, forwardPath: address, reply: refusal });
    return refusal;
  }

  /** Whom a row rejects may write to nobody (R125). */
  #verdict(recipient: RcptCommand['forwardPath']): RecipientVerdict {
    const rejection = delayedRejection(this.#session);
    if (rejection !== undefined) return { action: 'REJECT', matched: '', reply: rejection };
    return recipientVerdict(this.#access.recipients, this.#relays, recipient);
  }

  /** The envelope alone must leave room in a batch (I12); bodies can go into the store, recipients cannot. */
  #overfull(octets: number): Reply | undefined {
    const limit = this.#context.ports.queueLog.maxBatchOctets - BATCH_SPARE_OCTETS;
    return this.#taken.octets + octets > limit ? BATCH_TOO_LARGE : undefined;
  }

  content(): ContentSink {
    flowOf(this.#session).messages += 1;
    return new IncomingContent(this.#context, {
      session: this.#session,
      command: this.#command,
      access: this.#access,
      relays: this.#relays,
      recipients: this.#taken.recipients,
      expansions: this.#taken.expansions,
      octets: this.#taken.octets,
      bounceMark: bounceMark(this.#bounces.mark),
      startedAt: this.#startedAt,
    });
  }

  reset(): void {
    this.#taken = new TakenRecipients();
  }
}
