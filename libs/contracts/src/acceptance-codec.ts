/** What an acceptance's batch holds, between core and wire: `MessageAccepted` and its parts, `RecipientQueued`. */
import type { Address } from '@mailyard/mail';
import type {
  BodyReference,
  Copy,
  Injection,
  MessageAccepted,
  MessageId,
  RecipientExpansion,
  RecipientQueued,
} from '@mailyard/queue';
import { malformed, type Mutable } from './wire-draft.ts';
import type { WireReader } from './wire-reader.ts';
import type { WireWriter } from './wire-writer.ts';

export function writeAccepted(w: WireWriter, record: MessageAccepted): void {
  w.text(1, record.message);
  w.uint(2, record.at);
  writeInjection(w, record.injection);
  if (record.reversePath !== null) w.presentText(4, record.reversePath);
  w.bool(5, record.eightBit);
  w.bool(6, record.smtpUtf8);
  if (record.ret !== undefined) w.uint(7, record.ret === 'FULL' ? 1 : 2);
  w.presentText(8, record.envid);
  w.presentText(9, record.headerMessageId);
  for (const copy of record.copies) writeCopy(w, copy);
  for (const body of record.bodies) writeBody(w, body);
  w.uint(12, record.recipientCount);
  writeReportOf(w, 13, record.reportOf);
  w.presentText(14, record.traceparent);
  writeReportOf(w, 15, record.warningOf);
  w.presentText(16, record.gateway);
  for (const expansion of record.expansions ?? []) writeExpansion(w, expansion);
  w.raw(record.unknownFields);
}

/** A number that an acceptance's record takes at least, so that its length needs no second place. */
export function leastOctets(record: MessageAccepted): number {
  let octets = 0;
  for (const body of record.bodies) if (body.kind === 'inline') octets += body.octets.length;
  for (const copy of record.copies) octets += copy.prefix.length;
  return octets;
}

export function readAccepted(r: WireReader): MessageAccepted {
  const record: Mutable<MessageAccepted> = {
    type: 'MessageAccepted',
    message: '' as MessageId,
    at: 0,
    injection: NO_INJECTION,
    reversePath: null,
    eightBit: false,
    smtpUtf8: false,
    copies: [],
    bodies: [],
    recipientCount: 0,
  };
  const copies: Copy[] = [];
  const bodies: BodyReference[] = [];
  const expansions: RecipientExpansion[] = [];
  record.copies = copies;
  record.bodies = bodies;
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    switch (tag) {
      case 10:
        record.message = r.text() as MessageId;
        break;
      case 16:
        record.at = r.uint();
        break;
      case 26:
        record.injection = readInjection(r);
        break;
      case 34:
        record.reversePath = r.text() as Address;
        break;
      case 40:
        record.eightBit = r.bool();
        break;
      case 48:
        record.smtpUtf8 = r.bool();
        break;
      case 56: {
        const ret = r.uint();
        if (ret === 1) record.ret = 'FULL';
        else if (ret === 2) record.ret = 'HDRS';
        else if (ret !== 0) record.unknownFields = r.kept(record.unknownFields);
        break;
      }
      case 66:
        record.envid = r.text();
        break;
      case 74:
        record.headerMessageId = r.text();
        break;
      case 82:
        copies.push(readCopy(r));
        break;
      case 90:
        bodies.push(readBody(r));
        break;
      case 96:
        record.recipientCount = r.uint32();
        break;
      case 106:
        record.reportOf = readReportOf(r);
        break;
      case 114:
        record.traceparent = r.text();
        break;
      case 122:
        record.warningOf = readReportOf(r);
        break;
      case 130:
        record.gateway = r.text();
        break;
      case 162:
        expansions.push(readExpansion(r));
        break;
      default:
        record.unknownFields = r.unknown(tag, record.unknownFields);
    }
  }
  if (record.message === '') throw malformed('an acceptance without message id');
  if (expansions.length > 0) record.expansions = expansions;
  if (record.injection === NO_INJECTION) record.injection = { ...NO_INJECTION };
  for (const copy of copies) if (copy.body >= bodies.length) throw malformed('a copy without its body');
  return record;
}

