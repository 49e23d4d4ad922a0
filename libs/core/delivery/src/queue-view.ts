/** What owners of partitions can say of the mail that waits there, for `mailyard queue` and the pages of admin. */
import type { Address, AddressLiteral, Domain, Reply, ReversePath } from '@mailyard/mail';
import type { MessageId } from '@mailyard/queue';

/** A host of a destination, as of the last attempt (R75). */
export interface QueueHost {
  /** `name [address]:port` */
  readonly host: string;
  readonly state: 'up' | 'down' | 'unknown';
  /** Down: not tried before. */
  readonly downUntil: number;
}

/** A destination that has waiting recipients or open connections: one row of `tophosts` (R213). */
export interface QueueDestination {
  readonly destination: string;
  /** Recipient domains behind it, some of them when there are many. */
  readonly domains: readonly string[];
  readonly domainCount: number;
  /** Recipients that wait and those being tried. */
  readonly waiting: number;
  /** Of those, ready or in a transaction now. */
  readonly underway: number;
  readonly connections: number;
  /** The most of them, of all workers together, where a row of the destination controls says how many (R140). */
  readonly maxConnections?: number;
  /** Since the owner started. */
  readonly delivered: number;
  readonly softBounced: number;
  readonly hardBounced: number;
  readonly state: 'up' | 'down' | 'unknown';
  readonly hosts: readonly QueueHost[];
  /** When the next of its waiting recipients may be tried; undefined when none waits. */
  readonly nextAttemptAt: number | undefined;
  /** When the oldest of its waiting messages was accepted, if it is known. */
  readonly oldestAt: number | undefined;
  readonly lastReply: Reply | undefined;
}

/** What destinations are sorted by; with a hyphen the other way round. What has no figure stands last, either way. */
export const DESTINATION_COLUMNS = [
  'destination',
  'waiting',
  'underway',
  'connections',
  'delivered',
  'softBounced',
  'hardBounced',
  'state',
  'nextAttemptAt',
  'oldestAt',
] as const;
export type DestinationColumn = (typeof DESTINATION_COLUMNS)[number];
export type DestinationSort = DestinationColumn | `-${DestinationColumn}`;
/** In this order states are sorted. */
export const DESTINATION_STATES: readonly QueueDestination['state'][] = ['down', 'unknown', 'up'];

/** One page of destinations. */
export interface DestinationQuery {
  /** Only those with this text in their name or that of a domain; empty: all. */
  readonly search: string;
  readonly sort: DestinationSort;
  readonly offset: number;
  readonly limit: number;
}

export interface DestinationListing {
  readonly destinations: readonly QueueDestination[];
  /** On all pages. */
  readonly found: number;
}

export interface QueueRecipient {
  readonly partition: number;
  readonly message: MessageId;
  /** RID */
  readonly recipient: number;
  readonly mid: string;
  readonly reversePath: ReversePath;
  readonly forwardPath: string;
  readonly acceptedAt: number;
  readonly dueAt: number;
  readonly expiresAt: number;
  readonly retries: number;
  readonly outcomeUnknown: boolean;
  readonly lastHost: string | undefined;
}

export interface QueueRecipientPage {
  readonly recipients: readonly QueueRecipient[];
  /** Where the next page begins; undefined on the last one. */
  readonly next: string | undefined;
}

export interface QueueSummary {
  /** The partitions that these figures cover. */
  readonly partitions: readonly number[];
  readonly waiting: number;
  /** Destinations with waiting recipients. */
  readonly destinationCount: number;
  /** Of those waiting, the ones that a host may have taken (R61). */
  readonly outcomeUnknown: number;
}

/** What an owner knows of a host, by its key. */
export interface KnownHost {
  /** `address:port` */
  readonly key: string;
  readonly state: 'up' | 'down';
  readonly downUntil: number;
}

/** The waiting mail of an owner by recipient domain, and how far it follows the route table. */
export interface WaitingCensus {
  /** The version of the route table that the owner goes by. */
  readonly version: number;
  /** Recipients that wait and whose domain has not been looked up yet since a version concerned it (I11). */
  readonly moving: number;
  /** Left out, as is all below, when only the figures are asked for. An owner in this process tells it while it is read. */
  readonly waiting: Iterable<readonly [domain: Domain | AddressLiteral, recipients: number]>;
  /** Keys of destinations that take no connection now. */
  readonly blocked: Iterable<string>;
  readonly hosts: Iterable<KnownHost>;
}

export type QueueScope =
  | { readonly kind: 'all' }
  | { readonly kind: 'domain'; readonly domain: Domain | AddressLiteral }
  /** All domains behind it, whichever they are now. */
  | { readonly kind: 'destination'; readonly destination: string };

/** Which of the waiting recipients (R212). */
export type MailScope =
  | QueueScope
  | { readonly kind: 'sender'; readonly reversePath: ReversePath }
  | { readonly kind: 'recipient'; readonly forwardPath: Address }
  /** All recipients of a message, those of one copy, or one. */
  | { readonly kind: 'message'; readonly message: MessageId; readonly copy?: number; readonly recipient?: number };

/** What an operator has become of waiting recipients (R212): a bounce is reported to the sender, a removal is not. */
export interface OperatorEnding {
  readonly kind: 'remove' | 'bounce';
  readonly reason: string;
  readonly author: string;
}

/** One part of such work. */
export interface EndedRecipients {
  /** Recorded as ended; where it was only counted, those that could be. */
  readonly recipients: number;
  /** Of the scope, but in a transaction or with an outcome on its way. */
  readonly leftAlone: number;
  /** Where to go on; undefined when all was gone through. */
  readonly next: string | undefined;
}

/** One owner: in this process, or another one over gRPC, which then rejects when it does not answer. */
export interface QueueOwner {
  status(): QueueSummary | Promise<QueueSummary>;
  /** @param search only those with this text in their name or that of a domain; the one that is named so is first */
  destinations(
    limit?: number,
    offset?: number,
    search?: string,
  ): readonly QueueDestination[] | Promise<readonly QueueDestination[]>;
  /** One page in any order, without the cost of the others: of an owner in this process. */
  list?(query: DestinationQuery): Promise<DestinationListing>;
  /** What there is of one destination: of an owner in this process. */
  find?(destination: string): Promise<QueueDestination | undefined>;
  /** @param after where the page before ended */
  waiting(scope: MailScope, limit: number, after: string | undefined): QueueRecipientPage | Promise<QueueRecipientPage>;
  census(figuresOnly: boolean): WaitingCensus | Promise<WaitingCensus>;
  /** How many recipients wait. */
  count(scope: QueueScope): number | Promise<number>;
  /** Makes waiting recipients due now and forgets that their hosts were down (R210). Tells how many wait there. */
  retryNow(scope: QueueScope): number | Promise<number>;
  /**
   * Ends waiting recipients of a scope, for a second at the most.
   *
   * @param ending undefined: counts them only
   * @param after where the part before ended
   * @throws MtaError `LOG_UNCERTAIN` when the partition was lost or its log did not take it in time; some may have ended
   */
  end(scope: MailScope, ending: OperatorEnding | undefined, after: string | undefined): Promise<EndedRecipients>;
}
