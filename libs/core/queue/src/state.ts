/**
 * What one partition's log says at one offset: the claim in force, the open messages, and what ended lately. Only
 * {@link fold} changes it; everything else reads it.
 */
import { ClosedRecipients } from './closed-recipients.ts';
import { MessageTable } from './message-table.ts';
import { Recollection } from './recollection.ts';
import type {
  BodyReference,
  Decision,
  Incarnation,
  MessageAccepted,
  MessageId,
  RecipientQueued,
  RestatedRecipient,
} from './records.ts';

/** A body in the body store. */
export type StoredReference = Extract<BodyReference, { kind: 'stored' }>;

/** A body whose octets may stand in the log, at the acceptance's offset. */
export type OpenBody =
  | StoredReference
  | { readonly kind: 'logged'; readonly offset: number; readonly sizeOctets: number };

/** An acceptance without octets of bodies. */
export type OpenEnvelope = Omit<MessageAccepted, 'type' | 'bodies' | 'message'> & {
  readonly bodies: readonly OpenBody[];
};

/** A recipient without a final outcome. */
export type OpenRecipient = RestatedRecipient;

/** An attempt that has no outcome yet for these recipients. */
export interface OpenAttempt {
  readonly attempt: Decision;
  readonly incarnation: Incarnation;
  readonly recipients: ReadonlySet<number>;
  readonly host: string;
}

/** An open message. Valid until the next record is folded: keep its id, not the object. */
export interface OpenMessage {
  readonly id: MessageId;
  readonly envelope: OpenEnvelope;
  /** Recipients without a final outcome, by RID. */
  readonly recipients: ReadonlyMap<number, OpenRecipient>;
  readonly attempts: readonly OpenAttempt[];
  readonly lastDecision: Decision | undefined;
  /** Offset of its last full state: the first copy of its acceptance, or a counted restatement (I6). */
  readonly fullStateOffset: number;
  /** Octets of log read up to that record. */
  readonly fullStatePosition: number;
  /** Octets that the full state takes in the log. */
  readonly fullStateOctets: number;
}

/** The same for the fold, which alone may change it. */
export interface FoldedMessage extends OpenMessage {
  readonly recipients: Map<number, OpenRecipient>;
  attempts: FoldedAttempt[];
  lastDecision: Decision | undefined;
  fullStateOctets: number;
}

export interface FoldedAttempt extends OpenAttempt {
  readonly recipients: Set<number>;
}

export interface Claim {
  readonly term: number;
  readonly incarnation: Incarnation;
  readonly claim: number;
  readonly mark: number;
  readonly appendTime: number;
}

/** An acceptance whose recipients are being read. */
export interface Creation {
  readonly message: FoldedMessage;
  readonly accepted: MessageAccepted;
  /** Whether a recipient was opened, and so the message reported. */
  opened: boolean;
  nextOffset: number;
  left: number;
}

export interface PartitionState {
  nextOffset: number;
  /** The latest append time read; append times that run backwards do not shorten a memory. */
  appendTime: number;
  /** Octets of log read since the state began; `traffic` leaves out claims and restatements. */
  position: number;
  traffic: number;
  claim: Claim | undefined;
  readonly messages: MessageTable;
  /** Messages with an attempt that has no outcome yet. */
  readonly attempted: Set<MessageId>;
  creation: Creation | undefined;
  /** Final outcomes of the last ten minutes. */
  readonly finals: ClosedRecipients;
  /** Attempts that ended in the last ten minutes without a final outcome, by (message, recipient, attempt). */
  readonly ended: Recollection;
  /** Last decisions of the last ten minutes on messages that are not open here, so that late ones are known as such. */
  readonly elsewhere: Map<MessageId, { readonly decision: Decision; readonly at: number }>;
  /** Reports whose outcome took effect and whose acceptance has not been read yet (I9), with its append time. */
  readonly expectedReports: Map<MessageId, number>;
  /** Offsets of records that could not be read, rising. */
  undecodable: number[];
}

/** @param hotRecipients about how many recipients are kept as objects rather than packed */
export function emptyPartition(nextOffset = 0, hotRecipients?: number): PartitionState {
  return {
    nextOffset,
    appendTime: 0,
    position: 0,
    traffic: 0,
    claim: undefined,
    messages: new MessageTable(hotRecipients),
    attempted: new Set(),
    creation: undefined,
    finals: new ClosedRecipients(),
    ended: new Recollection(),
    elsewhere: new Map(),
    expectedReports: new Map(),
    undecodable: [],
  };
}

export function sameDecision(a: Decision, b: Decision): boolean {
  return a.term === b.term && a.sequence === b.sequence;
}

/** A recipient as the acceptance's batch describes it: never tried, due at once. */
export function freshRecipient(queued: RecipientQueued): OpenRecipient {
  const { recipient, copy, forwardPath, notify, orcpt, unknownFields } = queued;
  const fresh = { recipient, copy, forwardPath, retries: 0, dueAt: 0, outcomeUnknown: false, lastRouteVersion: 0 };
  if (notify === undefined && orcpt === undefined && unknownFields === undefined) return fresh;
  return {
    ...fresh,
    ...(notify === undefined ? {} : { notify }),
    ...(orcpt === undefined ? {} : { orcpt }),
    ...(unknownFields === undefined ? {} : { queuedFields: unknownFields }),
  };
}
