/**
 * The fold of one partition: how each record changes the state, by the invariants I2 to I9 (docs/architecture.md).
 *
 * Every reader, the owner and a worker that takes over alike, applies this one function to the same records and gets
 * the same state. The rules in short:
 * - facts (acceptance, delivery, a deferral that ends an attempt) count from anyone;
 * - decisions count only under the last claim before them, at most five minutes after it, and per message in rising
 *   (term, sequence);
 * - the first final outcome absorbs later ones, also when it is read before the record that creates its message.
 */
import type {
  AttemptIntended,
  Decision,
  FinalOutcome,
  LoggedRecord,
  MessageAccepted,
  MessageId,
  MessageRestated,
  PartitionClaimed,
  RecipientDeferred,
  RecipientQueued,
} from './records.ts';
import {
  freshRecipient,
  isLater,
  MEMORY_MS,
  type OpenAttempt,
  type OpenBody,
  type OpenMessage,
  type OpenRecipient,
  type PartitionState,
  sameDecision,
  VALIDITY_MS,
} from './state.ts';

/** What a record did, for whoever schedules, counts and shows. A record that had no effect reports nothing. */
export type Effect =
  | { readonly kind: 'claimed'; readonly dropped: readonly MessageId[] }
  | { readonly kind: 'opened'; readonly message: MessageId; readonly accepted: MessageAccepted | undefined }
  | {
      readonly kind: 'intended';
      readonly message: MessageId;
      readonly attempt: Decision;
      readonly recipients: readonly number[];
    }
  | { readonly kind: 'waiting'; readonly message: MessageId; readonly recipient: number; readonly dueAt: number }
  | {
      readonly kind: 'closed';
      readonly message: MessageId;
      readonly recipient: number;
      readonly outcome: FinalOutcome;
      readonly last: OpenMessage | undefined;
    }
  | { readonly kind: 'restated'; readonly message: MessageId };

/** Applies one record to the state and tells what it did. Records must come in rising offset. */
export function fold(state: PartitionState, logged: LoggedRecord): readonly Effect[] {
  state.nextOffset = logged.offset + 1;
  state.position += logged.sizeOctets;
  if (logged.appendTime > state.appendTime) {
    state.appendTime = logged.appendTime;
    forget(state);
  }
  const { record } = logged;
  if (record.type !== 'RecipientQueued') state.creation = undefined;
  switch (record.type) {
    case 'Undecodable':
      state.undecodable.push(logged.offset);
      return [];
    case 'PartitionClaimed':
      return foldClaim(state, logged, record);
    case 'MessageAccepted':
      return foldAccepted(state, logged, record);
    case 'RecipientQueued':
      return foldQueued(state, logged, record);
    case 'AttemptIntended':
      return foldIntended(state, logged, record);
    case 'MessageRestated':
      return foldRestated(state, logged, record);
    case 'RecipientDeferred':
      return foldDeferred(state, logged, record);
    default:
      return foldFinal(state, logged, record);
  }
}

function foldClaim(state: PartitionState, logged: LoggedRecord, record: PartitionClaimed): readonly Effect[] {
  const { claim, incarnation, mark } = record;
  state.claim = { term: logged.offset, incarnation, claim, mark, appendTime: logged.appendTime };
  // What lies below the mark ended before it was written: its outcomes may be trimmed already (I6).
  const dropped: MessageId[] = [];
  for (const message of state.messages.values()) {
    if (message.fullStateOffset >= mark) break;
    dropped.push(message.id);
  }
  for (const id of dropped) state.messages.delete(id);
  return [{ kind: 'claimed', dropped }];
}

function foldAccepted(state: PartitionState, logged: LoggedRecord, record: MessageAccepted): readonly Effect[] {
  const { message } = record;
  if (record.reportOf === undefined) {
    if (logged.appendTime - record.at > VALIDITY_MS) return [];
  } else if (!state.expectedReports.delete(message)) {
    return [];
  }
  if (state.messages.has(message) || state.accepted.has(message)) return [];
  state.accepted.set(message, state.appendTime);
  const { type: _type, message: _message, bodies, ...envelope } = record;
  const open: OpenMessage = {
    id: message,
    envelope: { ...envelope, bodies: bodies.map((body) => openBody(body, logged.offset)) },
    recipients: new Map(),
    attempts: [],
    lastDecision: undefined,
    fullStateOffset: logged.offset,
    fullStatePosition: state.position,
  };
  state.messages.set(message, open);
  state.creation = { message, nextOffset: logged.offset + 1, left: record.recipientCount };
  return [{ kind: 'opened', message, accepted: record }];
}

