import type { MessageId } from '@mailyard/queue';
import type { Parcel } from './parcel.ts';
import type { Partition } from '../partitions/partition.ts';

/** A parcel for tests: one recipient, unless the test says otherwise. */
export function parcelOf(message: string, change: Partial<Parcel> = {}): Parcel {
  return {
    partition: {} as Partition,
    message: message as MessageId,
    isFresh: true,
    sends: [{ copy: 0, recipients: [0] }],
    route: 'ALL',
    walk: undefined,
    preferredHost: undefined,
    policy: 'default',
    priority: 0,
    cost: 1,
    readyAt: 0,
    ...change,
  };
}
