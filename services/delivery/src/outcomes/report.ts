import { type BounceProfile, type DeliveryTerms, expiryOf } from '@mailyard/delivery-rules';
import type { ReportSigner } from '@mailyard/dkim';
import { buildReport, type OriginalContent, type Report as Content, wantsReport } from '@mailyard/dsn';
import { type Address, type Reply, reply } from '@mailyard/mail';
import {
  bodyKey,
  type BodyReference,
  type BodyStore,
  type MessageAccepted,
  type MessageId,
  type OpenMessage,
  type OpenRecipient,
  type QueueRecord,
  reportIdOf,
  warningIdOf,
} from '@mailyard/queue';
import type { Bodies } from '../partitions/bodies.ts';

/** A delivery report or a delay warning, ready to stand in the batch of the outcome that it tells of (I9, R80). */
export interface Report {
  readonly id: MessageId;
  readonly records: readonly QueueRecord[];
}

/** Why a recipient was given up, or put off. */
export interface ReportedOutcome {
  readonly kind: 'bounce' | 'expire' | 'delay';
  readonly reply: Reply | undefined;
  /** As records name it; absent when nobody spoke. */
  readonly host: string | undefined;
}

export interface ReportOptions {
  readonly hostname: string;
  readonly termsOf: (forwardPath: Address) => DeliveryTerms;
  /** Bodies of reports up to this size stand in the log. */
  readonly inlineOctets: number;
  readonly now: () => number;
  /** Signs what is written here; absent: it goes out as it is. */
  readonly sign?: ReportSigner;
}

/** Makes the reports on recipients that are given up (R79) or wait for long (R80). */
export class Reports {
  readonly #bodies: Bodies;
  readonly #store: BodyStore;
  readonly #options: ReportOptions;

  constructor(bodies: Bodies, store: BodyStore, options: ReportOptions) {
    this.#bodies = bodies;
    this.#store = store;
    this.#options = options;
  }

  /**
   * The report on one recipient; its body is durable before it resolves, if it does not stand in the log.
   *
   * @returns undefined where none is due: null reverse-path, NOTIFY without FAILURE or DELAY, notices switched off
   * @throws MtaError `BODY_STORE_AWAY` when its body cannot be stored; without the original it is made all the same
   */
  async make(
    partition: number,
    message: OpenMessage,
    rid: number,
    outcome: ReportedOutcome,
  ): Promise<Report | undefined> {
    const { reversePath } = message.envelope;
    const recipient = message.recipients.get(rid);
    if (recipient === undefined) return undefined;
    const isWarning = outcome.kind === 'delay';
    const terms = this.#options.termsOf(recipient.forwardPath);
    if (!isWarning && !terms.bounce.notices) return undefined;
    if (!wantsReport(reversePath, recipient.notify, isWarning ? 'delayed' : 'failed')) return undefined;
    const original = await this.#original(partition, message, recipient.copy, terms.bounce);
    const id = isWarning ? warningIdOf(message.id, rid, (recipient.warnings ?? 0) + 1) : reportIdOf(message.id, rid);
    const at = this.#options.now();
    const content = await this.#signed(
      this.#compose(id, at, message, recipient, reversePath, outcome, original, terms),
      at,
    );
    const body = await this.#place(partition, id, content.content);
    const about = { message: message.id, recipient: rid };
    const accepted = {
      ...this.#accepted(id, at, content, body, reversePath),
      ...(isWarning ? { warningOf: about } : { reportOf: about }),
    };
    return {
      id,
      records: [accepted, { type: 'RecipientQueued', message: id, recipient: 0, copy: 0, forwardPath: reversePath }],
    };
  }

  /** Signed here and once: what is sent again is the same, octet for octet. */
  async #signed(report: Content, at: number): Promise<Content> {
    const signature = await this.#options.sign?.(report.content, at);
    if (signature === undefined || signature.length === 0) return report;
    return { ...report, content: Buffer.concat([signature, report.content]) };
  }

  #compose(
    id: MessageId,
    at: number,
    { envelope }: OpenMessage,
    { forwardPath, orcpt, copy }: OpenRecipient,
    reversePath: Address,
    outcome: ReportedOutcome,
    original: OriginalContent | undefined,
    terms: DeliveryTerms,
  ): Content {
    const { ret, envid, smtpUtf8, headerMessageId, at: arrivedAt, copies } = envelope;
    const { hostname } = this.#options;
    const isWarning = outcome.kind === 'delay';
    return buildReport({
      id,
      at,
      reportingMta: hostname,
      action: isWarning ? 'delayed' : 'failed',
      reversePath,
      arrivedAt,
      smtpUtf8,
      forwardPath,
      reply: outcome.reply ?? expired(terms.bounce.maxAgeMs),
      returnLimitOctets: terms.bounce.copyOctets,
      ...(isWarning ? { willRetryUntil: expiryOf(terms, arrivedAt, copies[copy]!.expiresAt) } : {}),
      ...(ret === undefined ? {} : { ret }),
      ...(envid === undefined ? {} : { envid }),
      ...(headerMessageId === undefined ? {} : { headerMessageId }),
      ...(orcpt === undefined ? {} : { orcpt }),
      ...(outcome.host === undefined ? {} : { host: outcome.host }),
      ...(original === undefined ? {} : { original }),
    });
  }

  /** As much of the original as may be returned. Of one whose body is gone the report still tells what happened. */
  async #original(
    partition: number,
    message: OpenMessage,
    copy: number,
    { copyOctets }: BounceProfile,
  ): Promise<OriginalContent | undefined> {
    const { sizeOctets } = message.envelope.copies[copy]!;
    const most = Math.min(sizeOctets, copyOctets + 1);
    try {
      return { octets: await this.#bodies.beginningOf(partition, message, copy, most), sizeOctets };
    } catch {
      return undefined;
    }
  }

  async #place(partition: number, id: MessageId, octets: Uint8Array): Promise<BodyReference> {
    if (octets.length <= this.#options.inlineOctets) return { kind: 'inline', octets };
    const key = bodyKey(partition, id, 0);
    return { kind: 'stored', key, ...(await this.#store.put(key, [octets])) };
  }

  #accepted(
    message: MessageId,
    at: number,
    { content, eightBit, smtpUtf8, headerMessageId }: Content,
    body: BodyReference,
    recipient: Address,
  ): MessageAccepted {
    const { hostname, termsOf } = this.#options;
    return {
      type: 'MessageAccepted',
      message,
      at,
      injection: { icid: '', listener: '', clientAddress: '', helo: hostname },
      reversePath: null,
      eightBit,
      smtpUtf8,
      headerMessageId,
      copies: [
        {
          policy: 'delivery report',
          priority: 0,
          body: 0,
          prefix: new Uint8Array(),
          skipOctets: 0,
          sizeOctets: content.length,
          expiresAt: at + termsOf(recipient).bounce.maxAgeMs,
        },
      ],
      bodies: [body],
      recipientCount: 1,
    };
  }
}

function expired(maxAgeMs: number): Reply {
  return reply(451, '4.4.7', `not delivered within ${Math.round(maxAgeMs / 3_600_000)} hours`);
}
