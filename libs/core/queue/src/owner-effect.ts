import type { Effect } from './effect.ts';
import type { Decision, MessageId, QueueRecord } from './records.ts';

/** What the owner of a partition tells of what it read, on top of what the fold does. */
export type OwnerEffect =
  | Effect
  /** The first own claim was read: decisions may begin, every recipient is to be looked at. */
  | { readonly kind: 'owned'; readonly term: number }
  /** A foreign claim ended it: nothing more begins. */
  | { readonly kind: 'lost' }
  /** An own intent counts, in time: MAIL FROM may be sent for these recipients (those still open). Instead of `intended`. */
  | {
      readonly kind: 'begun';
      readonly message: MessageId;
      readonly attempt: Decision;
      readonly recipients: readonly number[];
    }
  /** An intent that was given up counts after all: append `endAbandoned`, never send. Instead of `intended`. */
  | {
      readonly kind: 'abandoned';
      readonly message: MessageId;
      readonly attempt: Decision;
      readonly recipients: readonly number[];
    }
  /** An own decision did not count: decide again from the state as it is. */
  | { readonly kind: 'void'; readonly message: MessageId; readonly record: QueueRecord };
