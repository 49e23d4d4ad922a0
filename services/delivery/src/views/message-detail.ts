import type {
  QueueCopy,
  QueueMessage,
  QueueMessageDetail,
  QueueMessageRecipient,
  QueueRecipient,
} from '@mailyard/delivery-rules';
import { midOf, type OpenMessage, type OpenRecipient } from '@mailyard/queue';
import type { Bindings } from '../destinations/bindings.ts';
import type { MessagePlace } from './message-place.ts';

/** A waiting recipient in a row. */
export function recipientRow(partition: number, { id, envelope }: OpenMessage, one: OpenRecipient): QueueRecipient {
  const { recipient, copy, forwardPath, dueAt, retries, outcomeUnknown, lastHost } = one;
  return {
    partition,
    message: id,
    recipient,
    mid: midOf(id, copy),
    reversePath: envelope.reversePath,
    forwardPath,
    acceptedAt: envelope.at,
    dueAt,
    expiresAt: envelope.copies[copy]!.expiresAt,
    retries,
    outcomeUnknown,
    lastHost,
  };
}

/** A message that waits, in a row (R212). */
export function messageRow([partition, { id, envelope, recipients }]: MessagePlace): QueueMessage {
  let sizeOctets = 0;
  let nextAttemptAt = Infinity;
  let forwardPath: string | undefined;
  for (const { copy, dueAt, forwardPath: path } of recipients.values()) {
    forwardPath ??= path;
    sizeOctets = Math.max(sizeOctets, envelope.copies[copy]!.sizeOctets);
    nextAttemptAt = Math.min(nextAttemptAt, dueAt);
  }
  const { headerMessageId } = envelope;
  return {
    partition,
    message: id,
    acceptedAt: envelope.at,
    reversePath: envelope.reversePath,
    ...(headerMessageId === undefined ? {} : { headerMessageId }),
    sizeOctets,
    accepted: envelope.recipientCount,
    waiting: recipients.size,
    forwardPath: forwardPath ?? '',
    nextAttemptAt: Number.isFinite(nextAttemptAt) ? nextAttemptAt : 0,
  };
}

/**
 * All that is known here of a message that waits (R212).
 *
 * @param copy only this one and its recipients
 * @returns undefined when nobody of that copy waits
 */
export function messageDetail(
  place: MessagePlace,
  copy: number | undefined,
  bindings: Bindings,
): QueueMessageDetail | undefined {
  const [partition, message] = place;
  const { id, envelope, attempts } = message;
  const copies = new Map<number, QueueCopy>();
  const recipients: QueueMessageRecipient[] = [];
  for (const one of message.recipients.values()) {
    if (copy !== undefined && one.copy !== copy) continue;
    const { policy, priority, sizeOctets, expiresAt } = envelope.copies[one.copy]!;
    copies.set(one.copy, { mid: midOf(id, one.copy), policy, priority, sizeOctets, expiresAt });
    recipients.push({
      ...recipientRow(partition, message, one),
      destination: bindings.keyOf(bindings.ofPath(one.forwardPath, envelope.gateway)),
      underwayTo: attempts.find((attempt) => attempt.recipients.has(one.recipient))?.host,
      ...(one.notify === undefined ? {} : { notify: one.notify }),
      ...(one.orcpt === undefined ? {} : { orcpt: one.orcpt }),
    });
  }
  if (recipients.length === 0) return undefined;
  const { injection, eightBit, smtpUtf8, ret, envid, gateway } = envelope;
  const { unknownFields: _unknownFields, ...injected } = injection;
  const reportOf = (envelope.reportOf ?? envelope.warningOf)?.message;
  return {
    summary: messageRow(place),
    injection: injected,
    eightBit,
    smtpUtf8,
    ...(ret === undefined ? {} : { ret }),
    ...(envid === undefined ? {} : { envid }),
    ...(gateway === undefined ? {} : { gateway }),
    ...(reportOf === undefined ? {} : { reportOf }),
    copies: [...copies].sort(([a], [b]) => a - b).map(([, shown]) => shown),
    recipients,
  };
}
