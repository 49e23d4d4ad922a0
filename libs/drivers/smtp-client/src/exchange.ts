import { isPositive, type Reply } from '@mailyard/mail';
import type { RecipientResult, Stage, Transaction, TransactionRecipient } from '@mailyard/delivery-rules';
import { ContentTransfer, DOT, type Octets } from './content-transfer.ts';
import { isSafePath, mailCommand, needsSmtpUtf8, rcptCommand } from './envelope.ts';
import type { Timeouts } from './options.ts';
import {
  isTooManyRecipients,
  NO_EIGHT_BIT,
  NO_SMTPUTF8,
  TOO_LARGE,
  UNSAFE_FORWARD_PATH,
  UNSAFE_REVERSE_PATH,
} from './refusals.ts';
import type { ParsedReply } from './reply-parser.ts';
import type { Session } from './session.ts';

/** How many RCPTs a transaction has at most: what every host must take (RFC 5321 §4.5.3.1.8, R106). */
const RECIPIENT_LIMIT = 100;
const CLOSING = 421;

type Verdict = RecipientResult extends infer Result
  ? Result extends unknown
    ? Omit<Result, 'recipient'>
    : never
  : never;

/**
 * One transaction. The states follow the dialog: MAIL, the RCPTs, DATA, content, dot. At each step a recipient either
 * goes on or gets its result; whoever is left when the dot was sent gets the host's reply to it.
 *
 * What must not change: nothing is asked of the host after a fault, so its replies cannot be taken for answers to other
 * commands; the dot goes out last, alone when `mayEnd` is there, and only with a recipient that was accepted.
 */
export class Exchange {
  /** Whether the host may still have this transaction open, so that RSET must come before the next. */
  leavesTransaction = false;
  readonly #session: Session;
  readonly #timeouts: Timeouts;
  readonly #transaction: Transaction;
  readonly #reset: boolean;
  readonly #transfer: ContentTransfer;
  readonly #verdicts = new Map<TransactionRecipient, Verdict>();

  constructor(session: Session, timeouts: Timeouts, transaction: Transaction, reset: boolean) {
    this.#session = session;
    this.#timeouts = timeouts;
    this.#transaction = transaction;
    this.#reset = reset;
    this.#transfer = new ContentTransfer(session.wire, timeouts, transaction);
  }

  async run(): Promise<readonly RecipientResult[]> {
    const { recipients } = this.#transaction;
    const refused = this.#refuseHere();
    if (refused === undefined) await this.#converse();
    else this.#settle(recipients, refused);
    return recipients.map((recipient) => {
      const verdict = this.#verdicts.get(recipient) ?? this.#failure('mail', 'no result');
      return { recipient: recipient.recipient, ...verdict };
    });
  }

