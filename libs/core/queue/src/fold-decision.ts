/** Which decisions count (I3), and what an intent and a restatement do. */
import { type Effect, NO_EFFECT } from './effect.ts';
import { endedKey } from './memory-keys.ts';
import { type FoldedAttempt, type FoldedMessage, openBody, type OpenRecipient } from './open-message.ts';
import type { AttemptIntended, Decision, LoggedRecord, MessageId, MessageRestated } from './records.ts';
import type { Rules } from './rules.ts';
import type { PartitionState } from './state.ts';

/**
 * Tells whether a decision on a message counts here, and if so remembers it as the message's last. A message that is
 * not open here may be one whose full state lies before where this reader began: the decision counts all the same.
 */
export function decide(
  state: PartitionState,
  logged: LoggedRecord,
  id: MessageId,
  decision: Decision,
  rules: Rules,
): boolean {
  if (!rules.isFenced(state.claim, decision, logged.appendTime, logged.record.type)) return false;
  const message = state.messages.edit(id);
  if (message !== undefined) {
    if (!rules.isLater(decision, message.lastDecision)) return false;
    message.lastDecision = decision;
    return true;
  }
  if (!rules.isLater(decision, state.elsewhere.get(id)?.decision)) return false;
  state.elsewhere.delete(id);
  state.elsewhere.set(id, { decision, at: state.appendTime });
  return true;
}

export function foldIntended(
  state: PartitionState,
  logged: LoggedRecord,
  record: AttemptIntended,
  rules: Rules,
): readonly Effect[] {
  if (!decide(state, logged, record.message, record.attempt, rules)) return NO_EFFECT;
  const message = state.messages.edit(record.message);
  if (message === undefined) return NO_EFFECT;
  const recipients = record.recipients.filter(
    (recipient) =>
      message.recipients.has(recipient) && !state.ended.has(endedKey(message.id, recipient, record.attempt)),
  );
  if (recipients.length > 0) {
    message.attempts.push({
      attempt: record.attempt,
      incarnation: record.incarnation,
      recipients: new Set(recipients),
      host: record.host,
    });
    state.attempted.add(message.id);
  }
  return [{ kind: 'intended', message: message.id, attempt: record.attempt, recipients }];
}

/** Replaces what is known of the message, less the finals and ended attempts of the last ten minutes (I3, I7). */
export function foldRestated(
  state: PartitionState,
  logged: LoggedRecord,
  record: MessageRestated,
  rules: Rules,
): readonly Effect[] {
  const id = record.message;
  const before = state.messages.edit(id);
  if (!decide(state, logged, id, record.decision, rules)) return NO_EFFECT;
  const recipients = new Map<number, OpenRecipient>(
    before !== undefined && !rules.restatementsReplace ? before.recipients : undefined,
  );
  for (const recipient of record.recipients) {
    if (!state.finals.has(id, recipient.recipient)) recipients.set(recipient.recipient, recipient);
  }
  if (recipients.size === 0) {
    state.messages.delete(id);
    state.attempted.delete(id);
    return NO_EFFECT;
  }
  const { type: _type, message: _message, bodies, ...envelope } = record.accepted;
  const message: FoldedMessage = {
    id,
    envelope: { ...envelope, bodies: bodies.map((body) => openBody(body, logged.offset)) },
    recipients,
    attempts: restatedAttempts(state, record, recipients),
    lastDecision: record.decision,
    fullStateOffset: logged.offset,
    fullStatePosition: state.position,
    fullStateOctets: logged.sizeOctets,
  };
  state.messages.put(message);
  state.elsewhere.delete(id);
  if (message.attempts.length > 0) state.attempted.add(id);
  else state.attempted.delete(id);
  if (before !== undefined) return [{ kind: 'restated', message: id }];
  const effects: Effect[] = [{ kind: 'opened', message: id, accepted: undefined }];
  for (const { recipient, dueAt } of recipients.values())
    effects.push({ kind: 'waiting', message: id, recipient, dueAt });
  return effects;
}

function restatedAttempts(
  state: PartitionState,
  record: MessageRestated,
  recipients: ReadonlyMap<number, OpenRecipient>,
): FoldedAttempt[] {
  const attempts: FoldedAttempt[] = [];
  for (const { attempt, incarnation, host, recipients: all } of record.attempts) {
    const open = all.filter(
      (recipient) => recipients.has(recipient) && !state.ended.has(endedKey(record.message, recipient, attempt)),
    );
    if (open.length > 0) attempts.push({ attempt, incarnation, host, recipients: new Set(open) });
  }
  return attempts;
}
