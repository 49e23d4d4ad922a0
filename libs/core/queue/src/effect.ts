import type { OpenMessage, OpenRecipient } from './open-message.ts';
import type { Decision, FinalOutcome, MessageAccepted, MessageId } from './records.ts';

/**
 * What a record did, for whoever schedules, counts and shows. A record that had no effect reports nothing: a decision
 * that reports nothing was void.
 */
export type Effect =
  /** A claim; messages whose full state lies below its mark were dropped, since they ended before it was written. */
  | { readonly kind: 'claimed'; readonly dropped: readonly OpenMessage[] }
  /** A message; `accepted` unless it became known by a restatement. Its recipients follow as `waiting`. */
  | { readonly kind: 'opened'; readonly message: MessageId; readonly accepted: MessageAccepted | undefined }
  /** An attempt began for those of its recipients that were open. */
  | {
      readonly kind: 'intended';
      readonly message: MessageId;
      readonly attempt: Decision;
      readonly recipients: readonly number[];
    }
  /** A recipient waits from now on, or an attempt of it ended: ask again when it is deliverable. */
  | { readonly kind: 'waiting'; readonly message: MessageId; readonly recipient: number; readonly dueAt: number }
  | Closed
  /** The open state was replaced: ask again for all its recipients. */
  | { readonly kind: 'restated'; readonly message: MessageId };

/** A recipient's first final outcome. */
export interface Closed {
  readonly kind: 'closed';
  readonly message: MessageId;
  readonly recipient: number;
  readonly outcome: FinalOutcome;
  /** The recipient as it was, and its message. */
  readonly closed: OpenRecipient;
  readonly of: OpenMessage;
  /** Whether it was the message's last one. */
  readonly last: boolean;
  /** Keys of stored bodies that no recipient of the message needs any more: the owner may delete them (I10). */
  readonly unusedBodies: readonly string[];
}

export const NO_EFFECT: readonly Effect[] = [];
