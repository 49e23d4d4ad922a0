/**
 * What happens to mail in one process, as the mail log, the metrics and the traces see it. Services publish these on
 * one diagnostics channel (`@mailyard/telemetry`, `publishMailEvent`); nobody but telemetry turns them into anything.
 */
import type { Address, Reply, ReversePath } from '@mailyard/mail';
import type { MessageId, QueueRecord, RecipientExpansion } from './records.ts';

export type MailEvent =
  | {
      readonly kind: 'injectionOpened';
      readonly icid: string;
      readonly listener: string;
      readonly address: string;
      /** Names that were verified to be the client's (R123); absent where none was asked for. */
      readonly names?: readonly string[];
    }
  /** What the host access table says of a client. */
  | {
      readonly kind: 'injectionJudged';
      readonly icid: string;
      readonly action: 'ACCEPT' | 'RELAY' | 'REJECT' | 'TCPREFUSE';
      readonly group: string;
      readonly source: string;
      readonly policy: string;
    }
  | { readonly kind: 'injectionRefused'; readonly listener: string; readonly address: string; readonly reason: string }
  | { readonly kind: 'injectionTls'; readonly icid: string; readonly protocol: string; readonly cipher: string }
  | {
      readonly kind: 'injectionAuthentication';
      readonly icid: string;
      readonly mechanism: string;
      /** `limited`: refused unheard, since too many attempts came or the users cannot be read. */
      readonly result: 'succeeded' | 'failed' | 'limited';
      /** Absent where nobody has the name that was given. */
      readonly user?: string;
    }
  | { readonly kind: 'injectionClosed'; readonly icid: string }
  | { readonly kind: 'senderRefused'; readonly icid: string; readonly reversePath: string; readonly reply: Reply }
  | { readonly kind: 'recipientRefused'; readonly icid: string; readonly forwardPath: string; readonly reply: Reply }
  | { readonly kind: 'contentRefused'; readonly icid: string; readonly reply: Reply }
  | {
      readonly kind: 'accepted';
      readonly icid: string;
      readonly message: MessageId;
      readonly reversePath: ReversePath;
      readonly recipients: readonly {
        readonly forwardPath: Address;
        readonly copy: number;
        readonly dropped: boolean;
        /** The alias that leads to `/dev/null` (R64); whatever a policy says, it is dropped by that. */
        readonly discardedBy?: string;
      }[];
      /** Recipients that became others, or another, on receipt (R136). */
      readonly expansions?: readonly RecipientExpansion[];
      readonly copies: readonly { readonly policy: string; readonly sizeOctets: number }[];
      /** DKIM signing profiles that signed it, and the author by whom they were found. */
      readonly signed?: { readonly by: readonly string[]; readonly author: string };
      /** The outgoing mail policies were asked, not the incoming ones (R110). */
      readonly relayed?: boolean;
      readonly partition: number;
      readonly headerMessageId?: string;
      readonly traceparent?: string;
      /** From MAIL to the 250, and from the final dot to the 250. */
      readonly startedAt: number;
      readonly endedAt: number;
      readonly dotToReplyMs: number;
    }
  | {
      readonly kind: 'connectionOpened';
      readonly dcid: string;
      readonly host: string;
      readonly address: string;
      readonly port: number;
      readonly localAddress?: string;
    }
  | {
      readonly kind: 'connectionFailed';
      readonly host: string;
      readonly address: string;
      readonly port: number;
      readonly stage: string;
      readonly reason: string;
    }
  | {
      readonly kind: 'connectionTls';
      readonly dcid: string;
      readonly protocol: string;
      readonly cipher: string;
      readonly certificate: 'unjudged' | 'verified' | 'dane' | 'unverified';
      readonly fault?: string;
    }
  /** What came of the MTA-STS policy of a domain: of a session under it, or of fetching it. */
  | {
      readonly kind: 'mtaSts';
      readonly domain: string;
      /** Absent where the policy could not be had. */
      readonly session?: { readonly host: string; readonly mode: 'enforce' | 'testing' };
      /** `successful`, or the kind of what went wrong (RFC 8460 §4.3). */
      readonly result: string;
      readonly reason?: string;
    }
  | { readonly kind: 'connectionClosed'; readonly dcid: string }
  | {
      readonly kind: 'transactionStarted';
      readonly dcid: string;
      readonly message: MessageId;
      readonly copy: number;
      readonly recipients: readonly number[];
    }
  /** An outcome that took effect in the fold of its owner, by this process or by another before it. */
  | {
      readonly kind: 'outcome';
      readonly partition: number;
      readonly record: QueueRecord;
      readonly traceparent?: string;
      readonly copy?: number;
      readonly acceptedAt?: number;
      /** It closed the last open recipient of its message. */
      readonly last?: boolean;
    }
  | { readonly kind: 'claimed'; readonly partition: number; readonly term: number }
  | { readonly kind: 'lost'; readonly partition: number; readonly reason: string }
  | { readonly kind: 'alarm'; readonly name: string; readonly detail: string };
