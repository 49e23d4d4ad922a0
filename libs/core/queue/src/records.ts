/**
 * The records of the queue log `mailyard.queue`, as values (docs/architecture.md, "The queue log").
 *
 * The queue is this log: the state of a queue changes when a record is read, never when it is written. Instants are
 * milliseconds of the epoch; offsets and terms are log offsets, which stay below 2^53.
 */
import type { Address, Reply, ReversePath } from '@mailyard/mail';

/** Names one acceptance: 26 characters, ordered by time of creation; see `message-id.ts`. */
export type MessageId = string & { readonly __brand: 'MessageId' };

/** One life of one process; its presence is published under this name. */
export type Incarnation = string & { readonly __brand: 'Incarnation' };

/** A part of a record that a later version may have given more fields. */
export interface Extensible {
  /** Fields that this version does not know, in their wire form: whoever writes the part again writes them too. */
  readonly unknownFields?: Uint8Array;
}

/**
 * The place of a decision: `term` is the offset of the claim it was made under, `sequence` rises within the term and
 * process. Decisions on a message count only in rising order (I3). An attempt is named by the decision that began it.
 */
export interface Decision extends Extensible {
  readonly term: number;
  readonly sequence: number;
}

export function sameDecision(a: Decision, b: Decision): boolean {
  return a.term === b.term && a.sequence === b.sequence;
}

/** Where the octets of a body are. `inline` bodies travel in the acceptance, `stored` ones in the body store. */
export type BodyReference =
  | { readonly kind: 'inline'; readonly octets: Uint8Array }
  | ({
      readonly kind: 'stored';
      readonly key: string;
      readonly sizeOctets: number;
      readonly crc32: number;
    } & Extensible);

/**
 * One copy of a message, made for one incoming mail policy (R90 to R96). What is sent is `prefix` followed by the body
 * from `skipOctets` on: a policy that edits the header replaces the header section and shares the rest.
 */
export interface Copy extends Extensible {
  readonly policy: string;
  /** 0 is normal; a higher one goes first. */
  readonly priority: number;
  /** Index into `bodies` of the acceptance. */
  readonly body: number;
  readonly prefix: Uint8Array;
  readonly skipOctets: number;
  /** Octets that are sent after DATA, dot-stuffing not counted. */
  readonly sizeOctets: number;
  readonly expiresAt: number;
}

/** Who gave us the message, for logs and trace. */
export interface Injection extends Extensible {
  readonly icid: string;
  readonly listener: string;
  readonly clientAddress: string;
  readonly helo: string;
  /** The sender group and mail flow policy of the client; absent where no row of the host access table is there. */
  readonly senderGroup?: string;
  readonly flowPolicy?: string;
  /** The client could send to anyone (R124). */
  readonly relayed?: boolean;
  /** Who the client authenticated as (RFC 4954). */
  readonly user?: string;
}

export interface MessageAccepted extends Extensible {
  readonly type: 'MessageAccepted';
  readonly message: MessageId;
  /** When the first append of this acceptance was tried; it is void when the log's append time is 5 min later (I1). */
  readonly at: number;
  readonly injection: Injection;
  readonly reversePath: ReversePath;
  /** The octets need 8BITMIME towards the next hop (RFC 6152). */
  readonly eightBit: boolean;
  /** The envelope or header needs SMTPUTF8 towards the next hop (RFC 6531). */
  readonly smtpUtf8: boolean;
  /** DSN parameters of MAIL (RFC 3461 §4.3, §4.4); `envid` in its xtext form. */
  readonly ret?: 'FULL' | 'HDRS';
  readonly envid?: string;
  /** The header's Message-ID with its angle brackets, for tracing. */
  readonly headerMessageId?: string;
  readonly copies: readonly Copy[];
  readonly bodies: readonly BodyReference[];
  /** How many RecipientQueued follow it in its batch. */
  readonly recipientCount: number;
  /** For a delivery report: the recipient whose bounce caused it (I9). */
  readonly reportOf?: { readonly message: MessageId; readonly recipient: number } & Extensible;
  /** For a delay warning: the recipient that waits (R80). It counts as mail of anybody does. */
  readonly warningOf?: { readonly message: MessageId; readonly recipient: number } & Extensible;
  /** W3C trace context of the receipt. */
  readonly traceparent?: string;
  /** Name of the virtual gateway by which it leaves (R147), told at receipt and kept; absent is none. */
  readonly gateway?: string;
  /** Recipients that became others, or another, on receipt (R136); absent where none did. */
  readonly expansions?: readonly RecipientExpansion[];
}

/** What one RCPT became by the domain map and the alias table. */
export interface RecipientExpansion extends Extensible {
  /** The forward-path as it came. */
  readonly received: Address;
  /** The rows that named it, as written. */
  readonly mapped?: string;
  readonly alias?: string;
  /** Of the configuration. */
  readonly version: number;
  /** RIDs of what it became; another RCPT may have named them as well. */
  readonly recipients: readonly number[];
}

export interface RecipientQueued extends Extensible {
  readonly type: 'RecipientQueued';
  readonly message: MessageId;
  /** RID: place in the envelope of the acceptance, from 0. */
  readonly recipient: number;
  /** Index into `copies`. */
  readonly copy: number;
  readonly forwardPath: Address;
  /** DSN parameters of RCPT (RFC 3461 §4.1, §4.2); `orcpt` as `addr-type;xtext`. */
  readonly notify?: string;
  readonly orcpt?: string;
}

export interface AttemptIntended extends Extensible {
  readonly type: 'AttemptIntended';
  readonly message: MessageId;
  readonly recipients: readonly number[];
  readonly attempt: Decision;
  readonly incarnation: Incarnation;
  /** `name [address]:port`, as logs show it. */
  readonly host: string;
  readonly route: string;
  readonly routeVersion: number;
  readonly at: number;
}

