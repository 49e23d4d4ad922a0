/** What owners of partitions can say of the mail that waits there, for `mailyard queue` and the pages of admin. */
import type { Address, AddressLiteral, Domain, Reply, ReversePath } from '@mailyard/mail';
import type { Injection, MessageId } from '@mailyard/queue';

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

/** A message that waits, in a row (R212). */
export interface QueueMessage {
  readonly partition: number;
  readonly message: MessageId;
  readonly acceptedAt: number;
  readonly reversePath: ReversePath;
  readonly headerMessageId?: string;
  /** Of the largest of its copies that wait. */
  readonly sizeOctets: number;
  /** How many were accepted, and how many of them have no end yet. */
  readonly accepted: number;
  readonly waiting: number;
  /** The first that waits. */
  readonly forwardPath: string;
  /** When the next of them may be tried. */
  readonly nextAttemptAt: number;
}

/** A copy of a message that has waiting recipients. */
export interface QueueCopy {
  readonly mid: string;
  readonly policy: string;
  readonly priority: number;
  readonly sizeOctets: number;
  readonly expiresAt: number;
}

/** A waiting recipient as its message shows it. */
export interface QueueMessageRecipient extends QueueRecipient {
  /** Where its mail goes now, as destinations are named; undefined where routing has not said. */
  readonly destination: string | undefined;
  /** The host of an attempt that has not ended. */
  readonly underwayTo: string | undefined;
  /** DSN parameters of RCPT (RFC 3461). */
  readonly notify?: string;
  readonly orcpt?: string;
}

/** All that its owner knows of a message that waits: what `showmessage` tells (R212). */
export interface QueueMessageDetail {
  readonly summary: QueueMessage;
  readonly injection: Omit<Injection, 'unknownFields'>;
  readonly eightBit: boolean;
  readonly smtpUtf8: boolean;
  readonly ret?: 'FULL' | 'HDRS';
  readonly envid?: string;
  /** The virtual gateway by which it leaves. */
  readonly gateway?: string;
  /** Of a delivery report or a delay warning: the message that it tells of. */
  readonly reportOf?: MessageId;
  /** Those with waiting recipients. */
  readonly copies: readonly QueueCopy[];
  readonly recipients: readonly QueueMessageRecipient[];
}

/** What of a copy is read: all of it, or its header section without the empty line behind it. */
export type ContentPart = 'header' | 'whole';

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
  /** Where to go on; undefined when all was gone through, or it broke off. */
  readonly next: string | undefined;
  /**
   * Why it broke off: the partition was lost or its log did not take it in time. What is counted has ended; of the rest some
   * may have.
   */
  readonly problem?: string;
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
  /** What there is of a message that waits here. @param copy only this one and its recipients */
  message(message: MessageId, copy?: number): Promise<QueueMessageDetail | undefined>;
  /**
   * The octets of a copy that waits here, as a host would get them, in pieces that the caller may keep.
   *
   * @throws MtaError from its iterator: `MESSAGE_NOT_WAITING`, `BODY_MISSING`, `BODY_STORE_AWAY`, `LOG_AWAY`
   */
  content(message: MessageId, copy: number, part: ContentPart): AsyncIterable<Uint8Array>;
  /** The messages of a scope that have waited longest, the oldest first. */
  oldest(scope: QueueScope, limit: number): Promise<readonly QueueMessage[]>;
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
   */
  end(scope: MailScope, ending: OperatorEnding | undefined, after: string | undefined): Promise<EndedRecipients>;
}
