/** What mail events add up to. Plain numbers, since every message passes here; instruments read them when asked. */
import type { MailEvent, QueueRecord } from '@mailyard/queue';
import type { COUNTERS, HistogramName } from './metric-catalogue.ts';

type CounterName = keyof typeof COUNTERS;

const STAGES: ReadonlySet<string> = new Set([
  'resolve',
  'connect',
  'greeting',
  'ehlo',
  'starttls',
  'auth',
  'mail',
  'rcpt',
  'data',
  'endOfData',
  'route',
  'body',
]);

/** Names of alarms are ours; this only keeps a mistake from filling the page. */
const MOST_ALARM_NAMES = 100;

type PlainCounter = Exclude<
  CounterName,
  | 'judgedConnections'
  | 'authentications'
  | 'deferrals'
  | 'bounced'
  | 'dropped'
  | 'connectionsTls'
  | 'mtaSts'
  | 'connectionFailures'
  | 'alarms'
>;

export class MailCounters {
  readonly plain: Record<PlainCounter, number> = {
    injectedMessages: 0,
    injectedRecipients: 0,
    refusedConnections: 0,
    rejectedSenders: 0,
    rejectedRecipients: 0,
    rejectedMessages: 0,
    delivered: 0,
    softBounces: 0,
    outcomeUnknown: 0,
    possibleDeliveries: 0,
    expired: 0,
    removed: 0,
    generatedBounces: 0,
    transactions: 0,
    connectionsIn: 0,
    connectionsOut: 0,
    claims: 0,
  };
  readonly labelled: Record<Exclude<CounterName, PlainCounter>, Map<string, number>> = {
    judgedConnections: new Map(),
    authentications: new Map(),
    deferrals: new Map(),
    bounced: new Map(),
    dropped: new Map(),
    connectionsTls: new Map(),
    mtaSts: new Map(),
    connectionFailures: new Map(),
    alarms: new Map(),
  };
  /** Now, unlike all else here. */
  openConnectionsIn = 0;
  openConnectionsOut = 0;
  readonly ownedPartitions = new Set<number>();
  readonly #record: (name: HistogramName, value: number) => void;

  constructor(record: (name: HistogramName, value: number) => void) {
    this.#record = record;
  }

  event(event: MailEvent): void {
    const { plain } = this;
    switch (event.kind) {
      case 'outcome':
        return this.#outcome(event.record, event.acceptedAt);
      case 'accepted':
        plain.injectedMessages += 1;
        plain.injectedRecipients += event.recipients.length;
        for (const { dropped, discardedBy } of event.recipients)
          if (discardedBy !== undefined) add(this.labelled.dropped, 'alias');
          else if (dropped) add(this.labelled.dropped, 'policy');
        this.#record('splinters', event.copies.length);
        return this.#record('dotToReply', event.dotToReplyMs / 1_000);
      case 'transactionStarted':
        plain.transactions += 1;
        return;
      case 'injectionOpened':
        plain.connectionsIn += 1;
        this.openConnectionsIn += 1;
        return;
      case 'injectionJudged':
        return add(this.labelled.judgedConnections, event.action);
      case 'injectionAuthentication':
        return add(this.labelled.authentications, event.result);
      case 'injectionClosed':
        this.openConnectionsIn -= 1;
        return;
      case 'injectionRefused':
        plain.refusedConnections += 1;
        return;
      case 'senderRefused':
        plain.rejectedSenders += 1;
        return;
      case 'recipientRefused':
        plain.rejectedRecipients += 1;
        return;
      case 'contentRefused':
        plain.rejectedMessages += 1;
        return;
      case 'connectionOpened':
        plain.connectionsOut += 1;
        this.openConnectionsOut += 1;
        return;
      case 'connectionTls':
        return add(this.labelled.connectionsTls, event.certificate);
      case 'mtaSts':
        return add(this.labelled.mtaSts, event.result);
      case 'connectionClosed':
        this.openConnectionsOut -= 1;
        return;
      case 'connectionFailed':
        return add(this.labelled.connectionFailures, stageLabel(event.stage));
      case 'claimed':
        plain.claims += 1;
        this.ownedPartitions.add(event.partition);
        return;
      case 'lost':
        this.ownedPartitions.delete(event.partition);
        return;
      case 'alarm': {
        const { alarms } = this.labelled;
        return add(alarms, alarms.has(event.name) || alarms.size < MOST_ALARM_NAMES ? event.name : 'other');
      }
      case 'injectionTls':
        return;
    }
  }

  #outcome(record: QueueRecord, acceptedAt: number | undefined): void {
    const { plain, labelled } = this;
    switch (record.type) {
      case 'RecipientDelivered':
        plain.delivered += 1;
        if (record.possible === true) plain.possibleDeliveries += 1;
        if (acceptedAt !== undefined) this.#record('acceptanceToDelivery', Math.max(0, record.at - acceptedAt) / 1_000);
        return;
      case 'RecipientDeferred':
        add(labelled.deferrals, stageLabel(record.stage));
        if (record.countsAsRetry) plain.softBounces += 1;
        if (record.outcomeUnknown) plain.outcomeUnknown += 1;
        return;
      case 'RecipientBounced':
        add(labelled.bounced, record.cause);
        if (record.report !== undefined) plain.generatedBounces += 1;
        return;
      case 'RecipientExpired':
        plain.expired += 1;
        if (record.report !== undefined) plain.generatedBounces += 1;
        return;
      case 'RecipientDropped':
        // One without a decision was dropped at acceptance and counted with it.
        if (record.decision !== undefined)
          add(labelled.dropped, record.reason.startsWith('global unsubscribe ') ? 'unsubscribe' : 'route');
        return;
      case 'RecipientRemoved':
        plain.removed += 1;
        return;
      default:
        return;
    }
  }
}

function stageLabel(stage: string): string {
  return STAGES.has(stage) ? stage : 'other';
}

function add(counts: Map<string, number>, label: string): void {
  counts.set(label, (counts.get(label) ?? 0) + 1);
}
