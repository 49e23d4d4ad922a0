/**
 * What one partition's log says at one offset: the claim in force, the open messages, and what ended lately. Only
 * {@link fold} changes it; everything else reads it.
 */
import type {
  BodyReference,
  Decision,
  Incarnation,
  MessageAccepted,
  MessageId,
  RecipientQueued,
  RestatedRecipient,
} from './records.ts';

/** Outcomes and ended attempts are remembered for ten minutes of append time (I3). */
export const MEMORY_MS = 600_000;
/** An acceptance or a claim carries this far in append time, no farther (I1, I3). */
export const VALIDITY_MS = 300_000;

/** A body whose octets may stand in the log, at the acceptance's offset. */
export type OpenBody =
  | Extract<BodyReference, { kind: 'stored' }>
  | { readonly kind: 'logged'; readonly offset: number; readonly sizeOctets: number };

/** An acceptance without octets of bodies. */
export type OpenEnvelope = Omit<MessageAccepted, 'type' | 'bodies' | 'message'> & {
  readonly bodies: readonly OpenBody[];
};

export interface OpenRecipient extends Omit<RestatedRecipient, 'copy'> {
  readonly copy: number;
}

export interface OpenAttempt {
  readonly attempt: Decision;
  readonly incarnation: Incarnation;
  readonly recipients: ReadonlySet<number>;
  readonly host: string;
}

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
  readonly message: MessageId;
  readonly nextOffset: number;
  readonly left: number;
}

export interface PartitionState {
  nextOffset: number;
  /** The latest append time read; append times that run backwards do not shorten a memory. */
  appendTime: number;
  /** Octets of log read since the state began. */
  position: number;
  claim: Claim | undefined;
  /** In rising order of `fullStateOffset`: the first is what holds the mark. */
  readonly messages: Map<MessageId, OpenMessage>;
  creation: Creation | undefined;
  /** Final outcomes of the last ten minutes: `<message>/<recipient>` to append time. In order of insertion. */
  readonly finals: Map<string, number>;
  /** Ended attempts of the last ten minutes: `<message>/<recipient>/<term>.<sequence>` to append time. */
  readonly ended: Map<string, number>;
  /** Acceptances of the last ten minutes, so that a late copy is known for one. */
  readonly accepted: Map<MessageId, number>;
  /** Ids of reports whose bounce took effect and whose acceptance has not been read yet (I9). */
  readonly expectedReports: Set<MessageId>;
  /** Offsets of records that could not be read, rising. */
  readonly undecodable: number[];
}

export function emptyPartition(nextOffset = 0): PartitionState {
  return {
    nextOffset,
    appendTime: 0,
    position: 0,
    claim: undefined,
    messages: new Map(),
    creation: undefined,
    finals: new Map(),
    ended: new Map(),
    accepted: new Map(),
    expectedReports: new Set(),
    undecodable: [],
  };
}

/** Orders decisions: by term, then by sequence. */
export function isLater(a: Decision, b: Decision | undefined): boolean {
  return b === undefined || a.term > b.term || (a.term === b.term && a.sequence > b.sequence);
}

export function sameDecision(a: Decision, b: Decision): boolean {
  return a.term === b.term && a.sequence === b.sequence;
}

/** Tells whether a recipient stands in an attempt that has no outcome yet. */
export function attemptOf(message: OpenMessage, recipient: number): OpenAttempt | undefined {
  return message.attempts.find((attempt) => attempt.recipients.has(recipient));
}

/** A recipient as the acceptance's batch describes it: never tried, due at once. */
export function freshRecipient(queued: RecipientQueued): OpenRecipient {
  return {
    recipient: queued.recipient,
    copy: queued.copy,
    forwardPath: queued.forwardPath,
    ...(queued.notify === undefined ? {} : { notify: queued.notify }),
    ...(queued.orcpt === undefined ? {} : { orcpt: queued.orcpt }),
    retries: 0,
    dueAt: 0,
    outcomeUnknown: false,
    lastRouteVersion: 0,
  };
}
