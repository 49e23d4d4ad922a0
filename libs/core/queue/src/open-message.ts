/**
 * What is known of a message that has recipients without a final outcome: the values of which a {@link PartitionState}
 * consists, as everybody may read them, and as the fold alone may change them.
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

/** A body as its acceptance, which was read at this offset, describes it. */
export function openBody(body: MessageAccepted['bodies'][number], offset: number): OpenBody {
  return body.kind === 'stored' ? body : { kind: 'logged', offset, sizeOctets: body.octets.length };
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
