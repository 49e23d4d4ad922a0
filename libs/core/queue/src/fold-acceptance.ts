/** How an acceptance, and each recipient behind it, opens a message (I1, I9). */
import { type Effect, NO_EFFECT } from './effect.ts';
import { type FoldedMessage, freshRecipient, openBody } from './open-message.ts';
import type { LoggedRecord, MessageAccepted, RecipientQueued } from './records.ts';
import type { Rules } from './rules.ts';
import type { PartitionState } from './state.ts';

export function foldAccepted(
  state: PartitionState,
  logged: LoggedRecord,
  record: MessageAccepted,
  rules: Rules,
): readonly Effect[] {
  if (record.reportOf === undefined) {
    if (!rules.acceptanceHolds(record.at, logged.appendTime)) return NO_EFFECT;
  } else if (!state.expectedReports.delete(record.message) && rules.reportsNeedTheirOutcome) {
    return NO_EFFECT;
  }
  // A late copy of one that has closed opens nothing: its finals are remembered for longer than it can be late.
  if (state.messages.has(record.message)) return NO_EFFECT;
  const { type: _type, message: id, bodies, ...envelope } = record;
  const message: FoldedMessage = {
    id,
    envelope: { ...envelope, bodies: bodies.map((body) => openBody(body, logged.offset)) },
    recipients: new Map(),
    attempts: [],
    lastDecision: state.elsewhere.get(id)?.decision,
    fullStateOffset: logged.offset,
    fullStatePosition: state.position,
    fullStateOctets: logged.sizeOctets,
  };
  state.creation = {
    message,
    accepted: record,
    opened: false,
    nextOffset: logged.offset + 1,
    left: record.recipientCount,
  };
  return NO_EFFECT;
}

/** Counts only right behind the acceptance that created its message: a late copy must not bring back what closed. */
export function foldQueued(state: PartitionState, logged: LoggedRecord, record: RecipientQueued): readonly Effect[] {
  const { creation } = state;
  if (creation === undefined || creation.nextOffset !== logged.offset || creation.message.id !== record.message) {
    state.creation = undefined;
    return NO_EFFECT;
  }
  creation.nextOffset += 1;
  creation.left -= 1;
  if (creation.left <= 0) state.creation = undefined;
  if (state.finals.has(record.message, record.recipient)) return NO_EFFECT;
  const message = creation.opened ? state.messages.edit(record.message) : creation.message;
  // Everything that was queued before has ended already, by a drop read in between: the rest is void with it.
  if (message === undefined) return NO_EFFECT;
  const recipient = freshRecipient(record);
  message.recipients.set(record.recipient, recipient);
  const waiting: Effect = {
    kind: 'waiting',
    message: message.id,
    recipient: recipient.recipient,
    dueAt: recipient.dueAt,
  };
  if (creation.opened) {
    state.messages.grow(message, logged.sizeOctets);
    return [waiting];
  }
  creation.opened = true;
  message.fullStateOctets += logged.sizeOctets;
  state.messages.put(message);
  return [{ kind: 'opened', message: message.id, accepted: creation.accepted }, waiting];
}
