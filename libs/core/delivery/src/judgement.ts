/**
 * What a reply, or its absence, means: for the recipient, the connection and the host. Nobody else looks at the digits
 * of a reply (after Postfix, `smtp_trouble.c`).
 *
 * - Up to and including MAIL, a connection failure, a time-out or a 4yz is the host's failure: the next host is tried
 *   at once (R59, R60). So is a 5yz before MAIL: the mail stays queued (R60).
 * - From MAIL on a 5yz is final for the recipients it concerns; a 4yz to RCPT, DATA or the dot is a soft bounce (R60, R107).
 * - A connection lost before the dot took nothing: next host. After the dot nothing is known: soft bounce, no other
 *   host in this attempt (R61).
 */
import { isPermanent, type Reply, reply } from '@mailyard/mail';
import type { DestinationFault } from './host-plan.ts';
import type { RecipientResult, SessionFailure, Stage } from './ports.ts';

/** What becomes of the recipient. */
export type RecipientVerdict =
  | { readonly kind: 'delivered'; readonly reply: Reply }
  | { readonly kind: 'bounced'; readonly reply: Reply; readonly stage: Stage }
  /** A soft bounce: it uses up a retry. */
  | { readonly kind: 'deferred'; readonly reply: Reply; readonly stage: Stage; readonly outcomeUnknown: boolean }
  /** The same attempt goes on at the next host; if there is none it is a soft bounce when `countsAsRetry`. */
  | { readonly kind: 'nextHost'; readonly reply: Reply; readonly stage: Stage; readonly countsAsRetry: boolean }
  /** Nothing was said about it: to be sent again at once, over this connection or another (R106). */
  | { readonly kind: 'again'; readonly stage: Stage; readonly reason: string };

export interface Verdict {
  readonly recipient: RecipientVerdict;
  /** Whether the connection may carry another transaction, as far as this result tells. */
  readonly connection: 'keep' | 'close';
  /** `failed`: not to be used for a while unless others of its connections work; `slow`: fewer connections. */
  readonly host: 'up' | 'slow' | 'failed';
}

export interface TransactionCircumstances {
  /** Transactions that this connection had carried before: a peer may close an idle one at any time. */
  readonly sentBefore: number;
  /** We withheld the dot, since the proof of ownership was missing (I4): it says nothing about the host. */
  readonly withheld: boolean;
}

const LOST_ENHANCED = '4.4.2';

/** Judges the result of one recipient of a transaction. */
export function judgeResult(result: RecipientResult, circumstances: TransactionCircumstances): Verdict {
  switch (result.kind) {
    case 'accepted':
      return { recipient: { kind: 'delivered', reply: result.reply }, connection: 'keep', host: 'up' };
    case 'postponed':
      return {
        recipient: { kind: 'again', stage: 'rcpt', reason: 'over the recipient limit of the host' },
        connection: 'keep',
        host: 'up',
      };
    case 'unknown': {
      const silence = reply(451, LOST_ENHANCED, `outcome unknown: ${result.reason}`);
      return {
        recipient: { kind: 'deferred', reply: silence, stage: 'endOfData', outcomeUnknown: true },
        connection: 'close',
        host: 'slow',
      };
    }
    case 'failed':
      return judgeLoss(result.stage, result.reason, circumstances);
    default:
      return judgeRefusal(result);
  }
}

function judgeLoss(stage: Stage, reason: string, { sentBefore, withheld }: TransactionCircumstances): Verdict {
  if (withheld) return { recipient: { kind: 'again', stage, reason }, connection: 'close', host: 'up' };
  // An idle connection that the peer had closed: nothing was asked of the host yet.
  if (stage === 'mail' && sentBefore > 0)
    return { recipient: { kind: 'again', stage, reason }, connection: 'close', host: 'up' };
  const lost = reply(451, LOST_ENHANCED, reason);
  return {
    recipient: { kind: 'nextHost', reply: lost, stage, countsAsRetry: stage !== 'mail' },
    connection: 'close',
    host: stage === 'mail' ? 'failed' : 'slow',
  };
}

function judgeRefusal(result: Extract<RecipientResult, { kind: 'refused' }>): Verdict {
  const { reply, stage, appliesTo } = result;
  // 421 announces the end of the session, whatever it answers (RFC 5321 §3.8).
  const closing = reply.code === 421 || appliesTo === 'session';
  const connection = closing ? 'close' : 'keep';
  if (isPermanent(reply)) {
    const recipient: RecipientVerdict =
      isBeforeMail(stage) || (appliesTo === 'session' && stage !== 'endOfData')
        ? { kind: 'nextHost', reply, stage, countsAsRetry: false }
        : { kind: 'bounced', reply, stage };
    return { recipient, connection, host: recipient.kind === 'bounced' ? 'up' : 'failed' };
  }
  if (isBeforeMail(stage) || stage === 'mail')
    return { recipient: { kind: 'nextHost', reply, stage, countsAsRetry: true }, connection, host: 'slow' };
  return {
    recipient: { kind: 'deferred', reply, stage, outcomeUnknown: false },
    connection,
    // 4yz to RCPT is about a mailbox; to DATA or the dot about the host.
    host: stage === 'rcpt' && !closing ? 'up' : 'slow',
  };
}

function isBeforeMail(stage: Stage): boolean {
  return stage !== 'mail' && stage !== 'rcpt' && stage !== 'data' && stage !== 'endOfData';
}

/** What a session that could not be opened says of its host: as a reply for records, and whether the host spoke. */
export interface SessionVerdict {
  readonly reply: Reply;
  readonly stage: Stage;
  /** `slow`: it answers, but not to this many connections; only with others of ours open (4yz, time-outs). */
  readonly host: 'slow' | 'failed';
}

/**
 * Judges a session that could not be opened. In every case the next host is tried (R57, R59, R60).
 *
 * @param openConnections others of ours that the host serves now
 */
export function judgeSession(failure: SessionFailure, openConnections: number): SessionVerdict {
  const { stage, reason } = failure;
  // TLS that is demanded and not to be had, or a certificate that does not hold (RFC 3463 §3.8).
  const said = failure.reply ?? reply(451, stage === 'starttls' ? '4.7.5' : '4.4.1', reason);
  const overloaded = openConnections > 0 && stage !== 'starttls' && stage !== 'auth' && !isPermanent(said);
  return { reply: said, stage, host: overloaded ? 'slow' : 'failed' };
}

/** A domain that the DNS says takes no mail, as a reply (R63). */
export function replyOfFault(enhancedStatus: DestinationFault['enhancedStatus'], reason: string): Reply {
  return reply(enhancedStatus.startsWith('4') ? 451 : 550, enhancedStatus, reason);
}
