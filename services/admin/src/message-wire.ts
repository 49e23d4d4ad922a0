/** What owners say of one message that waits, between core and wire. */
import type { GetMessageResponse, ShownRecipient, WaitingMessage } from '@mailyard/contracts/queue';
import type { QueueMessage, QueueMessageDetail, QueueMessageRecipient } from '@mailyard/delivery-rules';
import type { Address } from '@mailyard/mail';
import type { MessageId } from '@mailyard/queue';
import { readRecipient, writeRecipient } from './queue-wire.ts';
import { wireReply } from './tracking/trace-event.ts';
import type { LastTry } from './tracking/last-try.ts';

export function writeMessage({ reversePath, headerMessageId, ...message }: QueueMessage): WaitingMessage {
  return {
    ...message,
    ...(reversePath === null ? {} : { reversePath }),
    ...(headerMessageId === undefined ? {} : { headerMessageId }),
  };
}

export function readMessage({ reversePath, headerMessageId, message, ...wire }: WaitingMessage): QueueMessage {
  return {
    ...wire,
    message: message as MessageId,
    reversePath: (reversePath as Address | undefined) ?? null,
    ...(headerMessageId === undefined ? {} : { headerMessageId }),
  };
}

/** @param tries how the last attempt at each recipient ended, as far as it is known */
export function writeDetail(
  detail: QueueMessageDetail,
  tries: ReadonlyMap<number, LastTry>,
  notes: readonly string[],
): GetMessageResponse {
  const { summary, injection, copies, recipients, ...rest } = detail;
  return {
    ...rest,
    message: writeMessage(summary),
    injection: { ...injection },
    copies: [...copies],
    recipients: recipients.map((one) => writeShown(one, tries.get(one.recipient))),
    notes: [...notes],
  };
}

/** What an owner says that has no such message. */
export const NO_MESSAGE: GetMessageResponse = {
  injection: undefined,
  eightBit: false,
  smtpUtf8: false,
  copies: [],
  recipients: [],
  notes: [],
};

/** @returns undefined where the owner has no such message */
export function readDetail(wire: GetMessageResponse): QueueMessageDetail | undefined {
  const { message, injection, eightBit, smtpUtf8, ret, envid, gateway, reportOf, copies, recipients } = wire;
  if (message === undefined || injection === undefined) return undefined;
  const { icid, listener, clientAddress, helo, senderGroup, flowPolicy, relayed, user } = injection;
  return {
    summary: readMessage(message),
    injection: {
      ...{ icid, listener, clientAddress, helo },
      ...(senderGroup === undefined ? {} : { senderGroup }),
      ...(flowPolicy === undefined ? {} : { flowPolicy }),
      ...(relayed === undefined ? {} : { relayed }),
      ...(user === undefined ? {} : { user }),
    },
    eightBit,
    smtpUtf8,
    ...(ret === 'FULL' || ret === 'HDRS' ? { ret } : {}),
    ...(envid === undefined ? {} : { envid }),
    ...(gateway === undefined ? {} : { gateway }),
    ...(reportOf === undefined ? {} : { reportOf: reportOf as MessageId }),
    copies: copies.map(({ mid, policy, priority, sizeOctets, expiresAt }) => ({
      ...{ mid, policy, priority, sizeOctets, expiresAt },
    })),
    recipients: recipients.flatMap(readShown),
  };
}

function writeShown(one: QueueMessageRecipient, last: LastTry | undefined): ShownRecipient {
  const { destination, underwayTo, notify, orcpt, ...recipient } = one;
  return {
    recipient: writeRecipient(recipient),
    ...(destination === undefined ? {} : { destination }),
    ...(underwayTo === undefined ? {} : { underwayTo }),
    ...(notify === undefined ? {} : { notify }),
    ...(orcpt === undefined ? {} : { orcpt }),
    ...(last === undefined
      ? {}
      : { lastTry: { ...last, ...(last.reply === undefined ? {} : { reply: wireReply(last.reply) }) } }),
  };
}

function readShown({ recipient, destination, underwayTo, notify, orcpt }: ShownRecipient): QueueMessageRecipient[] {
  if (recipient === undefined) return [];
  const shown = {
    ...readRecipient(recipient),
    destination,
    underwayTo,
    ...(notify === undefined ? {} : { notify }),
    ...(orcpt === undefined ? {} : { orcpt }),
  };
  return [shown];
}
