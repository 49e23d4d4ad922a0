import type {
  Host,
  RecipientResult,
  RelayConnection,
  SessionTls,
  Stage,
  Transaction,
  TransactionRecipient,
} from '@mailyard/delivery-rules';
import { decodeXtext, hasNonAscii, isPositive, type Reply } from '@mailyard/mail';
import {
  type Capabilities,
  isSafePath,
  isTooManyRecipients,
  NO_EIGHT_BIT,
  NO_SMTPUTF8,
  parseCapabilities,
  safeDsn,
  TOO_LARGE,
  UNSAFE_FORWARD_PATH,
  UNSAFE_REVERSE_PATH,
} from '@mailyard/smtp-client';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { NodemailerError } from 'nodemailer/lib/errors';
import type { SMTPConnectionEnvelope, SMTPConnectionSendInfo, SMTPEnvelope } from 'nodemailer/lib/smtp-connection';
import { ContentSource } from './content-source.ts';
import type { NodemailerTimeouts } from './timeouts.ts';
import { parseReply } from './replies.ts';

type Verdict = RecipientResult extends infer Result
  ? Result extends unknown
    ? Omit<Result, 'recipient'>
    : never
  : never;
type SendError = NodemailerError;
type Octets = readonly Uint8Array[] | AsyncIterable<Uint8Array>;

/** A session that mail may be sent over. */
export interface NodemailerSession {
  readonly connection: SMTPConnection;
  readonly ehloLines: readonly string[];
  readonly tls: SessionTls | undefined;
}

/** An open session of nodemailer's, one transaction at a time. */
export class NodemailerConnection implements RelayConnection {
  readonly dcid: string;
  readonly host: Host;
  readonly tls: SessionTls | undefined;
  readonly #connection: SMTPConnection;
  readonly #offered: Capabilities;
  readonly #timeouts: NodemailerTimeouts;
  #isBusy = false;
  #needsReset = false;
  #closing: Promise<void> | undefined;
  #abort: ((reason: string) => void) | undefined;

  constructor(
    dcid: string,
    host: Host,
    { connection, ehloLines, tls }: NodemailerSession,
    timeouts: NodemailerTimeouts,
  ) {
    this.dcid = dcid;
    this.host = host;
    this.tls = tls;
    this.#connection = connection;
    this.#offered = parseCapabilities(ehloLines);
    this.#timeouts = timeouts;
  }

  get usable(): boolean {
    return !this.#connection.destroyed && this.#closing === undefined;
  }

