/** The outcomes of recipients, between core and wire. */
import type { EnhancedStatus, Reply } from '@mailyard/mail';
import type {
  Decision,
  Extensible,
  FinalOutcome,
  MessageId,
  Outcome,
  RecipientBounced,
  RecipientDeferred,
} from '@mailyard/queue';
import { malformed, type Mutable } from './wire-draft.ts';
import type { WireReader } from './wire-reader.ts';
import type { WireWriter } from './wire-writer.ts';

export function writeDecision(w: WireWriter, field: number, decision: Decision | undefined): void {
  if (decision === undefined) return;
  const start = w.begin(field);
  w.uint(1, decision.term);
  w.uint(2, decision.sequence);
  w.raw(decision.unknownFields);
  w.end(start);
}

export function readDecision(r: WireReader): Decision {
  const outer = r.enter();
  const decision: Mutable<Decision> = { term: 0, sequence: 0 };
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === 8) decision.term = r.uint();
    else if (tag === 16) decision.sequence = r.uint();
    else decision.unknownFields = r.unknown(tag, decision.unknownFields);
  }
  r.leave(outer);
  return decision;
}

type AnyOutcome = FinalOutcome | RecipientDeferred;

/** Writes the fields of an outcome's own message. */
export function writeOutcome(w: WireWriter, record: AnyOutcome): void {
  writeCommon(w, record);
  switch (record.type) {
    case 'RecipientDelivered':
      w.bool(2, record.possible === true);
      break;
    case 'RecipientDeferred':
      w.text(2, record.stage);
      w.uint(3, record.dueAt);
      w.bool(4, record.countsAsRetry);
      w.bool(5, record.outcomeUnknown);
      writeDecision(w, 6, record.decision);
      w.presentText(7, record.warning);
      break;
    case 'RecipientBounced':
      writeDecision(w, 2, record.decision);
      w.uint(3, CAUSES.indexOf(record.cause));
      w.text(4, record.stage);
      w.presentText(5, record.report);
      w.presentText(6, record.reason);
      w.presentText(7, record.author);
      break;
    case 'RecipientExpired':
      writeDecision(w, 2, record.decision);
      w.presentText(3, record.report);
      break;
    case 'RecipientDropped':
      writeDecision(w, 2, record.decision);
      w.text(3, record.reason);
      break;
    case 'RecipientRemoved':
      writeDecision(w, 2, record.decision);
      w.text(3, record.reason);
      w.text(4, record.author);
  }
  w.raw(record.unknownFields);
}

/**
 * Reads an outcome's own message.
 *
 * Fields that only some kinds have are gathered by kind and number, in one loop for all.
 */
export function readOutcome(r: WireReader, type: AnyOutcome['type']): AnyOutcome {
  const read = READERS[type];
  const draft: Draft = { type, message: '' as MessageId, recipient: 0, at: 0, ...BLANKS[type] };
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === 10) readCommon(r, draft);
    else if (!read(r, tag, draft)) draft.unknownFields = r.unknown(tag, draft.unknownFields);
  }
  if (draft.message === '') throw malformed('an outcome without message id');
  if (DECIDED.has(type) && draft.decision === undefined) throw malformed(`a ${type} without a decision`);
  return draft as AnyOutcome;
}

/** Any outcome while it is read: the common fields, and those of every kind. */
type Draft = Mutable<Outcome> & {
  type: AnyOutcome['type'];
  stage?: string;
  dueAt?: number;
  countsAsRetry?: boolean;
  outcomeUnknown?: boolean;
  decision?: Decision;
  cause?: RecipientBounced['cause'];
  report?: MessageId;
  warning?: MessageId;
  possible?: boolean;
  reason?: string;
  author?: string;
  commonFields?: Uint8Array;
};

const CAUSES: readonly (RecipientBounced['cause'] | undefined)[] = [undefined, 'dns', '5xx', 'filter', 'other'];

const DECIDED: ReadonlySet<string> = new Set(['RecipientBounced', 'RecipientExpired', 'RecipientRemoved']);

/** What a field says when it is not written. */
const BLANKS: Readonly<Record<AnyOutcome['type'], Partial<Draft>>> = {
  RecipientDelivered: {},
  RecipientDeferred: { stage: '', dueAt: 0, countsAsRetry: false, outcomeUnknown: false },
  RecipientBounced: { cause: 'other', stage: '' },
  RecipientExpired: {},
  RecipientDropped: { reason: '' },
  RecipientRemoved: { reason: '', author: '' },
};

