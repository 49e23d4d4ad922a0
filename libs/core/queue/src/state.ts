/**
 * What one partition's log says at one offset: the claim in force, the open messages, and what ended lately. Only
 * {@link fold} changes it; everything else reads it.
 */
import { ClosedRecipients } from './closed-recipients.ts';
import { MessageTable } from './message-table.ts';
import type { FoldedMessage } from './open-message.ts';
import { Recollection } from './recollection.ts';
import type { Decision, Incarnation, MessageAccepted, MessageId } from './records.ts';

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
