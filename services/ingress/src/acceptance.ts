/**
 * Makes the one batch of an acceptance: the message with a copy for each policy group, then its recipients.
 */
import type { MailPolicy, Splinter, Subject } from '@mailyard/access';
import { type Address, editHeader, type RcptParameters, type ReversePath } from '@mailyard/mail';
import type {
  BodyReference,
  Copy,
  Injection,
  MessageAccepted,
  MessageId,
  QueueRecord,
  RecipientExpansion,
} from '@mailyard/queue';

/** A recipient that RCPT took; as a subject it is what policies compare. */
export interface AcceptedRecipient extends Subject {
  readonly forwardPath: Address;
  readonly needsSmtpUtf8: boolean;
  readonly parameters: RcptParameters;
  /** What RCPT had, where it became this one (R136). */
  readonly received?: Address;
  /** The alias that leads to `/dev/null`: it is taken and dropped (R64). */
  readonly discardedBy?: string;
}

export interface AcceptanceFacts {
  readonly message: MessageId;
  readonly at: number;
  readonly injection: Injection;
  readonly reversePath: ReversePath;
  readonly eightBit: boolean;
  readonly smtpUtf8: boolean;
  readonly ret?: 'FULL' | 'HDRS';
  readonly envid?: string;
  readonly headerMessageId?: string;
  readonly traceparent?: string;
  readonly gateway?: string;
  readonly expansions?: readonly RecipientExpansion[];
  readonly expiresAt: number;
  readonly body: BodyReference;
  readonly sizeOctets: number;
  /** For each splinter. */
  readonly heads: readonly CopyHead[];
}

/** What a copy has in place of the beginning of the body. */
export interface CopyHead {
  readonly prefix: Uint8Array;
  readonly skipOctets: number;
}

/** The head of a copy whose header section nobody edits. */
export const AS_STORED: CopyHead = { prefix: new Uint8Array(0), skipOctets: 0 };

/** Builds the records, the message first. Splinters are in policy-table order and cover each recipient once (R94). */
export function buildAcceptance(
  facts: AcceptanceFacts,
  recipients: readonly AcceptedRecipient[],
  splinters: readonly Splinter[],
): QueueRecord[] {
  const { body, heads, expiresAt, sizeOctets, message, at, ...rest } = facts;
  const copies = splinters.map(({ policy: { name, actions } }, number): Copy => {
    const head = heads[number]!;
    const sent = head.prefix.length + sizeOctets - head.skipOctets;
    return { policy: name, priority: actions.priority ?? 0, body: 0, ...head, sizeOctets: sent, expiresAt };
  });
  const accepted: MessageAccepted = {
    type: 'MessageAccepted',
    message,
    at,
    ...rest,
    copies,
    bodies: [body],
    recipientCount: recipients.length,
  };
  const copyOfRecipient: number[] = [];
  for (const [copy, { recipients: rids }] of splinters.entries()) for (const rid of rids) copyOfRecipient[rid] = copy;
  const records: QueueRecord[] = [accepted];
  for (const [recipient, { forwardPath, parameters }] of recipients.entries()) {
    records.push({
      type: 'RecipientQueued',
      message,
      recipient,
      copy: copyOfRecipient[recipient]!,
      forwardPath,
      ...parameters,
    });
  }
  if (facts.expansions !== undefined)
    for (const [recipient, { discardedBy }] of recipients.entries())
      if (discardedBy !== undefined)
        records.push({ type: 'RecipientDropped', message, recipient, reason: `alias ${discardedBy}`, at });
  for (const { policy, recipients: rids } of splinters) {
    if (policy.actions.drop !== true) continue;
    for (const recipient of rids.filter((rid) => recipients[rid]!.discardedBy === undefined))
      records.push({ type: 'RecipientDropped', message, recipient, reason: `policy ${policy.name}`, at });
  }
  return records;
}

/** What a policy makes of the header section. @param header as stored, our Received field in front */
export function headOf({ actions }: MailPolicy, header: Uint8Array): CopyHead {
  const { removeHeaders = [], addHeaders = [], subjectTag } = actions;
  if (removeHeaders.length === 0 && addHeaders.length === 0 && subjectTag === undefined) return AS_STORED;
  const edit = { remove: removeHeaders, add: addHeaders, ...(subjectTag === undefined ? {} : { subjectTag }) };
  return { prefix: editHeader(header, edit, (text) => Buffer.from(text, 'latin1')), skipOctets: header.length };
}
