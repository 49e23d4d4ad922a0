import type {
  DestinationListing,
  DestinationQuery,
  EndedRecipients,
  MailScope,
  OperatorEnding,
  QueueScope,
  WaitingCensus,
} from '@mailyard/delivery-rules';
import type { Address, Reply, ReversePath } from '@mailyard/mail';
import type { MessageId } from '@mailyard/queue';
import type { LedgerCounts } from '../outcomes/ledger.ts';

/** A host of a destination, as of the last attempt (R75). */
export interface HostView {
  /** `name [address]:port` */
  readonly host: string;
  readonly state: 'up' | 'down' | 'unknown';
  /** Down: not tried before. */
  readonly downUntil: number;
}

/** One row of `tophosts` (R213). */
export interface DestinationView {
  readonly destination: string;
  /** Recipient domains behind it, some of them when there are many. */
  readonly domains: readonly string[];
  readonly domainCount: number;
  /** Active recipients: those that wait and those being tried. */
  readonly waiting: number;
  /** Of those, ready or in a transaction now. */
  readonly underway: number;
  readonly connections: number;
  /** The most of them, of all workers together, where a row of the destination controls says how many (R140). */
  readonly maxConnections?: number;
  /** Since this worker started. */
  readonly delivered: number;
  readonly softBounced: number;
  readonly hardBounced: number;
  /** `down` when every known host is. */
  readonly state: 'up' | 'down' | 'unknown';
  readonly hosts: readonly HostView[];
  /** When the next of its waiting recipients may be tried; undefined when none waits. */
  readonly nextAttemptAt: number | undefined;
  /** When the oldest of its waiting messages was accepted, if it is among those looked at. */
  readonly oldestAt: number | undefined;
  readonly lastReply: Reply | undefined;
}

export interface WaitingRecipientView {
  readonly partition: number;
  readonly message: MessageId;
  /** RID */
  readonly recipient: number;
  readonly mid: string;
  readonly reversePath: ReversePath;
  readonly forwardPath: Address;
  readonly acceptedAt: number;
  readonly dueAt: number;
  readonly expiresAt: number;
  readonly retries: number;
  readonly outcomeUnknown: boolean;
  readonly lastHost: string | undefined;
}

export interface WaitingPage {
  readonly recipients: readonly WaitingRecipientView[];
  /** Where the next page begins; undefined on the last one. */
  readonly next: string | undefined;
}

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
  destinations(limit?: number, offset?: number, search?: string): Promise<readonly DestinationView[]>;
  /** One page of them in any order. */
  list(query: DestinationQuery): Promise<DestinationListing>;
  /** One of them; undefined when nothing waits there and no connection is open. */
  find(destination: string): Promise<DestinationView | undefined>;
  /** @param after where the page before ended */
  waiting(scope: MailScope, limit: number, after: string | undefined): Promise<WaitingPage>;
  /** How many recipients wait. */
  count(scope: QueueScope): Promise<number>;
  /** Makes waiting recipients due now and forgets that their hosts were down. Tells how many wait there. */
  retryNow(scope: QueueScope): Promise<number>;
  /** Ends waiting recipients, or counts them, for a second at the most. @throws MtaError `LOG_UNCERTAIN` */
  end(scope: MailScope, ending: OperatorEnding | undefined, after: string | undefined): Promise<EndedRecipients>;
  /** Waiting mail by domain, and how far it follows the table. @param figuresOnly leaves the lists out */
  census(figuresOnly: boolean): Promise<WaitingCensus>;
}
