/**
 * The records of the queue log between core and wire (proto/mailyard/queue/v1/records.proto).
 *
 * Written by hand, against the generated code as its reference: see {@link WireWriter}.
 */
import type {
  AttemptIntended,
  Incarnation,
  MessageId,
  PartitionClaimed,
  QueueRecord,
  Undecodable,
} from '@mailyard/queue';
import { leastOctets, readAccepted, readQueued, writeAccepted, writeQueued } from './acceptance-codec.ts';
import { readDecision, readOutcome, writeDecision, writeOutcome } from './outcome-codec.ts';
import { readRestated, writeRestated } from './restatement-codec.ts';
import { malformed, type Mutable } from './wire-draft.ts';
import { WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

/** The newest schema that this version reads; `QueueRecord.schema` of the proto file tells when it is raised. */
const RECORD_SCHEMA = 0;

/** 12 is taken: on disk it holds several records. */
const FIELDS = {
  MessageAccepted: 1,
  RecipientQueued: 2,
  AttemptIntended: 3,
  RecipientDelivered: 4,
  RecipientDeferred: 5,
  RecipientBounced: 6,
  RecipientExpired: 7,
  RecipientDropped: 8,
  RecipientRemoved: 9,
  MessageRestated: 10,
  PartitionClaimed: 11,
} as const satisfies Record<QueueRecord['type'], number>;

const TYPES = Object.keys(FIELDS) as (keyof typeof FIELDS)[];

const scratch = new WireWriter(65_536);

/** Encodes one record into a buffer of its own. @throws RangeError when a number is no unsigned one of 53 bits */
export function encodeRecord(record: QueueRecord): Uint8Array {
  scratch.position = 0;
  writeRecord(scratch, record);
  return Buffer.from(scratch.octets.subarray(0, scratch.position));
}

/** How many octets {@link encodeRecord} would return. */
export function encodedOctets(record: QueueRecord): number {
  scratch.position = 0;
  writeRecord(scratch, record);
  return scratch.position;
}

/** Writes one record where the writer stands, for drivers that put several into one buffer. */
export function writeRecord(w: WireWriter, record: QueueRecord): void {
  const least = record.type === 'MessageAccepted' ? leastOctets(record) : 128;
  const start = w.begin(FIELDS[record.type], least);
  switch (record.type) {
    case 'MessageAccepted':
      writeAccepted(w, record);
      break;
    case 'RecipientQueued':
      w.text(1, record.message);
      writeQueued(w, record);
      w.raw(record.unknownFields);
      break;
    case 'AttemptIntended':
      writeIntended(w, record);
      break;
    case 'MessageRestated':
      writeRestated(w, record);
      break;
    case 'PartitionClaimed':
      writeClaimed(w, record);
      break;
    default:
      writeOutcome(w, record);
  }
  w.end(start, least);
}

/**
 * Decodes one record. Octets of bodies are parts of the buffer given, not copies.
 *
 * @returns an `Undecodable` when it is damaged, of a kind or schema that this version does not know, or lacks what
 * makes it a record; never throws
 */
export function decodeRecord(octets: Uint8Array): QueueRecord | Undecodable {
  try {
    return read(new WireReader(octets));
  } catch (error) {
    return { type: 'Undecodable', reason: error instanceof Error ? error.message : String(error) };
  }
}

function read(r: WireReader): QueueRecord {
  let record: QueueRecord | undefined;
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === 120) {
      const schema = r.uint();
      if (schema > RECORD_SCHEMA) throw malformed(`schema ${schema} is newer than ${RECORD_SCHEMA}`);
      continue;
    }
    const type = (tag & 7) === 2 ? TYPES[(tag >>> 3) - 1] : undefined;
    if (type === undefined) throw malformed(`unknown kind of record (field ${tag >>> 3})`);
    const outer = r.enter();
    record = readKind(r, type);
    r.leave(outer);
  }
  if (record === undefined) throw malformed('an empty record');
  return record;
}

function readKind(r: WireReader, type: QueueRecord['type']): QueueRecord {
  switch (type) {
    case 'MessageAccepted':
      return readAccepted(r);
    case 'RecipientQueued': {
      const record = readQueued(r);
      if (record.message === '') throw malformed('a recipient without message id');
      return record;
    }
    case 'AttemptIntended':
      return readIntended(r);
    case 'MessageRestated':
      return readRestated(r);
    case 'PartitionClaimed':
      return readClaimed(r);
    default:
      return readOutcome(r, type);
  }
}

function writeIntended(w: WireWriter, record: AttemptIntended): void {
  w.text(1, record.message);
  w.uints(2, record.recipients);
  writeDecision(w, 3, record.attempt);
  w.text(4, record.incarnation);
  w.text(5, record.host);
  w.text(6, record.route);
  w.uint(7, record.routeVersion);
  w.uint(8, record.at);
  w.raw(record.unknownFields);
}

function readIntended(r: WireReader): AttemptIntended {
  const recipients: number[] = [];
  const record: Mutable<Omit<AttemptIntended, 'attempt'>> & Partial<Mutable<Pick<AttemptIntended, 'attempt'>>> = {
    type: 'AttemptIntended',
    message: '' as MessageId,
    recipients,
    incarnation: '' as Incarnation,
    host: '',
    route: '',
    routeVersion: 0,
    at: 0,
  };
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    switch (tag) {
      case 10:
        record.message = r.text() as MessageId;
        break;
      case 16:
        recipients.push(r.uint32());
        break;
      case 18:
        r.uints(recipients);
        break;
      case 26:
        record.attempt = readDecision(r);
        break;
      case 34:
        record.incarnation = r.text() as Incarnation;
        break;
      case 42:
        record.host = r.text();
        break;
      case 50:
        record.route = r.text();
        break;
      case 56:
        record.routeVersion = r.uint();
        break;
      case 64:
        record.at = r.uint();
        break;
      default:
        record.unknownFields = r.unknown(tag, record.unknownFields);
    }
  }
  if (record.message === '' || record.attempt === undefined) throw malformed('an intent without message or attempt');
  return record as AttemptIntended;
}

function writeClaimed(w: WireWriter, record: PartitionClaimed): void {
  w.text(1, record.worker);
  w.text(2, record.incarnation);
  w.uint(3, record.claim);
  w.uint(4, record.mark);
  w.uint(5, record.at);
  w.raw(record.unknownFields);
}

function readClaimed(r: WireReader): PartitionClaimed {
  const record: Mutable<PartitionClaimed> = {
    type: 'PartitionClaimed',
    worker: '',
    incarnation: '' as Incarnation,
    claim: 0,
    mark: 0,
    at: 0,
  };
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    switch (tag) {
      case 10:
        record.worker = r.text();
        break;
      case 18:
        record.incarnation = r.text() as Incarnation;
        break;
      case 24:
        record.claim = r.uint();
        break;
      case 32:
        record.mark = r.uint();
        break;
      case 40:
        record.at = r.uint();
        break;
      default:
        record.unknownFields = r.unknown(tag, record.unknownFields);
    }
  }
  if (record.incarnation === '') throw malformed('a claim without incarnation');
  return record;
}