function openBody(body: MessageAccepted['bodies'][number], offset: number): OpenBody {
  return body.kind === 'stored' ? body : { kind: 'logged', offset, sizeOctets: body.octets.length };
}

function foldQueued(state: PartitionState, logged: LoggedRecord, record: RecipientQueued): readonly Effect[] {
  const { creation } = state;
  // Only right behind the acceptance that created its message: a late copy must not bring back a closed recipient.
  if (creation === undefined || creation.message !== record.message || creation.nextOffset !== logged.offset) return [];
  const message = state.messages.get(record.message);
  if (message === undefined) return [];
  state.creation =
    creation.left > 1 ? { ...creation, nextOffset: logged.offset + 1, left: creation.left - 1 } : undefined;
  const effects: Effect[] = [];
  if (!state.finals.has(finalKey(record.message, record.recipient))) {
    const recipient = freshRecipient(record);
    replace(state, message, { recipients: new Map(message.recipients).set(record.recipient, recipient) });
    effects.push({ kind: 'waiting', message: message.id, recipient: recipient.recipient, dueAt: recipient.dueAt });
  }
  if (state.creation === undefined && state.messages.get(record.message)!.recipients.size === 0)
    state.messages.delete(message.id);
  return effects;
}

function foldIntended(state: PartitionState, logged: LoggedRecord, record: AttemptIntended): readonly Effect[] {
  const message = decidable(state, logged, record.message, record.attempt);
  if (message === undefined) return [];
  const recipients = record.recipients.filter(
    (recipient) =>
      message.recipients.has(recipient) && !state.ended.has(endedKey(message.id, recipient, record.attempt)),
  );
  const attempts =
    recipients.length === 0
      ? message.attempts
      : [
          ...message.attempts,
          {
            attempt: record.attempt,
            incarnation: record.incarnation,
            recipients: new Set(recipients),
            host: record.host,
          },
        ];
  replace(state, message, { attempts, lastDecision: record.attempt });
  return [{ kind: 'intended', message: message.id, attempt: record.attempt, recipients }];
}

function foldRestated(state: PartitionState, logged: LoggedRecord, record: MessageRestated): readonly Effect[] {
  if (!underClaim(state, logged, record.decision)) return [];
  const before = state.messages.get(record.message);
  if (before !== undefined && !isLater(record.decision, before.lastDecision)) return [];
  const recipients = new Map<number, OpenRecipient>();
  for (const recipient of record.recipients) {
    if (!state.finals.has(finalKey(record.message, recipient.recipient)))
      recipients.set(recipient.recipient, recipient);
  }
  state.messages.delete(record.message);
  if (recipients.size === 0) return [];
  const attempts: OpenAttempt[] = [];
  for (const { attempt, incarnation, host, recipients: all } of record.attempts) {
    const open = all.filter(
      (recipient) => recipients.has(recipient) && !state.ended.has(endedKey(record.message, recipient, attempt)),
    );
    if (open.length > 0) attempts.push({ attempt, incarnation, host, recipients: new Set(open) });
  }
  const { type: _type, message: _message, bodies, ...envelope } = record.accepted;
  state.messages.set(record.message, {
    id: record.message,
    envelope: { ...envelope, bodies: bodies.map((body) => openBody(body, logged.offset)) },
    recipients,
    attempts,
    lastDecision: record.decision,
    fullStateOffset: logged.offset,
    fullStatePosition: state.position,
  });
  return before === undefined
    ? [
        { kind: 'opened', message: record.message, accepted: undefined },
        ...[...recipients.values()].map(
          (recipient): Effect => ({
            kind: 'waiting',
            message: record.message,
            recipient: recipient.recipient,
            dueAt: recipient.dueAt,
          }),
        ),
      ]
    : [{ kind: 'restated', message: record.message }];
}

function foldDeferred(state: PartitionState, logged: LoggedRecord, record: RecipientDeferred): readonly Effect[] {
  if (record.attempt === undefined) {
    if (record.decision === undefined) return [];
    const message = decidable(state, logged, record.message, record.decision);
    if (message === undefined) return [];
    replace(state, message, { lastDecision: record.decision });
  }
  const message = state.messages.get(record.message);
  const current = message === undefined ? undefined : newestAttempt(message, record.recipient);
  if (record.attempt !== undefined) {
    const key = endedKey(record.message, record.recipient, record.attempt);
    if (state.ended.has(key)) return [];
    state.ended.set(key, state.appendTime);
  }
  const recipient = message?.recipients.get(record.recipient);
  if (message === undefined || recipient === undefined) return [];
  if (record.attempt !== undefined) endAttempt(state, message, record.recipient, record.attempt);
  // The end of an older attempt tells nothing about when the recipient is due next.
  if (record.attempt !== undefined && current !== undefined && isLater(current, record.attempt)) return [];
  const after = state.messages.get(record.message)!;
  const next: OpenRecipient = {
    ...recipient,
    retries: recipient.retries + (record.countsAsRetry ? 1 : 0),
    dueAt: record.dueAt,
    outcomeUnknown: recipient.outcomeUnknown || record.outcomeUnknown,
    ...(record.host === undefined ? {} : { lastHost: record.host }),
    lastRouteVersion: record.routeVersion ?? recipient.lastRouteVersion,
  };
  replace(state, after, { recipients: new Map(after.recipients).set(record.recipient, next) });
  return [{ kind: 'waiting', message: message.id, recipient: record.recipient, dueAt: record.dueAt }];
}

