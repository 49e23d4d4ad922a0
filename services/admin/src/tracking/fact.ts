/**
 * A record of the queue log as the tracker's fold needs it: what decides, as numbers, and the record's own octets, which
 * become the history of its message. The tracker sees every record of every partition, so this is made cheap: it is
 * decoded again only where the numbers do not say all.
 */
import { decodeRecord } from '@mailyard/contracts';
import type { Decision, LoggedRecord, MessageAccepted, MessageId, QueueRecord } from '@mailyard/queue';
import { termOf } from './search-term.ts';

/** In the order of the numbers that stand for them in a {@link FactBatch}. */
export const KINDS = [
  'Undecodable',
  'PartitionClaimed',
  'MessageAccepted',
  'RecipientQueued',
  'AttemptIntended',
  'RecipientDelivered',
  'RecipientDeferred',
  'RecipientBounced',
  'RecipientExpired',
  'RecipientDropped',
  'RecipientRemoved',
  'MessageRestated',
] as const satisfies readonly LoggedRecord['record']['type'][];

export type FactKind = (typeof KINDS)[number];

export interface Fact {
  readonly kind: FactKind;
  readonly offset: number;
  readonly appendTime: number;
  /** Empty for claims and what could not be read. */
  readonly message: MessageId | '';
  /** By the clock of who wrote it; 0 where the record has none. */
  readonly at: number;
  /** RID of an outcome or a recipient; for an intent the first one, for an acceptance how many follow. */
  readonly recipient: number;
  readonly attempt: Decision | undefined;
  readonly decision: Decision | undefined;
  /** When a deferred recipient is due. */
  readonly dueAt: number;
  readonly outcomeUnknown: boolean;
  /** What its message can be found by, as {@link termOf} makes them. */
  readonly terms: readonly number[];
  /** Whether the acceptance has more terms, {@link expandedTerms}. */
  readonly isExpanded: boolean;
  /** Whether {@link recordOf} must be asked: several recipients, a report, a restatement, a claim. */
  readonly isIntricate: boolean;
  /** The record as the log has it, without bodies. */
  readonly octets: Uint8Array;
}

/** The record behind a fact, decoded anew. @throws Error when the octets hold none, which no writer of ours makes */
export function recordOf(fact: Fact): QueueRecord {
  const record = decodeRecord(fact.octets);
  if (record.type === 'Undecodable') throw new Error(`history of ${fact.message}: ${record.reason}`);
  return record;
}

const NO_TERMS: readonly number[] = [];
const NO_OCTETS = new Uint8Array(0);

/** Makes the fact of a record. @param octets what {@link withoutBodies} leaves of it, encoded */
export function factOf({ offset, appendTime, record }: LoggedRecord, octets: Uint8Array): Fact {
  const base = { ...EMPTY, kind: record.type, offset, appendTime, octets };
  switch (record.type) {
    case 'Undecodable':
      return base;
    case 'PartitionClaimed':
      return { ...base, at: record.at, isIntricate: true };
    case 'MessageAccepted':
      return {
        ...base,
        message: record.message,
        at: record.at,
        recipient: record.recipientCount,
        terms: termsOfAccepted(record),
        isExpanded: record.expansions !== undefined,
        isIntricate: record.reportOf !== undefined,
      };
    case 'RecipientQueued':
      return {
        ...base,
        message: record.message,
        recipient: record.recipient,
        terms: [termOf('recipient', record.forwardPath)],
      };
    case 'AttemptIntended':
      return {
        ...base,
        message: record.message,
        at: record.at,
        recipient: record.recipients[0] ?? 0,
        decision: record.attempt,
        isIntricate: record.recipients.length !== 1,
      };
    case 'MessageRestated':
      return { ...base, message: record.message, decision: record.decision, isIntricate: true };
    case 'RecipientDelivered':
    case 'RecipientDeferred':
    case 'RecipientBounced':
    case 'RecipientExpired':
    case 'RecipientDropped':
    case 'RecipientRemoved':
      return {
        ...base,
        message: record.message,
        at: record.at,
        recipient: record.recipient,
        attempt: record.attempt,
        decision: 'decision' in record ? record.decision : undefined,
        dueAt: record.type === 'RecipientDeferred' ? record.dueAt : 0,
        outcomeUnknown: record.type === 'RecipientDeferred' && record.outcomeUnknown,
        isIntricate: 'report' in record && record.report !== undefined,
      };
  }
}

const EMPTY = {
  message: '',
  at: 0,
  recipient: 0,
  attempt: undefined,
  decision: undefined,
  dueAt: 0,
  outcomeUnknown: false,
  terms: NO_TERMS,
  isExpanded: false,
  isIntricate: false,
} as const;

/** The terms of an acceptance, as they stand in one or behind a restatement. */
export function termsOfAccepted(accepted: {
  readonly reversePath: string | null;
  readonly headerMessageId?: string;
}): number[] {
  const terms = [termOf('sender', accepted.reversePath ?? '')];
  if (accepted.headerMessageId !== undefined) terms.push(termOf('headerMessageId', accepted.headerMessageId));
  return terms;
}

/** The terms of recipients as they came, who became others on receipt (R136). */
export function expandedTerms({ expansions = [] }: Pick<MessageAccepted, 'expansions'>): number[] {
  return expansions.map(({ received }) => termOf('recipient', received));
}

/** Bodies, and header sections that policies wrote, are not for the history. */
export function withoutBodies(record: QueueRecord): QueueRecord {
  if (record.type === 'MessageAccepted') return stripped(record);
  return record.type === 'MessageRestated' ? { ...record, accepted: stripped(record.accepted) } : record;
}

function stripped<R extends Extract<QueueRecord, { type: 'MessageAccepted' }>>(accepted: R): R {
  return {
    ...accepted,
    bodies: accepted.bodies.map((body) =>
      body.kind === 'stored' ? body : { kind: 'stored', key: '', sizeOctets: body.octets.length, crc32: 0 },
    ),
    copies: accepted.copies.map((copy) => (copy.prefix.length === 0 ? copy : { ...copy, prefix: NO_OCTETS })),
  };
}