  /** What the host's EHLO reply says it cannot take, and what must not be written into a command. */
  #refuseHere(): Verdict | undefined {
    const { reversePath, recipients, eightBit, content } = this.#transaction;
    const { offered } = this.#session;
    const refusal = (reply: Reply): Verdict => ({ kind: 'refused', reply, stage: 'mail', appliesTo: 'message' });
    if (reversePath !== null && !isSafePath(reversePath)) return refusal(UNSAFE_REVERSE_PATH);
    if (!offered.smtpUtf8 && needsSmtpUtf8(this.#transaction, recipients)) return refusal(NO_SMTPUTF8);
    if (!offered.eightBitMime && eightBit) return refusal(NO_EIGHT_BIT);
    if (offered.sizeLimitOctets !== undefined && content.sizeOctets > offered.sizeLimitOctets)
      return refusal(TOO_LARGE);
    // An empty message is never what was accepted: its body is lost.
    return content.sizeOctets === 0 ? this.#failure('data', 'the content is empty') : undefined;
  }

  async #converse(): Promise<void> {
    const wanted = this.#chooseRecipients();
    if (wanted.length === 0) return;
    let octets: Octets;
    try {
      octets = await this.#transfer.open();
    } catch (error) {
      this.#settle(wanted, this.#failure('data', `the content cannot be read: ${(error as Error).message}`));
      return;
    }
    const accepted = await this.#sendEnvelope(wanted);
    if (accepted.length === 0) return;
    if (await this.#sendContent(octets, accepted)) await this.#awaitVerdict(accepted);
  }

  #chooseRecipients(): TransactionRecipient[] {
    const limit = Math.min(RECIPIENT_LIMIT, this.#session.offered.recipientLimit ?? RECIPIENT_LIMIT);
    const wanted: TransactionRecipient[] = [];
    for (const recipient of this.#transaction.recipients) {
      if (!isSafePath(recipient.forwardPath)) {
        const reply = UNSAFE_FORWARD_PATH;
        this.#verdicts.set(recipient, { kind: 'refused', reply, stage: 'rcpt', appliesTo: 'recipient' });
      } else if (wanted.length < Math.max(1, limit)) wanted.push(recipient);
      else this.#verdicts.set(recipient, { kind: 'postponed' });
    }
    return wanted;
  }

  /** MAIL, RCPTs and DATA; returns the recipients for whom the host waits for content. */
  async #sendEnvelope(wanted: readonly TransactionRecipient[]): Promise<readonly TransactionRecipient[]> {
    const { offered, wire } = this.#session;
    const smtpUtf8 = offered.smtpUtf8 && needsSmtpUtf8(this.#transaction, wanted);
    const mail = mailCommand(this.#transaction, offered, this.#transaction.content.sizeOctets, smtpUtf8);
    const rcpts = wanted.map((recipient) => rcptCommand(recipient, offered, smtpUtf8));
    const { pipelining } = offered;
    if (pipelining) wire.write(`${this.#reset ? 'RSET\r\n' : ''}${mail}${rcpts.join('')}DATA\r\n`);
    const ask = (command: string, timeoutMs: number): Promise<ParsedReply | undefined> | ParsedReply => {
      if (!pipelining) wire.write(command);
      return wire.reply(timeoutMs);
    };

    if (this.#reset) {
      const reset = await ask('RSET\r\n', this.#timeouts.mail);
      if (!this.#goesOn(reset, 'mail', wanted)) return [];
    }
    const mailed = await ask(mail, this.#timeouts.mail);
    if (!this.#goesOn(mailed, 'mail', wanted)) return [];
    const isMailTaken = isPositive(mailed.reply);
    if (!isMailTaken)
      this.#settle(wanted, { kind: 'refused', reply: mailed.reply, stage: 'mail', appliesTo: 'message' });
    if (!isMailTaken && !pipelining) return [];

    this.leavesTransaction = isMailTaken;
    const accepted: TransactionRecipient[] = [];
    for (const [i, recipient] of wanted.entries()) {
      const answer = await ask(rcpts[i]!, this.#timeouts.rcpt);
      if (!this.#goesOn(answer, 'rcpt', wanted)) return [];
      if (isMailTaken && this.#judgeRcpt(recipient, answer.reply, accepted.length > 0)) accepted.push(recipient);
    }
    if (accepted.length === 0 && !pipelining) return [];
    const data = await ask('DATA\r\n', this.#timeouts.dataInitiation);
    if (!this.#goesOn(data, 'data', wanted)) return [];
    if (accepted.length > 0) return this.#judgeData(data.reply, accepted) ? accepted : [];
    if (isPositive(data.reply)) await this.#endEmpty(isMailTaken);
    return [];
  }

  #judgeRcpt(recipient: TransactionRecipient, reply: Reply, hasOthers: boolean): boolean {
    if (isPositive(reply)) return true;
    // Without another recipient there is no limit that could be reached: waiting helps, a further transaction does not.
    const verdict: Verdict =
      hasOthers && isTooManyRecipients(reply)
        ? { kind: 'postponed', reply }
        : { kind: 'refused', reply, stage: 'rcpt', appliesTo: 'recipient' };
    this.#verdicts.set(recipient, verdict);
    return false;
  }

  #judgeData(reply: Reply, accepted: readonly TransactionRecipient[]): boolean {
    if (reply.code === 354) return true;
    if (isPositive(reply)) {
      this.#session.wire.end(`unexpected reply ${reply.code} to DATA`);
      this.#settle(accepted, this.#failure('data'));
    } else this.#settle(accepted, { kind: 'refused', reply, stage: 'data', appliesTo: 'message' });
    return false;
  }

  /**
   * The host wants content although it took no recipient. A lone dot ends that (RFC 2920 §3.1): it has nobody to go to.
   * A host that refused MAIL and took RCPT cannot be trusted with one, and a proof that is asked for must be there.
   */
  async #endEmpty(isMailTaken: boolean): Promise<void> {
    const { wire } = this.#session;
    if (!isMailTaken || !(await this.#transfer.mayEnd())) {
      wire.end('the host takes content without recipients');
      return;
    }
    wire.write(DOT);
    const answer = await wire.reply(this.#timeouts.dataTermination);
    if (answer?.reply.code === CLOSING) wire.close('closed by the host');
  }

  /** Sends content and dot. False when the dot was not sent; then all accepted recipients have their result. */
  async #sendContent(octets: Octets, accepted: readonly TransactionRecipient[]): Promise<boolean> {
    const { wire } = this.#session;
    const fault = await this.#transfer.send(octets);
    if (fault === undefined) return true;
    const early = wire.takeUnread()?.reply;
    wire.end(fault);
    const isRefusal = early !== undefined && !isPositive(early);
    const appliesTo = early?.code === CLOSING ? 'session' : 'message';
    this.#settle(
      accepted,
      isRefusal ? { kind: 'refused', reply: early, stage: 'data', appliesTo } : this.#failure('data', fault),
    );
    return false;
  }

  async #awaitVerdict(accepted: readonly TransactionRecipient[]): Promise<void> {
    const { wire } = this.#session;
    const answer = await wire.reply(this.#timeouts.dataTermination);
    if (answer === undefined) {
      this.#settle(accepted, { kind: 'unknown', reason: wire.ended ?? 'no reply' });
      return;
    }
    const { reply } = answer;
    this.leavesTransaction = false;
    if (reply.code === CLOSING) wire.close('closed by the host');
    if (reply.code < 300) this.#settle(accepted, { kind: 'accepted', reply });
    else if (!isPositive(reply)) {
      const appliesTo = reply.code === CLOSING ? 'session' : 'message';
      this.#settle(accepted, { kind: 'refused', reply, stage: 'endOfData', appliesTo });
    } else {
      wire.end(`unexpected reply ${reply.code} to the final dot`);
      this.#settle(accepted, { kind: 'unknown', reason: wire.ended ?? '' });
    }
  }

  /** Whether the dialog goes on after a reply; if not, all who have no result yet get theirs. */
  #goesOn(
    answer: ParsedReply | undefined,
    stage: Stage,
    recipients: readonly TransactionRecipient[],
  ): answer is ParsedReply {
    const { wire } = this.#session;
    if (answer === undefined) {
      this.#settle(recipients, this.#failure(stage));
      return false;
    }
    const { reply } = answer;
    if (reply.code === CLOSING) {
      this.#settle(recipients, { kind: 'refused', reply, stage, appliesTo: 'session' });
      wire.close('closed by the host');
      return false;
    }
    if (reply.code >= 300 && isPositive(reply) && stage !== 'data') {
      wire.end(`unexpected reply ${reply.code}`);
      this.#settle(recipients, this.#failure(stage));
      return false;
    }
    return true;
  }

  /** Gives a result to those who have none yet. */
  #settle(recipients: readonly TransactionRecipient[], verdict: Verdict): void {
    for (const recipient of recipients) {
      if (!this.#verdicts.has(recipient)) this.#verdicts.set(recipient, verdict);
    }
  }

  #failure(stage: Stage, reason = this.#session.wire.ended ?? 'unknown'): Verdict {
    return { kind: 'failed', stage, reason };
  }
}