function foldFinal(state: PartitionState, logged: LoggedRecord, record: FinalOutcome): readonly Effect[] {
  const decision = record.type === 'RecipientDelivered' ? undefined : record.decision;
  if (decision !== undefined) {
    const message = decidable(state, logged, record.message, decision);
    if (message === undefined || !message.recipients.has(record.recipient)) return [];
    replace(state, message, { lastDecision: decision });
  }
  if (record.attempt !== undefined) {
    const key = endedKey(record.message, record.recipient, record.attempt);
    if (!state.ended.has(key)) state.ended.set(key, state.appendTime);
  }
  const key = finalKey(record.message, record.recipient);
  const known = state.finals.has(key);
  if (!known) state.finals.set(key, state.appendTime);
  const message = state.messages.get(record.message);
  if (known || message === undefined || !message.recipients.has(record.recipient)) return [];
  if (record.attempt !== undefined) endAttempt(state, message, record.recipient, record.attempt);
  if ((record.type === 'RecipientBounced' || record.type === 'RecipientExpired') && record.report !== undefined) {
    state.expectedReports.add(record.report);
  }
  const after = state.messages.get(record.message)!;
  const recipients = new Map(after.recipients);
  recipients.delete(record.recipient);
  const attempts = after.attempts;
  if (recipients.size === 0 && state.creation?.message !== message.id) state.messages.delete(message.id);
  else replace(state, after, { recipients, attempts });
  return [
    {
      kind: 'closed',
      message: message.id,
      recipient: record.recipient,
      outcome: record,
      last: recipients.size === 0 ? after : undefined,
    },
  ];
}

/** The message, if a decision on it counts here. */
function decidable(
  state: PartitionState,
  logged: LoggedRecord,
  id: MessageId,
  decision: Decision,
): OpenMessage | undefined {
  if (!underClaim(state, logged, decision)) return undefined;
  const message = state.messages.get(id);
  return message !== undefined && isLater(decision, message.lastDecision) ? message : undefined;
}

function underClaim(state: PartitionState, logged: LoggedRecord, decision: Decision): boolean {
  const { claim } = state;
  return claim !== undefined && claim.term === decision.term && logged.appendTime - claim.appendTime <= VALIDITY_MS;
}

function newestAttempt(message: OpenMessage, recipient: number): Decision | undefined {
  let newest: Decision | undefined;
  for (const attempt of message.attempts) {
    if (attempt.recipients.has(recipient) && isLater(attempt.attempt, newest)) newest = attempt.attempt;
  }
  return newest;
}

function endAttempt(state: PartitionState, message: OpenMessage, recipient: number, ended: Decision): void {
  const attempts: OpenAttempt[] = [];
  for (const attempt of message.attempts) {
    if (!sameDecision(attempt.attempt, ended)) {
      attempts.push(attempt);
      continue;
    }
    const left = new Set(attempt.recipients);
    left.delete(recipient);
    if (left.size > 0) attempts.push({ ...attempt, recipients: left });
  }
  replace(state, message, { attempts });
}

/** Setting a key that is there keeps its place, so the order by full state stands. */
function replace(state: PartitionState, message: OpenMessage, change: Partial<OpenMessage>): void {
  state.messages.set(message.id, { ...message, ...change });
}

function forget(state: PartitionState): void {
  const horizon = state.appendTime - MEMORY_MS;
  for (const memory of [state.finals, state.ended, state.accepted] as Map<string, number>[]) {
    for (const [key, at] of memory) {
      if (at >= horizon) break;
      memory.delete(key);
    }
  }
}

function finalKey(message: MessageId, recipient: number): string {
  return `${message}/${recipient}`;
}

function endedKey(message: MessageId, recipient: number, attempt: Decision): string {
  return `${message}/${recipient}/${attempt.term}.${attempt.sequence}`;
}