export function writeQueued(w: WireWriter, record: Omit<RecipientQueued, 'type' | 'message'>): void {
  w.uint(2, record.recipient);
  w.uint(3, record.copy);
  w.text(4, record.forwardPath);
  w.presentText(5, record.notify);
  w.presentText(6, record.orcpt);
}

export function readQueued(r: WireReader): RecipientQueued {
  const record: Mutable<RecipientQueued> = {
    type: 'RecipientQueued',
    message: '' as MessageId,
    recipient: 0,
    copy: 0,
    forwardPath: '' as Address,
  };
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    switch (tag) {
      case 10:
        record.message = r.text() as MessageId;
        break;
      case 16:
        record.recipient = r.uint32();
        break;
      case 24:
        record.copy = r.uint32();
        break;
      case 34:
        record.forwardPath = r.text() as Address;
        break;
      case 42:
        record.notify = r.text();
        break;
      case 50:
        record.orcpt = r.text();
        break;
      default:
        record.unknownFields = r.unknown(tag, record.unknownFields);
    }
  }
  if (record.forwardPath === '') throw malformed('a recipient without forward-path');
  return record;
}

const NO_INJECTION: Injection = { icid: '', listener: '', clientAddress: '', helo: '' };

function writeInjection(w: WireWriter, injection: Injection): void {
  const start = w.begin(3);
  w.text(1, injection.icid);
  w.text(2, injection.listener);
  w.text(3, injection.clientAddress);
  w.text(4, injection.helo);
  if (injection.senderGroup !== undefined) w.text(5, injection.senderGroup);
  if (injection.flowPolicy !== undefined) w.text(6, injection.flowPolicy);
  if (injection.relayed !== undefined) w.bool(7, injection.relayed);
  if (injection.user !== undefined) w.text(8, injection.user);
  w.raw(injection.unknownFields);
  w.end(start);
}

function readInjection(r: WireReader): Injection {
  const outer = r.enter();
  const injection: Mutable<Injection> = { icid: '', listener: '', clientAddress: '', helo: '' };
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    switch (tag) {
      case 10:
        injection.icid = r.text();
        break;
      case 18:
        injection.listener = r.text();
        break;
      case 26:
        injection.clientAddress = r.text();
        break;
      case 34:
        injection.helo = r.text();
        break;
      case 42:
        injection.senderGroup = r.text();
        break;
      case 50:
        injection.flowPolicy = r.text();
        break;
      case 56:
        injection.relayed = r.bool();
        break;
      case 66:
        injection.user = r.text();
        break;
      default:
        injection.unknownFields = r.unknown(tag, injection.unknownFields);
    }
  }
  r.leave(outer);
  return injection;
}

function writeCopy(w: WireWriter, copy: Copy): void {
  const start = w.begin(10, copy.prefix.length);
  w.text(1, copy.policy);
  w.sint(2, copy.priority);
  w.uint(3, copy.body);
  w.bytes(4, copy.prefix);
  w.uint(5, copy.skipOctets);
  w.uint(6, copy.sizeOctets);
  w.uint(7, copy.expiresAt);
  w.raw(copy.unknownFields);
  w.end(start, copy.prefix.length);
}

const NO_OCTETS = new Uint8Array();

function readCopy(r: WireReader): Copy {
  const outer = r.enter();
  const copy: Mutable<Copy> = {
    policy: '',
    priority: 0,
    body: 0,
    prefix: NO_OCTETS,
    skipOctets: 0,
    sizeOctets: 0,
    expiresAt: 0,
  };
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    switch (tag) {
      case 10:
        copy.policy = r.text();
        break;
      case 16:
        copy.priority = r.sint();
        break;
      case 24:
        copy.body = r.uint32();
        break;
      case 34:
        // A copy: an open message keeps it, and must not hold on to the buffer of a whole fetch.
        copy.prefix = new Uint8Array(r.bytes());
        break;
      case 40:
        copy.skipOctets = r.uint();
        break;
      case 48:
        copy.sizeOctets = r.uint();
        break;
      case 56:
        copy.expiresAt = r.uint();
        break;
      default:
        copy.unknownFields = r.unknown(tag, copy.unknownFields);
    }
  }
  r.leave(outer);
  return copy;
}

