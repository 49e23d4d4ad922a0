/** What is decided about recipients without an attempt: expired, dropped, bounced by the DNS, put off. */
import { type DestinationFault, replyOfFault, type Unsubscribed } from '@mailyard/delivery-rules';
import { type Reply, reply as replyOf } from '@mailyard/mail';
import type { Fields, MessageId, OpenMessage, OpenRecipient, RecipientDeferred } from '@mailyard/queue';
import type { HostFailure } from '../connections/opening.ts';
import { DecisionDraft, type FinalDecision, FinalDraft } from '../partitions/outcome-drafts.ts';
import type { Walk } from '../partitions/walks.ts';
import type { Partition } from '../partitions/partition.ts';
import type { BounceProfile } from '@mailyard/delivery-rules';
import { nextAttempt } from './settle.ts';

const UNWANTED = replyOf(550, '5.7.1', 'the recipient is sent no mail by this system');

/** A decision that needs a report which could not be made is looked at again after this. */
export type Later = (partition: Partition, message: MessageId, recipient: number) => void;

/** A recipient that is too old, or has used up its retries (R70, R73). */
export function expire(partition: Partition, message: OpenMessage, rid: number, route: string, later: Later): void {
  const fields = { route, routeVersion: partition.routeVersion };
  decide(partition, message, rid, { kind: 'expire', fields }, undefined, undefined, later);
}

/** A destination that does not exist or takes no mail, by all that the DNS says (R63). */
export function bounceByDns(
  partition: Partition,
  message: OpenMessage,
  rid: number,
  route: string,
  faults: readonly DestinationFault[],
  later: Later,
): void {
  const fault = faults.find(({ kind }) => kind === 'permanent')!;
  const reply = replyOfFault(fault.enhancedStatus, faults.map(({ reason }) => reason).join('; '));
  const fields = { cause: 'dns', stage: 'resolve', reply, route, routeVersion: partition.routeVersion } as const;
  decide(partition, message, rid, { kind: 'bounce', fields }, reply, undefined, later);
}

/** Who is sent nothing (R148): dropped, or returned with a report. */
export function unsubscribe(
  partition: Partition,
  message: OpenMessage,
  rid: number,
  route: string,
  { recipient, action }: Unsubscribed,
  later: Later,
): void {
  const reason = `global unsubscribe ${recipient}`;
  if (action === 'drop') {
    drop(partition, message, rid, route, reason);
    return;
  }
  const { routeVersion } = partition;
  const fields = { cause: 'filter', stage: 'unsubscribe', reason, reply: UNWANTED, route, routeVersion } as const;
  decide(partition, message, rid, { kind: 'bounce', fields }, UNWANTED, undefined, later);
}

/** `/dev/null` (R64), where nothing else is the reason: no report, counted as dropped. */
export function drop(
  partition: Partition,
  message: OpenMessage,
  rid: number,
  route: string,
  reason = '/dev/null',
): void {
  partition.underway.add(message.id, rid);
  const fields = { reason, route, routeVersion: partition.routeVersion };
  partition.appends.add(new DecisionDraft(partition, message.id, rid, { kind: 'drop', fields }));
}

/** Records once that a recipient waits for its hosts, which uses up no retry (R77). */
export function recordWait(
  partition: Partition,
  message: OpenMessage,
  rid: number,
  route: string,
  until: number,
  { reply, stage, host }: HostFailure,
): void {
  putOff(partition, message.id, rid, {
    route,
    routeVersion: partition.routeVersion,
    reply,
    stage,
    dueAt: until,
    countsAsRetry: false,
    outcomeUnknown: false,
    ...(host === '' ? {} : { host }),
  });
}

/** All hosts have failed a recipient in one attempt: the last failure stands (R60). */
export function endWalk(
  partition: Partition,
  message: OpenMessage,
  { recipient: rid, ...known }: OpenRecipient,
  route: string,
  walk: Walk,
  profile: BounceProfile,
  later: Later,
): void {
  const now = partition.steadyNow().wall;
  const { reply, stage, host, countsAsRetry } = walk;
  const next = nextAttempt({ recipient: rid, ...known }, now, countsAsRetry, profile, now);
  const common = { reply, host, route, routeVersion: partition.routeVersion };
  if (next.kind === 'giveUp') decide(partition, message, rid, { kind: 'expire', fields: common }, reply, host, later);
  else putOff(partition, message.id, rid, { ...common, stage, outcomeUnknown: false, ...next.fields });
}

function putOff(partition: Partition, message: MessageId, rid: number, fields: Fields<RecipientDeferred>): void {
  partition.underway.add(message, rid);
  partition.appends.add(new DecisionDraft(partition, message, rid, { kind: 'defer', fields }));
}

function decide(
  partition: Partition,
  message: OpenMessage,
  rid: number,
  decision: FinalDecision,
  reply: Reply | undefined,
  host: string | undefined,
  later: Later,
): void {
  const { id } = message;
  partition.underway.add(id, rid);
  partition.reports.make(partition.number, message, rid, { kind: decision.kind, reply, host }).then(
    (report) => partition.appends.add(new FinalDraft(partition, id, rid, decision, report, undefined)),
    () => later(partition, id, rid),
  );
}
