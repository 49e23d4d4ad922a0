import type {
  ContentPart,
  DestinationListing,
  DestinationQuery,
  EndedRecipients,
  MailScope,
  OperatorEnding,
  QueueDestination,
  QueueMessage,
  QueueMessageDetail,
  QueueRecipientPage,
  QueueScope,
  WaitingCensus,
} from '@mailyard/delivery-rules';
import type { MessageId } from '@mailyard/queue';
import type { LedgerCounts } from '../outcomes/ledger.ts';

export interface QueueStatus {
  readonly waiting: number;
  readonly outcomeUnknown: number;
  /** What its partitions' owner has seen since it started. */
  readonly ledger: Readonly<LedgerCounts>;
  /** Destinations with waiting recipients. */
  readonly destinationCount: number;
  readonly connections: number;
  /** The partitions that this worker decides on. */
  readonly partitions: readonly number[];
}

/** The queues of one worker, live. Whoever shows all queues asks every owner. */
export interface QueueView {
  status(): QueueStatus;
  /**
   * Destinations with waiting recipients or connections, most waiting recipients first.
   *
   * @param limit at most so many, from the one at `offset` on; all when absent
   * @param search only those with this text in their name or that of a domain; the one that is named so is first
   */
  destinations(limit?: number, offset?: number, search?: string): Promise<readonly QueueDestination[]>;
  /** One page of them in any order. */
  list(query: DestinationQuery): Promise<DestinationListing>;
  /** One of them; undefined when nothing waits there and no connection is open. */
  find(destination: string): Promise<QueueDestination | undefined>;
  /** @param after where the page before ended */
  waiting(scope: MailScope, limit: number, after: string | undefined): Promise<QueueRecipientPage>;
  /** What there is of a message that waits here. @param copy only this one and its recipients */
  message(message: MessageId, copy?: number): Promise<QueueMessageDetail | undefined>;
  /** The octets of a copy that waits here. @throws MtaError from its iterator: `MESSAGE_NOT_WAITING`, `BODY_MISSING`, … */
  content(message: MessageId, copy: number, part: ContentPart): AsyncIterable<Uint8Array>;
  /** The messages of a scope that have waited longest, the oldest first. */
  oldest(scope: QueueScope, limit: number): Promise<readonly QueueMessage[]>;
  /** How many recipients wait. */
  count(scope: QueueScope): Promise<number>;
  /** Makes waiting recipients due now and forgets that their hosts were down. Tells how many wait there. */
  retryNow(scope: QueueScope): Promise<number>;
  /** Ends waiting recipients, or counts them, for a second at the most. */
  end(scope: MailScope, ending: OperatorEnding | undefined, after: string | undefined): Promise<EndedRecipients>;
  /** Waiting mail by domain, and how far it follows the table. @param figuresOnly leaves the lists out */
  census(figuresOnly: boolean): Promise<WaitingCensus>;
}
