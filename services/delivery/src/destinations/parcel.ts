import type { ReadyItem } from '@mailyard/delivery-rules';
import type { MessageId } from '@mailyard/queue';
import type { Partition } from '../partitions/partition.ts';
import type { Walk } from '../partitions/walks.ts';

/** One transaction to be made: recipients of one copy. */
export interface Send {
  readonly copy: number;
  readonly recipients: readonly number[];
}

/** What of one message goes to one destination now: its copies one after the other over one connection (R100, R105). */
export interface Parcel extends ReadyItem {
  readonly partition: Partition;
  readonly message: MessageId;
  /** Its recipients were never tried. */
  readonly isFresh: boolean;
  readonly sends: readonly Send[];
  /** The matched entry as printed, for the records. */
  readonly route: string;
  readonly walk: Walk | undefined;
  /** The host that may have taken it already, as records name it: tried first (D3 to D5). */
  readonly preferredHost: string | undefined;
}

/** Whether a parcel may go over any connection of its destination. */
export function isParticular(parcel: Parcel): boolean {
  return parcel.walk !== undefined || parcel.preferredHost !== undefined;
}
