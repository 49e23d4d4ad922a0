/** `MessageRestated`, between core and wire. */
import type {
  Incarnation,
  MessageAccepted,
  MessageId,
  MessageRestated,
  RestatedAttempt,
  RestatedRecipient,
} from '@mailyard/queue';
import { readAccepted, readQueued, writeAccepted, writeQueued } from './acceptance-codec.ts';
import { readDecision, writeDecision } from './outcome-codec.ts';
import { malformed, type Mutable } from './wire-draft.ts';
import type { WireReader } from './wire-reader.ts';
import type { WireWriter } from './wire-writer.ts';

export function writeRestated(w: WireWriter, record: MessageRestated): void {
  w.text(1, record.message);
  writeDecision(w, 2, record.decision);
  const start = w.begin(3, 128);
  writeAccepted(w, record.accepted);
  w.end(start, 128);
  for (const recipient of record.recipients) writeRestatedRecipient(w, recipient);
  for (const { attempt, incarnation, recipients, host, unknownFields } of record.attempts) {
    const begun = w.begin(5);
    writeDecision(w, 1, attempt);
    w.text(2, incarnation);
    w.uints(3, recipients);
    w.text(4, host);
    w.raw(unknownFields);
    w.end(begun);
  }
  w.raw(record.unknownFields);
}

export function readRestated(r: WireReader): MessageRestated {
  let message = '' as MessageId;
  let decision: MessageRestated['decision'] | undefined;
  let accepted: MessageAccepted | undefined;
  let unknownFields: Uint8Array | undefined;
  const recipients: RestatedRecipient[] = [];
  const attempts: RestatedAttempt[] = [];
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    switch (tag) {
      case 10:
        message = r.text() as MessageId;
        break;
      case 18:
        decision = readDecision(r);
        break;
      case 26: {
        const outer = r.enter();
        accepted = readAccepted(r);
        r.leave(outer);
        break;
      }
      case 34:
        recipients.push(readRestatedRecipient(r));
        break;
      case 42:
        attempts.push(readRestatedAttempt(r));
        break;
      default:
        unknownFields = r.unknown(tag, unknownFields);
    }
  }
  if (message === '' || decision === undefined || accepted === undefined)
    throw malformed('a restatement without message, decision or acceptance');
  return {
    type: 'MessageRestated',
    message,
    decision,
    accepted,
    recipients,
    attempts,
    ...(unknownFields === undefined ? {} : { unknownFields }),
  };
}

function writeRestatedRecipient(w: WireWriter, recipient: RestatedRecipient): void {
  const start = w.begin(4);
  const queued = w.begin(1);
  writeQueued(w, recipient);
  w.raw(recipient.queuedFields);
  w.end(queued);
  w.uint(2, recipient.retries);
  w.uint(3, recipient.dueAt);
  w.bool(4, recipient.outcomeUnknown);
  w.presentText(5, recipient.lastHost);
  w.uint(6, recipient.lastRouteVersion);
  w.uint(7, recipient.warnings ?? 0);
  w.uint(8, recipient.warnedAt ?? 0);
  w.raw(recipient.unknownFields);
  w.end(start);
}

function readRestatedRecipient(r: WireReader): RestatedRecipient {
  const outer = r.enter();
  let recipient: Mutable<RestatedRecipient> | undefined;
  const rest = { retries: 0, dueAt: 0, outcomeUnknown: false, lastRouteVersion: 0 };
  const warned: Mutable<Pick<RestatedRecipient, 'warnings' | 'warnedAt'>> = {};
  let lastHost: string | undefined;
  let unknownFields: Uint8Array | undefined;
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    switch (tag) {
      case 10: {
        const inner = r.enter();
        const { type: _type, message: _message, unknownFields: queuedFields, ...queued } = readQueued(r);
        r.leave(inner);
        recipient = { ...queued, ...rest };
        if (queuedFields !== undefined) recipient.queuedFields = queuedFields;
        break;
      }
      case 16:
        rest.retries = r.uint32();
        break;
      case 24:
        rest.dueAt = r.uint();
        break;
      case 32:
        rest.outcomeUnknown = r.bool();
        break;
      case 42:
        lastHost = r.text();
        break;
      case 48:
        rest.lastRouteVersion = r.uint();
        break;
      case 56:
        warned.warnings = r.uint32();
        break;
      case 64:
        warned.warnedAt = r.uint();
        break;
      default:
        unknownFields = r.unknown(tag, unknownFields);
    }
  }
  r.leave(outer);
  if (recipient === undefined) throw malformed('a restated recipient without its record');
  Object.assign(recipient, rest, warned);
  if (lastHost !== undefined) recipient.lastHost = lastHost;
  if (unknownFields !== undefined) recipient.unknownFields = unknownFields;
  return recipient;
}

function readRestatedAttempt(r: WireReader): RestatedAttempt {
  const outer = r.enter();
  const recipients: number[] = [];
  const draft: Mutable<Omit<RestatedAttempt, 'attempt'>> & Partial<Mutable<Pick<RestatedAttempt, 'attempt'>>> = {
    incarnation: '' as Incarnation,
    recipients,
    host: '',
  };
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === 10) draft.attempt = readDecision(r);
    else if (tag === 18) draft.incarnation = r.text() as Incarnation;
    else if (tag === 24) recipients.push(r.uint32());
    else if (tag === 26) r.uints(recipients);
    else if (tag === 34) draft.host = r.text();
    else draft.unknownFields = r.unknown(tag, draft.unknownFields);
  }
  r.leave(outer);
  if (draft.attempt === undefined) throw malformed('a restated attempt without its name');
  return draft as RestatedAttempt;
}