/** What every outcome tells: which recipient, the attempt it ends if any, what the far side said, by which route. */
export interface Outcome extends Extensible {
  readonly message: MessageId;
  readonly recipient: number;
  /** The attempt that this ends; absent where nothing was tried. */
  readonly attempt?: Decision;
  readonly reply?: Reply & Extensible;
  readonly host?: string;
  /** DCID: the connection it went over. */
  readonly dcid?: string;
  /** The matched entry as it is printed (`.example.com`, `ALL`), or `DNS`. */
  readonly route?: string;
  readonly routeVersion?: number;
  readonly at: number;
  /** The unknown fields of what is common to outcomes; `unknownFields` are those of the kind. */
  readonly commonFields?: Uint8Array;
}

export interface RecipientDelivered extends Outcome {
  readonly type: 'RecipientDelivered';
  /** The dot was sent and its answer never seen: counted as delivered, since the settings say so (R62). */
  readonly possible?: boolean;
}

/** Why a recipient waits on; `stage` names the step that failed, or what kept it from being tried. */
export interface RecipientDeferred extends Outcome {
  readonly type: 'RecipientDeferred';
  readonly stage: string;
  /** The next attempt is not before this instant. */
  readonly dueAt: number;
  /** Whether it uses up one of the retries (a host that is down does not, R77). */
  readonly countsAsRetry: boolean;
  /** The dot was sent and its answer never seen (R61): the message may have been taken. */
  readonly outcomeUnknown: boolean;
  /** Present where no attempt ended: then it is a decision (I3). */
  readonly decision?: Decision;
  /** Id of the delay warning in its batch (R80). */
  readonly warning?: MessageId;
}

/** A hard bounce (R214: dns, 5xx, filter, expired, other). `report` is the id of the delivery report in its batch. */
export interface RecipientBounced extends Outcome {
  readonly type: 'RecipientBounced';
  readonly decision: Decision;
  readonly cause: 'dns' | '5xx' | 'filter' | 'other';
  readonly stage: string;
  readonly report?: MessageId;
  /** Where an operator bounced it (R212): why, and who. */
  readonly reason?: string;
  readonly author?: string;
}

/** The age limit or the last retry was reached (R70, R73). */
export interface RecipientExpired extends Outcome {
  readonly type: 'RecipientExpired';
  readonly decision: Decision;
  readonly report?: MessageId;
}

/** Dropped by a policy at acceptance (no decision: it stands in the acceptance's batch), or by `/dev/null` (R64). */
export interface RecipientDropped extends Outcome {
  readonly type: 'RecipientDropped';
  readonly decision?: Decision;
  readonly reason: string;
}

/** Taken off the queue by an operator (R212). */
export interface RecipientRemoved extends Outcome {
  readonly type: 'RecipientRemoved';
  readonly decision: Decision;
  readonly reason: string;
  readonly author: string;
}

export interface RestatedRecipient extends Extensible {
  readonly recipient: number;
  readonly copy: number;
  readonly forwardPath: Address;
  readonly notify?: string;
  readonly orcpt?: string;
  readonly retries: number;
  readonly dueAt: number;
  readonly outcomeUnknown: boolean;
  readonly lastHost?: string;
  readonly lastRouteVersion: number;
  /** Delay warnings so far, and when the last one was made (R80). */
  readonly warnings?: number;
  readonly warnedAt?: number;
  /** The unknown fields of its RecipientQueued; `unknownFields` are those of the restatement. */
  readonly queuedFields?: Uint8Array;
}

export interface RestatedAttempt extends Extensible {
  readonly attempt: Decision;
  readonly incarnation: Incarnation;
  readonly recipients: readonly number[];
  readonly host: string;
}

/** The whole open state of a message again, nearer the head, so that the log can be trimmed (I7). Never a body. */
export interface MessageRestated extends Extensible {
  readonly type: 'MessageRestated';
  readonly message: MessageId;
  readonly decision: Decision;
  /** The acceptance, its bodies all `stored`. */
  readonly accepted: MessageAccepted;
  readonly recipients: readonly RestatedRecipient[];
  readonly attempts: readonly RestatedAttempt[];
}

/** Who may decide from here on; its offset is the term (I2). `mark`: nothing below is needed any more (I6). */
export interface PartitionClaimed extends Extensible {
  readonly type: 'PartitionClaimed';
  readonly worker: string;
  readonly incarnation: Incarnation;
  /** Tells the tries of one incarnation apart. */
  readonly claim: number;
  readonly mark: number;
  readonly at: number;
}

/** A record this version cannot read: kept, alarmed, skipped; the mark never passes it (I6). */
export interface Undecodable {
  readonly type: 'Undecodable';
  readonly reason: string;
}

export type FinalOutcome =
  | RecipientDelivered
  | RecipientBounced
  | RecipientExpired
  | RecipientDropped
  | RecipientRemoved;

export type QueueRecord =
  | MessageAccepted
  | RecipientQueued
  | AttemptIntended
  | FinalOutcome
  | RecipientDeferred
  | MessageRestated
  | PartitionClaimed;

/** A record as the log gave it back. Offsets of a partition are contiguous. */
export interface LoggedRecord {
  readonly offset: number;
  /** When the log took it, by the log's own clock. */
  readonly appendTime: number;
  readonly sizeOctets: number;
  readonly record: QueueRecord | Undecodable;
}

/** The AsyncOS message id of one copy: `<message id>-<copy, from 1>`. */
export function midOf(message: MessageId, copy: number): string {
  return `${message}-${copy + 1}`;
}