/** By kind: reads the field with this tag if it is known. */
const READERS: Readonly<Record<AnyOutcome['type'], (r: WireReader, tag: number, draft: Draft) => boolean>> = {
  RecipientDelivered(r, tag, draft) {
    if (tag !== 16) return false;
    if (r.bool()) draft.possible = true;
    return true;
  },
  RecipientDeferred(r, tag, draft) {
    if (tag === 18) draft.stage = r.text();
    else if (tag === 24) draft.dueAt = r.uint();
    else if (tag === 32) draft.countsAsRetry = r.bool();
    else if (tag === 40) draft.outcomeUnknown = r.bool();
    else if (tag === 50) draft.decision = readDecision(r);
    else if (tag === 58) draft.warning = r.text() as MessageId;
    else return false;
    return true;
  },
  RecipientBounced(r, tag, draft) {
    if (tag === 18) draft.decision = readDecision(r);
    else if (tag === 24) {
      const cause = r.uint();
      draft.cause = CAUSES[cause] ?? 'other';
      if (cause >= CAUSES.length) draft.unknownFields = r.kept(draft.unknownFields);
    } else if (tag === 34) draft.stage = r.text();
    else if (tag === 42) draft.report = r.text() as MessageId;
    else if (tag === 50) draft.reason = r.text();
    else if (tag === 58) draft.author = r.text();
    else return false;
    return true;
  },
  RecipientExpired(r, tag, draft) {
    if (tag === 18) draft.decision = readDecision(r);
    else if (tag === 26) draft.report = r.text() as MessageId;
    else return false;
    return true;
  },
  RecipientDropped(r, tag, draft) {
    if (tag === 18) draft.decision = readDecision(r);
    else if (tag === 26) draft.reason = r.text();
    else return false;
    return true;
  },
  RecipientRemoved(r, tag, draft) {
    if (tag === 18) draft.decision = readDecision(r);
    else if (tag === 26) draft.reason = r.text();
    else if (tag === 34) draft.author = r.text();
    else return false;
    return true;
  },
};

function writeCommon(w: WireWriter, outcome: Outcome): void {
  const start = w.begin(1, 128);
  w.text(1, outcome.message);
  w.uint(2, outcome.recipient);
  writeDecision(w, 3, outcome.attempt);
  if (outcome.reply !== undefined) writeReply(w, outcome.reply);
  w.presentText(5, outcome.host);
  w.presentText(6, outcome.dcid);
  w.presentText(7, outcome.route);
  if (outcome.routeVersion !== undefined) w.presentUint(8, outcome.routeVersion);
  w.uint(9, outcome.at);
  w.raw(outcome.commonFields);
  w.end(start, 128);
}

function readCommon(r: WireReader, draft: Draft): void {
  const outer = r.enter();
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    switch (tag) {
      case 10:
        draft.message = r.text() as MessageId;
        break;
      case 16:
        draft.recipient = r.uint32();
        break;
      case 26:
        draft.attempt = readDecision(r);
        break;
      case 34:
        draft.reply = readReply(r);
        break;
      case 42:
        draft.host = r.text();
        break;
      case 50:
        draft.dcid = r.text();
        break;
      case 58:
        draft.route = r.text();
        break;
      case 64:
        draft.routeVersion = r.uint();
        break;
      case 72:
        draft.at = r.uint();
        break;
      default:
        draft.commonFields = r.unknown(tag, draft.commonFields);
    }
  }
  r.leave(outer);
}

function writeReply(w: WireWriter, reply: Reply & Extensible): void {
  const start = w.begin(4);
  w.uint(1, reply.code);
  w.presentText(2, reply.enhancedStatus);
  w.text(3, reply.text);
  w.raw(reply.unknownFields);
  w.end(start);
}

function readReply(r: WireReader): Reply & Extensible {
  const outer = r.enter();
  const reply: Mutable<Reply & Extensible> = { code: 0, text: '' };
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === 8) reply.code = r.uint32();
    else if (tag === 18) reply.enhancedStatus = r.text() as EnhancedStatus;
    else if (tag === 26) reply.text = r.text();
    else reply.unknownFields = r.unknown(tag, reply.unknownFields);
  }
  r.leave(outer);
  return reply;
}
