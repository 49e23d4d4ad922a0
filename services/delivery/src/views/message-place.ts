import type { OpenMessage } from '@mailyard/queue';

/** An open message, and the number of its partition. */
export type MessagePlace = readonly [partition: number, message: OpenMessage];
