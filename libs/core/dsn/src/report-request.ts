import type { Address, Reply } from '@mailyard/mail';
import type { MessageId } from '@mailyard/queue';

/** RFC 3464 §2.3.3; `delivered` and `expanded` are for those who deliver and expand. */
export type ReportAction = 'failed' | 'delayed' | 'relayed';

/** Octets that are returned of the original: all of it, or at least its first ones. */
export interface OriginalContent {
  readonly octets: Uint8Array;
  /** Of the whole content; larger than `octets` when only its beginning is there. */
  readonly sizeOctets: number;
}

/** Everything that a report says; the same request is the same report, octet for octet. */
export interface ReportRequest {
  /** Id of the report as a message: `reportIdOf(message, recipient)`. */
  readonly id: MessageId;
  /** When it is made, milliseconds of the epoch. */
  readonly at: number;
  /** The host name of this gateway. */
  readonly reportingMta: string;
  readonly action: ReportAction;
  /** To whom it goes: the reverse-path of the original. */
  readonly reversePath: Address;
  readonly arrivedAt: number;
  readonly ret?: 'FULL' | 'HDRS';
  /** In its xtext form, as it came. */
  readonly envid?: string;
  readonly smtpUtf8: boolean;
  /** The header's Message-ID with its angle brackets. */
  readonly headerMessageId?: string;
  readonly forwardPath: Address;
  /** `addr-type;xtext`, as it came. */
  readonly orcpt?: string;
  /** The outcome's reply: the remote host's, or ours when nobody spoke. */
  readonly reply: Reply;
  /** `name [address]:port` of the host whose reply it is; absent when nobody spoke. */
  readonly host?: string;
  readonly lastAttemptAt?: number;
  /** For `delayed`: when it will be given up. */
  readonly willRetryUntil?: number;
  /** Absent when it is not to be had: then nothing is returned. */
  readonly original?: OriginalContent;
  /** What is returned of the original at most, in octets; 10 KiB when absent (R79). */
  readonly returnLimitOctets?: number;
}

/**
 * Whether the sender is to be told (RFC 3461 §4.1, §5.2; R79): never at the null reverse-path, never against NOTIFY, and
 * of a success only when asked.
 *
 * @param notify as it came with RCPT; without one a failure is reported, and a delay may be
 */
export function wantsReport(
  reversePath: Address | null,
  notify: string | undefined,
  action: ReportAction,
): reversePath is Address {
  if (reversePath === null) return false;
  if (notify === undefined) return action !== 'relayed';
  const wanted = notify.toUpperCase().split(',');
  return wanted.includes({ failed: 'FAILURE', delayed: 'DELAY', relayed: 'SUCCESS' }[action]);
}
