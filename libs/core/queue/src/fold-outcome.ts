/** What the end of an attempt and a final outcome do (I3, I9). */
import { type Effect, NO_EFFECT } from './effect.ts';
import { decide } from './fold-decision.ts';
import { endedKey } from './memory-keys.ts';
import type { FoldedMessage, OpenRecipient } from './open-message.ts';
import {
  type Decision,
  type FinalOutcome,
  type LoggedRecord,
  type RecipientDeferred,
  sameDecision,
} from './records.ts';
import type { Rules } from './rules.ts';
import type { PartitionState } from './state.ts';

/** With an attempt it is a fact and counts while that attempt is open, so once; without one it is a decision. */
export function foldDeferred(
  state: PartitionState,
  logged: LoggedRecord,
  record: RecipientDeferred,
  rules: Rules,
): readonly Effect[] {
  const { message: id, attempt } = record;
  if (attempt === undefined) {
    if (record.decision === undefined || !decide(state, logged, id, record.decision, rules)) return NO_EFFECT;
  } else {
    state.ended.add(endedKey(id, record.recipient, attempt), state.appendTime);
  }
  const message = state.messages.edit(id);
  const recipient = message?.recipients.get(record.recipient);
  if (message === undefined || recipient === undefined) return NO_EFFECT;
  const newest = attempt === undefined ? undefined : newestAttempt(message, record.recipient);
  if (attempt !== undefined && !endAttempt(state, message, record.recipient, attempt)) return NO_EFFECT;
  const next: OpenRecipient = {
    ...recipient,
    retries: recipient.retries + (record.countsAsRetry ? 1 : 0),
    // The end of an older attempt tells nothing about when the recipient is due next.
    dueAt: attempt !== undefined && !sameDecision(newest!, attempt) ? recipient.dueAt : record.dueAt,
    outcomeUnknown: recipient.outcomeUnknown || record.outcomeUnknown,
    ...(record.host === undefined ? {} : { lastHost: record.host }),
    lastRouteVersion: record.routeVersion ?? recipient.lastRouteVersion,
    ...(record.warning === undefined ? {} : { warnings: (recipient.warnings ?? 0) + 1, warnedAt: record.at }),
  };
  message.recipients.set(record.recipient, next);
  return [{ kind: 'waiting', message: id, recipient: record.recipient, dueAt: next.dueAt }];
}

/** A delivery is a fact, and so is a drop without a decision, which stands in the acceptance's batch. */
export function foldFinal(
  state: PartitionState,
  logged: LoggedRecord,
  record: FinalOutcome,
  rules: Rules,
): readonly Effect[] {
  const { message: id } = record;
  const decision = record.type === 'RecipientDelivered' ? undefined : record.decision;
  if (decision !== undefined && !decide(state, logged, id, decision, rules)) return NO_EFFECT;
  if (state.finals.has(id, record.recipient)) return NO_EFFECT;
  const message = state.messages.edit(id);
  const recipient = message?.recipients.get(record.recipient);
  // Closed longer ago than the memory reaches; only a decision made with an outdated fold comes this late.
  if (message !== undefined && recipient === undefined && decision !== undefined) return NO_EFFECT;
  state.finals.add(id, record.recipient, state.appendTime);
  if ((record.type === 'RecipientBounced' || record.type === 'RecipientExpired') && record.report !== undefined)
    state.expectedReports.set(record.report, state.appendTime);
  if (message === undefined || recipient === undefined) return NO_EFFECT;
  const last = message.recipients.size === 1;
  if (last) {
    state.messages.delete(id);
    state.attempted.delete(id);
  } else {
    state.messages.close(message, record.recipient);
    leaveAttempts(state, message, record.recipient);
  }
  return [
    {
      kind: 'closed',
      message: id,
      recipient: record.recipient,
      outcome: record,
      closed: recipient,
      of: message,
      last,
      unusedBodies: unusedBodies(message, recipient, last),
    },
  ];
}

function newestAttempt(message: FoldedMessage, recipient: number): Decision | undefined {
  let newest: Decision | undefined;
  for (const { recipients, attempt } of message.attempts) if (recipients.has(recipient)) newest = attempt;
  return newest;
}

/** Takes the recipient out of the attempt. False when it was not in it. */
function endAttempt(state: PartitionState, message: FoldedMessage, recipient: number, ended: Decision): boolean {
  for (const [index, { attempt, recipients }] of message.attempts.entries()) {
    if (!sameDecision(attempt, ended)) continue;
    if (!recipients.delete(recipient)) return false;
    if (recipients.size === 0) message.attempts.splice(index, 1);
    if (message.attempts.length === 0) state.attempted.delete(message.id);
    return true;
  }
  return false;
}

function leaveAttempts(state: PartitionState, message: FoldedMessage, recipient: number): void {
  if (message.attempts.length === 0) return;
  for (const { recipients } of message.attempts) recipients.delete(recipient);
  message.attempts = message.attempts.filter(({ recipients }) => recipients.size > 0);
  if (message.attempts.length === 0) state.attempted.delete(message.id);
}

function unusedBodies(message: FoldedMessage, closed: OpenRecipient, last: boolean): readonly string[] {
  const { bodies, copies } = message.envelope;
  if (last) return bodies.flatMap((body) => (body.kind === 'stored' ? [body.key] : []));
  const number = copies[closed.copy]?.body;
  const body = number === undefined ? undefined : bodies[number];
  if (body === undefined || body.kind !== 'stored') return [];
  // With one body, whoever is left needs it; the search below would make a long envelope quadratic.
  if (bodies.length === 1) return [];
  for (const { copy } of message.recipients.values()) if (copies[copy]?.body === number) return [];
  return [body.key];
}
