/** From the results of a transaction to outcomes in the log. */
import {
  afterSoftBounce,
  type BounceProfile,
  isWarningDue,
  judgeResult,
  type RecipientResult,
  type RecipientVerdict,
  type Stage,
} from '@mailyard/delivery-rules';
import { type Reply, reply } from '@mailyard/mail';
import type { OpenMessage, OpenRecipient, RecipientDeferred, RecipientDelivered } from '@mailyard/queue';
import type { Attempt } from './attempt.ts';
import { FactDraft, FinalDraft } from '../partitions/outcome-drafts.ts';
import type { Partition } from '../partitions/partition.ts';
import type { Walk } from '../partitions/walks.ts';

/** The connection and its destination, as far as outcomes depend on them. */
export interface Carried {
  readonly dcid: string;
  readonly hostText: string;
  readonly hostKey: string;
  /** Transactions that the connection had carried before this one. */
  readonly sentBefore: number;
  readonly profile: BounceProfile;
  /** What a host may have taken counts as delivered (R62). */
  readonly countsPossibleDelivery: boolean;
  /** Whether the destination has another host to try now. */
  hasOtherHost(tried: readonly string[]): boolean;
}

/** What the results together say of connection, host and destination. */
export interface Settlement {
  keepConnection: boolean;
  host: 'up' | 'slow' | 'failed';
  delivered: number;
  softBounced: number;
  hardBounced: number;
  lastReply: Reply | undefined;
}

/** Writes the outcome of every recipient of an attempt and tells what else follows. */
export function settle(attempt: Attempt, results: readonly RecipientResult[], carried: Carried): Settlement {
  const settlement: Settlement = {
    keepConnection: true,
    host: 'up',
    delivered: 0,
    softBounced: 0,
    hardBounced: 0,
    lastReply: undefined,
  };
  const circumstances = { sentBefore: carried.sentBefore, withheld: attempt.isWithheld };
  const isFutile = results.every(({ kind }) => kind === 'postponed');
  for (const each of results) {
    const result = isFutile ? refusedForNow(each) : each;
    const verdict = judgeResult(result, circumstances);
    if (verdict.connection === 'close') settlement.keepConnection = false;
    if (verdict.host === 'failed' || (verdict.host === 'slow' && settlement.host === 'up'))
      settlement.host = verdict.host;
    conclude(attempt, result.recipient, verdict.recipient, carried, settlement);
  }
  return settlement;
}

/** A host whose limit is no recipient at all: its 4yz is taken as one, or this would go on for ever (R106). */
function refusedForNow(result: RecipientResult): RecipientResult {
  if (result.kind !== 'postponed') return result;
  const said = result.reply ?? reply(452, '4.5.3', 'too many recipients');
  return { recipient: result.recipient, kind: 'refused', reply: said, stage: 'rcpt', appliesTo: 'recipient' };
}

function conclude(
  attempt: Attempt,
  recipient: number,
  verdict: RecipientVerdict,
  carried: Carried,
  settlement: Settlement,
): void {
  const { appends } = attempt.parcel.partition;
  switch (verdict.kind) {
    case 'delivered':
      settlement.delivered += 1;
      settlement.lastReply = verdict.reply;
      appends.add(new FactDraft(delivery(attempt, recipient, verdict.reply, carried)));
      return;
    case 'bounced':
      settlement.hardBounced += 1;
      settlement.lastReply = verdict.reply;
      finish(attempt, recipient, 'bounce', verdict.reply, verdict.stage, carried);
      return;
    case 'deferred':
      settlement.lastReply = verdict.reply;
      if (verdict.outcomeUnknown && carried.countsPossibleDelivery) {
        settlement.delivered += 1;
        appends.add(new FactDraft({ ...delivery(attempt, recipient, verdict.reply, carried), possible: true }));
        return;
      }
      settlement.softBounced += 1;
      softBounce(attempt, recipient, verdict.reply, verdict.stage, verdict.outcomeUnknown, true, carried);
      return;
    case 'again':
      putBack(attempt, recipient, verdict.stage, verdict.reason, carried);
      return;
    default: {
      settlement.lastReply = verdict.reply;
      const tried = [...(attempt.parcel.walk?.tried ?? []), carried.hostKey];
      if (carried.hasOtherHost(tried)) {
        const { reply: said, stage, countsAsRetry } = verdict;
        walkOn(attempt, recipient, { tried, reply: said, stage, host: carried.hostText, countsAsRetry }, carried);
      } else {
        settlement.softBounced += 1;
        softBounce(attempt, recipient, verdict.reply, verdict.stage, false, verdict.countsAsRetry, carried);
      }
    }
  }
}

/** What the record of any end of an attempt says of it. */
function endOf(attempt: Attempt, recipient: number, said: Reply, { hostText, dcid }: Carried) {
  const { partition, route } = attempt.parcel;
  return {
    message: attempt.message,
    recipient,
    attempt: attempt.decision!,
    reply: said,
    host: hostText,
    dcid,
    route,
    routeVersion: partition.routeVersion,
    at: partition.steadyNow().wall,
  };
}

function delivery(attempt: Attempt, recipient: number, said: Reply, carried: Carried): RecipientDelivered {
  // What is spread stands first: behind another field it costs three times as much.
  return { ...endOf(attempt, recipient, said, carried), type: 'RecipientDelivered' };
}

