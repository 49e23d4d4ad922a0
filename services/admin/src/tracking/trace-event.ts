/** The history of a message as events, the way `trace` tells it. */
import {
  type AcceptedCopy,
  type Acceptance,
  type Event,
  EventKind,
  type EventRecipient,
} from '@mailyard/contracts/tracking';
import type { Decision as WireDecision, Reply as WireReply } from '@mailyard/contracts/records';
import type { Reply } from '@mailyard/mail';
import { type MessageAccepted, type MessageId, midOf, type QueueRecord } from '@mailyard/queue';
import type { FactKind } from './fact.ts';
import type { ToldEntry } from './history.ts';

/** An event of the tracking API with everything that most events lack left out. */
type EventParts = Partial<Event> & Pick<Event, 'kind'>;

const KINDS: Partial<Record<FactKind, Event['kind']>> = {
  RecipientDelivered: EventKind.EVENT_KIND_DELIVERED,
  RecipientDeferred: EventKind.EVENT_KIND_DEFERRED,
  RecipientBounced: EventKind.EVENT_KIND_BOUNCED,
  RecipientExpired: EventKind.EVENT_KIND_EXPIRED,
  RecipientDropped: EventKind.EVENT_KIND_DROPPED,
  RecipientRemoved: EventKind.EVENT_KIND_REMOVED,
};

interface KnownRecipient {
  readonly copy: number;
  readonly forwardPath: string;
}

/** What the records of one message, in order, tell. Recipients are part of the acceptance before them. */
export function eventsOf(message: MessageId, partition: number, entries: readonly ToldEntry[]): Event[] {
  const recipients = new Map<number, KnownRecipient>();
  const events: Event[] = [];
  const name = (rid: number): EventRecipient => {
    const known = recipients.get(rid);
    return {
      recipient: rid,
      mid: known === undefined ? message : midOf(message, known.copy),
      forwardPath: known?.forwardPath ?? '',
    };
  };
  for (const { record, offset, appendTime, isCounted } of entries) {
    if (record.type === 'RecipientQueued') {
      recipients.set(record.recipient, record);
      events.at(-1)?.recipients.push(name(record.recipient));
      continue;
    }
    if (record.type === 'MessageRestated')
      for (const restated of record.recipients) recipients.set(restated.recipient, restated);
    const parts = partsOf(record);
    if (parts === undefined) continue;
    const place = { message, partition, offset, loggedAt: appendTime, counted: isCounted };
    const rids = ridsOf(record);
    events.push({ at: 0, outcomeUnknown: false, ...parts, ...place, recipients: rids.map(name) });
  }
  return events;
}

function ridsOf(record: QueueRecord): readonly number[] {
  if (record.type === 'AttemptIntended') return record.recipients;
  if (record.type === 'MessageRestated') return record.recipients.map(({ recipient }) => recipient);
  return 'recipient' in record ? [record.recipient] : [];
}

function partsOf(record: QueueRecord): EventParts | undefined {
  switch (record.type) {
    case 'MessageAccepted':
      return { kind: EventKind.EVENT_KIND_ACCEPTED, at: record.at, acceptance: acceptanceOf(record) };
    case 'MessageRestated':
      return {
        kind: EventKind.EVENT_KIND_RESTATED,
        at: record.accepted.at,
        acceptance: acceptanceOf(record.accepted),
        attempt: wireDecision(record.decision),
      };
    case 'AttemptIntended': {
      const { at, attempt, host, route, routeVersion } = record;
      return { kind: EventKind.EVENT_KIND_ATTEMPT, at, attempt: wireDecision(attempt), host, route, routeVersion };
    }
    case 'RecipientQueued':
    case 'PartitionClaimed':
      return undefined;
    default:
      return outcomePartsOf(record);
  }
}

function outcomePartsOf(
  record: Exclude<
    QueueRecord,
    { type: 'MessageAccepted' | 'MessageRestated' | 'AttemptIntended' | 'RecipientQueued' | 'PartitionClaimed' }
  >,
): EventParts {
  const { at, attempt, reply, host, dcid, route, routeVersion } = record;
  return {
    kind: KINDS[record.type]!,
    at,
    ...(attempt === undefined ? {} : { attempt: wireDecision(attempt) }),
    ...(reply === undefined ? {} : { reply: wireReply(reply) }),
    ...(host === undefined ? {} : { host }),
    ...(dcid === undefined ? {} : { dcid }),
    ...(route === undefined ? {} : { route }),
    ...(routeVersion === undefined ? {} : { routeVersion }),
    ...('stage' in record ? { stage: record.stage } : {}),
    ...(record.type === 'RecipientDeferred' ? { dueAt: record.dueAt, outcomeUnknown: record.outcomeUnknown } : {}),
    ...(record.type === 'RecipientDelivered' && record.possible === true ? { outcomeUnknown: true } : {}),
    ...(record.type === 'RecipientBounced' ? { cause: record.cause } : {}),
    ...('reason' in record ? { reason: record.reason } : {}),
    ...('author' in record ? { author: record.author } : {}),
    ...('report' in record && record.report !== undefined ? { report: record.report } : {}),
    ...('warning' in record && record.warning !== undefined ? { report: record.warning } : {}),
  };
}

function acceptanceOf(record: MessageAccepted): Acceptance {
  const { injection, reversePath, headerMessageId, copies, traceparent, gateway, message, expansions = [] } = record;
  const reportOf = record.reportOf ?? record.warningOf;
  return {
    icid: injection.icid,
    listener: injection.listener,
    clientAddress: injection.clientAddress,
    helo: injection.helo,
    senderGroup: injection.senderGroup,
    flowPolicy: injection.flowPolicy,
    relayed: injection.relayed,
    ...(injection.user === undefined ? {} : { user: injection.user }),
    ...(reversePath === null ? {} : { reversePath }),
    ...(headerMessageId === undefined ? {} : { headerMessageId }),
    copies: copies.map(
      ({ policy, sizeOctets }, copy): AcceptedCopy => ({ mid: midOf(message, copy), policy, sizeOctets }),
    ),
    ...(reportOf === undefined ? {} : { reportOf: reportOf.message }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(gateway === undefined ? {} : { gateway }),
    expansions: expansions.map(({ received, mapped, alias, version, recipients }) => ({
      received,
      ...(mapped === undefined ? {} : { mapped }),
      ...(alias === undefined ? {} : { alias }),
      version,
      recipients: [...recipients],
    })),
  };
}

function wireDecision({ term, sequence }: WireDecision): WireDecision {
  return { term, sequence };
}

/** A reply in the words of the wire. */
export function wireReply({ code, enhancedStatus, text }: Reply): WireReply {
  return { code, text, ...(enhancedStatus === undefined ? {} : { enhancedStatus }) };
}