function writeBody(w: WireWriter, body: BodyReference): void {
  if (body.kind === 'inline') {
    const { length } = body.octets;
    const start = w.begin(11, length);
    w.presentBytes(1, body.octets);
    w.end(start, length);
    return;
  }
  const start = w.begin(11);
  const stored = w.begin(2);
  w.text(1, body.key);
  w.uint(2, body.sizeOctets);
  w.fixed32(3, body.crc32);
  w.raw(body.unknownFields);
  w.end(stored);
  w.end(start);
}

function readBody(r: WireReader): BodyReference {
  const outer = r.enter();
  let body: BodyReference | undefined;
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === 10) body = { kind: 'inline', octets: r.bytes() };
    else if (tag === 18) body = readStored(r);
    // A place that a later version invented: the octets cannot be found without it.
    else throw malformed(`a body in an unknown place (field ${tag >>> 3})`);
  }
  r.leave(outer);
  if (body === undefined) throw malformed('a body without a place');
  return body;
}

function readStored(r: WireReader): BodyReference {
  const outer = r.enter();
  const stored: Mutable<Extract<BodyReference, { kind: 'stored' }>> = {
    kind: 'stored',
    key: '',
    sizeOctets: 0,
    crc32: 0,
  };
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    switch (tag) {
      case 10:
        stored.key = r.text();
        break;
      case 16:
        stored.sizeOctets = r.uint();
        break;
      case 29:
        stored.crc32 = r.fixed32();
        break;
      default:
        stored.unknownFields = r.unknown(tag, stored.unknownFields);
    }
  }
  r.leave(outer);
  return stored;
}

function writeExpansion(w: WireWriter, expansion: RecipientExpansion): void {
  const start = w.begin(20);
  w.text(1, expansion.received);
  w.presentText(2, expansion.mapped);
  w.presentText(3, expansion.alias);
  w.uint(4, expansion.version);
  w.uints(5, expansion.recipients);
  w.raw(expansion.unknownFields);
  w.end(start);
}

function readExpansion(r: WireReader): RecipientExpansion {
  const outer = r.enter();
  const expansion: Mutable<RecipientExpansion> = { received: '' as Address, version: 0, recipients: [] };
  const recipients: number[] = [];
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    switch (tag) {
      case 10:
        expansion.received = r.text() as Address;
        break;
      case 18:
        expansion.mapped = r.text();
        break;
      case 26:
        expansion.alias = r.text();
        break;
      case 32:
        expansion.version = r.uint();
        break;
      case 40:
        recipients.push(r.uint32());
        break;
      case 42:
        r.uints(recipients);
        break;
      default:
        expansion.unknownFields = r.unknown(tag, expansion.unknownFields);
    }
  }
  r.leave(outer);
  return { ...expansion, recipients };
}

function writeReportOf(w: WireWriter, field: number, reportOf: MessageAccepted['reportOf']): void {
  if (reportOf === undefined) return;
  const start = w.begin(field);
  w.text(1, reportOf.message);
  w.uint(2, reportOf.recipient);
  w.raw(reportOf.unknownFields);
  w.end(start);
}

function readReportOf(r: WireReader): NonNullable<MessageAccepted['reportOf']> {
  const outer = r.enter();
  const reportOf: Mutable<NonNullable<MessageAccepted['reportOf']>> = { message: '' as MessageId, recipient: 0 };
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    switch (tag) {
      case 10:
        reportOf.message = r.text() as MessageId;
        break;
      case 16:
        reportOf.recipient = r.uint32();
        break;
      default:
        reportOf.unknownFields = r.unknown(tag, reportOf.unknownFields);
    }
  }
  r.leave(outer);
  return reportOf;
}