/** Ends the attempt without a final outcome. */
function deferral(
  attempt: Attempt,
  recipient: number,
  said: Reply,
  carried: Carried,
  fields: Pick<RecipientDeferred, 'stage' | 'dueAt' | 'countsAsRetry' | 'outcomeUnknown'>,
): RecipientDeferred {
  return { ...endOf(attempt, recipient, said, carried), type: 'RecipientDeferred', ...fields };
}

/** Due again at once: nothing was said about the recipient. */
function putBack(attempt: Attempt, recipient: number, stage: Stage, reason: string, carried: Carried): void {
  dueAtOnce(attempt, recipient, stage, reply(451, '4.4.2', reason), carried);
}

/** The same attempt in the sense of the retry schedule goes on at another host, as another attempt in the log. */
function walkOn(attempt: Attempt, recipient: number, walk: Walk, carried: Carried): void {
  attempt.parcel.partition.walks.set(attempt.message, recipient, walk);
  dueAtOnce(attempt, recipient, walk.stage, walk.reply, carried);
}

function dueAtOnce(attempt: Attempt, recipient: number, stage: Stage, said: Reply, carried: Carried): void {
  const { partition } = attempt.parcel;
  const dueAt = partition.steadyNow().wall;
  const record = deferral(attempt, recipient, said, carried, {
    stage,
    dueAt,
    countsAsRetry: false,
    outcomeUnknown: false,
  });
  partition.appends.add(new FactDraft(record));
}

/** A soft bounce (R70): due again later, or given up when the retries are used up. */
function softBounce(
  attempt: Attempt,
  recipient: number,
  said: Reply,
  stage: Stage,
  outcomeUnknown: boolean,
  countsAsRetry: boolean,
  carried: Carried,
): void {
  const { partition } = attempt.parcel;
  const message = partition.owner.state.messages.get(attempt.message);
  const known = message?.recipients.get(recipient);
  const now = partition.steadyNow().wall;
  const next = nextAttempt(known, attempt.startedAt, countsAsRetry, carried.profile, now);
  if (next.kind === 'giveUp') return finish(attempt, recipient, 'expire', said, stage, carried);
  const record = deferral(attempt, recipient, said, carried, { stage, outcomeUnknown, ...next.fields });
  const wasRefused = next.fields.countsAsRetry && !outcomeUnknown;
  if (wasRefused && message !== undefined && known !== undefined && isWarningDue(carried.profile, known, now))
    warn(partition, message, record);
  else partition.appends.add(new FactDraft(record));
}

/** The warning is made first, since it goes into the same batch. Where it cannot be had now, a later one will do. */
function warn(partition: Partition, message: OpenMessage, record: RecipientDeferred): void {
  const { recipient, reply: said, host } = record;
  partition.reports.make(partition.number, message, recipient, { kind: 'delay', reply: said, host }).then(
    (made) =>
      partition.appends.add(
        made === undefined ? new FactDraft(record) : new FactDraft({ ...record, warning: made.id }, made.records),
      ),
    () => partition.appends.add(new FactDraft(record)),
  );
}

type NextAttempt =
  | { readonly kind: 'giveUp' }
  | { readonly kind: 'retry'; readonly fields: Pick<RecipientDeferred, 'dueAt' | 'countsAsRetry'> };

/** When a recipient is tried again after a soft bounce. One that was tried before its time keeps its schedule (R74). */
export function nextAttempt(
  known: OpenRecipient | undefined,
  startedAt: number,
  countsAsRetry: boolean,
  profile: BounceProfile,
  now: number,
): NextAttempt {
  if (known !== undefined && known.dueAt > startedAt) {
    // Under another bounce profile it may have waited for longer than is allowed now.
    const dueAt = Math.min(Math.max(known.dueAt, now + profile.initialWaitMs), now + profile.maxWaitMs);
    return { kind: 'retry', fields: { dueAt, countsAsRetry: false } };
  }
  if (!countsAsRetry) return { kind: 'retry', fields: { dueAt: now + profile.initialWaitMs, countsAsRetry: false } };
  const next = afterSoftBounce(profile, known?.retries ?? 0, now);
  return next.kind === 'giveUp' ? next : { kind: 'retry', fields: { dueAt: next.dueAt, countsAsRetry: true } };
}

/** A final refusal: the report is made first, since it goes into the same batch (I9). */
function finish(
  attempt: Attempt,
  recipient: number,
  kind: 'bounce' | 'expire',
  said: Reply,
  stage: Stage,
  carried: Carried,
): void {
  const { partition, route } = attempt.parcel;
  const { profile, hostText: host, dcid } = carried;
  const dueAt = partition.steadyNow().wall + profile.initialWaitMs;
  const otherwise = deferral(attempt, recipient, said, carried, {
    stage,
    dueAt,
    countsAsRetry: true,
    outcomeUnknown: false,
  });
  const common = { attempt: attempt.decision!, reply: said, host, dcid, route, routeVersion: partition.routeVersion };
  const message: OpenMessage | undefined = partition.owner.state.messages.get(attempt.message);
  if (message === undefined) {
    partition.appends.add(new FactDraft(otherwise));
    return;
  }
  partition.reports.make(partition.number, message, recipient, { kind, reply: said, host }).then(
    (report) =>
      partition.appends.add(
        new FinalDraft(
          partition,
          attempt.message,
          recipient,
          kind === 'bounce' ? { kind, fields: { ...common, cause: '5xx', stage } } : { kind, fields: common },
          report,
          otherwise,
        ),
      ),
    // Without its report a bounce would be silent: later.
    () => partition.appends.add(new FactDraft(otherwise)),
  );
}