  async send(transaction: Transaction): Promise<readonly RecipientResult[]> {
    const verdicts = new Map<TransactionRecipient, Verdict>();
    if (this.#isBusy || !this.usable) {
      settle(verdicts, transaction.recipients, failure('mail', 'the session takes no transaction'));
    } else {
      this.#isBusy = true;
      await this.#transact(transaction, verdicts);
      this.#isBusy = false;
    }
    return transaction.recipients.map((recipient) => ({
      recipient: recipient.recipient,
      ...(verdicts.get(recipient) ?? failure('mail', 'no result')),
    }));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#abort?.('closed by us');
    const connection = this.#connection;
    if (connection.destroyed) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => connection.close(), this.#timeouts.quit);
      connection.once('end', () => {
        clearTimeout(timer);
        resolve();
      });
      if (this.#isBusy) connection.close();
      else connection.quit();
    });
  }

  async #transact(transaction: Transaction, verdicts: Map<TransactionRecipient, Verdict>): Promise<void> {
    const { recipients } = transaction;
    const refused = this.#refuseHere(transaction);
    if (refused !== undefined) {
      settle(verdicts, recipients, refused);
      return;
    }
    const groups = this.#group(recipients, verdicts);
    let octets: Octets;
    try {
      octets = await openContent(transaction, groups.length > 1);
    } catch (error) {
      settle(verdicts, recipients, failure('data', `the content cannot be read: ${(error as Error).message}`));
      return;
    }
    for (const group of groups) {
      if (!this.usable) settle(verdicts, group, failure('mail', 'the session takes no transaction'));
      else await this.#sendGroup(transaction, group, octets, verdicts);
    }
  }

  #refuseHere({ reversePath, recipients, eightBit, smtpUtf8, content }: Transaction): Verdict | undefined {
    const offered = this.#offered;
    const refusal = (reply: Reply): Verdict => ({ kind: 'refused', reply, stage: 'mail', appliesTo: 'message' });
    if (reversePath !== null && (!isSafePath(reversePath) || /[<>]/.test(reversePath)))
      return refusal(UNSAFE_REVERSE_PATH);
    const hasUtf8Address =
      hasNonAscii(reversePath ?? '') || recipients.some(({ forwardPath }) => hasNonAscii(forwardPath));
    if ((smtpUtf8 || hasUtf8Address) && !(offered.smtpUtf8 && hasUtf8Address)) return refusal(NO_SMTPUTF8);
    if (eightBit && !offered.eightBitMime) return refusal(NO_EIGHT_BIT);
    if (offered.sizeLimitOctets !== undefined && content.sizeOctets > offered.sizeLimitOctets)
      return refusal(TOO_LARGE);
    return content.sizeOctets === 0 ? failure('data', 'the content is empty') : undefined;
  }

  /** Recipients whose DSN parameters agree: nodemailer has one set for all RCPTs of a transaction. */
  #group(
    recipients: readonly TransactionRecipient[],
    verdicts: Map<TransactionRecipient, Verdict>,
  ): readonly (readonly TransactionRecipient[])[] {
    const groups = new Map<string, TransactionRecipient[]>();
    for (const recipient of recipients) {
      if (!isSafePath(recipient.forwardPath) || /[<>]/.test(recipient.forwardPath)) {
        const reply = UNSAFE_FORWARD_PATH;
        verdicts.set(recipient, { kind: 'refused', reply, stage: 'rcpt', appliesTo: 'recipient' });
        continue;
      }
      const key = this.#offered.dsn ? `${recipient.notify ?? ''} ${recipient.orcpt ?? ''}` : '';
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [recipient]);
      else group.push(recipient);
    }
    return [...groups.values()];
  }

  async #sendGroup(
    transaction: Transaction,
    group: readonly TransactionRecipient[],
    octets: Octets,
    verdicts: Map<TransactionRecipient, Verdict>,
  ): Promise<void> {
    if (this.#needsReset) await new Promise<void>((resolve) => this.#connection.reset(() => resolve()));
    const envelope = envelopeOf(transaction, group);
    const attempt = Promise.withResolvers<SMTPConnectionSendInfo | SendError>();
    const abort = (reason: string): void => {
      attempt.resolve(Object.assign(new Error(reason), { code: 'ECONTENT', command: 'CONN' }));
      source.destroy();
      this.#connection.close();
    };
    const source = new ContentSource(transaction.content, octets, transaction.mayEnd, this.#connection, abort);
    this.#abort = abort;
    const timer = setTimeout(() => abort('timed out'), this.#timeouts.transaction);
    // Tells whether anything was answered.
    this.#connection.lastServerResponse = false;
    this.#connection.send(envelope, source, (error, info) => attempt.resolve(error ?? info));
    const outcome = await attempt.promise;
    clearTimeout(timer);
    this.#abort = undefined;
    source.destroy();
    this.#judge(outcome, envelope as SMTPConnectionEnvelope, source, group, verdicts);
  }

  /** Turns what nodemailer tells, and what it left in the envelope object, into one result a recipient. */
  #judge(
    outcome: SMTPConnectionSendInfo | SendError,
    envelope: SMTPConnectionEnvelope,
    source: ContentSource,
    group: readonly TransactionRecipient[],
    verdicts: Map<TransactionRecipient, Verdict>,
  ): void {
    const reply = parseReply(outcome.response);
    const isError = outcome instanceof Error;
    const stage = isError ? stageOf(outcome, envelope, source, this.#connection.lastServerResponse) : 'endOfData';
    const isClosing = reply?.code === 421;
    this.#needsReset = isError && stage !== 'endOfData';
    // Where MAIL was refused, the RCPTs that went with it are refused for want of it.
    if (!('mailError' in envelope)) this.#judgeRejected(envelope, group, verdicts, isClosing);
    const rest = (verdict: Verdict): void => settle(verdicts, group, verdict);
    if (reply !== undefined && !isPositive(reply)) {
      const appliesTo = isClosing ? 'session' : stage === 'rcpt' ? 'recipient' : 'message';
      return rest({ kind: 'refused', reply, stage, appliesTo });
    }
    if (!isError && reply !== undefined && reply.code < 300) return rest({ kind: 'accepted', reply });
    // Neither taken nor refused in words that are a reply: the dialog is lost.
    const reason = isError ? outcome.message : 'unexpected reply';
    this.#connection.close();
    rest(source.isEnded && stage !== 'mail' && stage !== 'rcpt' ? { kind: 'unknown', reason } : failure(stage, reason));
  }

  #judgeRejected(
    { rejectedErrors = [], accepted = [] }: Partial<SMTPConnectionEnvelope>,
    group: readonly TransactionRecipient[],
    verdicts: Map<TransactionRecipient, Verdict>,
    isClosing: boolean,
  ): void {
    const waiting = [...group];
    for (const error of rejectedErrors) {
      const { recipient: path } = error as { readonly recipient?: string };
      // An address that stands twice and was refused once: which of the two does not matter.
      const at = waiting.findIndex(({ forwardPath }) => forwardPath === path);
      const [recipient] = at < 0 ? [] : waiting.splice(at, 1);
      const reply = parseReply(error.response);
      if (recipient === undefined || (isClosing && reply?.code === 421)) continue;
      if (reply === undefined) verdicts.set(recipient, failure('rcpt', 'unexpected reply'));
      else if (accepted.length > 0 && isTooManyRecipients(reply)) verdicts.set(recipient, { kind: 'postponed', reply });
      else verdicts.set(recipient, { kind: 'refused', reply, stage: 'rcpt', appliesTo: 'recipient' });
    }
    if (rejectedErrors.some(({ response }) => parseReply(response) === undefined)) this.#connection.close();
  }
}

function envelopeOf(transaction: Transaction, group: readonly TransactionRecipient[]): SMTPEnvelope {
  const { ret, envid, notify, orcpt } = safeDsn(transaction, group[0]!, true);
  return {
    from: transaction.reversePath ?? '',
    to: group.map(({ forwardPath }) => forwardPath as string),
    size: transaction.content.sizeOctets,
    use8BitMime: transaction.eightBit,
    // Nodemailer encodes what it is given as xtext.
    dsn: {
      ret: ret ?? null,
      envid: envid === undefined ? null : decodeXtext(envid),
      notify: notify ?? null,
      orcpt: orcpt === undefined ? null : decodeXtext(orcpt),
    },
  };
}

function stageOf(
  { code, command }: SendError,
  envelope: SMTPConnectionEnvelope,
  source: ContentSource,
  lastReply: string | false,
): Stage {
  if (code === 'EMESSAGE') return 'endOfData';
  if (command === 'MAIL FROM') return 'mail';
  if (command === 'RCPT TO') return 'rcpt';
  if (command === 'DATA') return 'data';
  if (source.isEnded) return 'endOfData';
  if (source.isStarted) return 'data';
  const { rejected, accepted, rejectedErrors, to = [] } = envelope;
  if (lastReply === false || 'mailError' in envelope) return 'mail';
  const isClosing = rejectedErrors.some(({ response }) => parseReply(response)?.code === 421);
  return rejected.length + accepted.length < to.length || isClosing ? 'rcpt' : 'data';
}

async function openContent({ content }: Transaction, twice: boolean): Promise<Octets> {
  const { octets } = content;
  if (typeof octets !== 'function') return octets instanceof Uint8Array ? [octets] : octets;
  const stream = await octets();
  if (!twice) return stream;
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

function settle(
  verdicts: Map<TransactionRecipient, Verdict>,
  recipients: readonly TransactionRecipient[],
  verdict: Verdict,
): void {
  for (const recipient of recipients) if (!verdicts.has(recipient)) verdicts.set(recipient, verdict);
}

function failure(stage: Stage, reason: string): Verdict {
  return { kind: 'failed', stage, reason };
}
