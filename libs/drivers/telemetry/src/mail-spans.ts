/** Turns mail events into spans: receive, store, attempt, outcome; one trace from RCPT to the final reply. */
import type { MailEvent, QueueRecord } from '@mailyard/queue';
import { midOf } from '@mailyard/queue';
import { isInShare, parseTraceparent, type SpanIds, type TraceContext } from './traceparent.ts';

/** A span, by the wall clock in milliseconds. */
export interface MailSpan {
  readonly name: 'receive' | 'store' | 'attempt' | 'outcome';
  readonly kind: 'server' | 'client' | 'internal';
  readonly context: TraceContext;
  readonly parentSpanId?: string;
  readonly startAt: number;
  readonly endAt: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** Present when it failed: what went wrong. */
  readonly error?: string;
}

type Accepted = Extract<MailEvent, { kind: 'accepted' }>;
type OutcomeEvent = Extract<MailEvent, { kind: 'outcome' }>;

export class MailSpans {
  readonly #share: number;
  readonly #ids: SpanIds;
  readonly #emit: (span: MailSpan) => void;
  readonly #now: () => number;
  /** When the transaction began that a connection is in. */
  readonly #transactions = new Map<string, number>();

  /** @param share which share of the messages is traced, 0 to 1 */
  constructor(share: number, ids: SpanIds, now: () => number, emit: (span: MailSpan) => void) {
    this.#share = share;
    this.#ids = ids;
    this.#now = now;
    this.#emit = emit;
  }

  event(event: MailEvent): void {
    if (event.kind === 'accepted') this.#accepted(event);
    else if (event.kind === 'transactionStarted') this.#transactions.set(event.dcid, this.#now());
    else if (event.kind === 'connectionClosed') this.#transactions.delete(event.dcid);
    else if (event.kind === 'outcome') this.#outcome(event);
  }

  #accepted(event: Accepted): void {
    const context = this.#contextOf(event.traceparent);
    if (context === undefined) return;
    this.#emit({
      name: 'receive',
      kind: 'server',
      context,
      startAt: event.startedAt,
      endAt: event.endedAt,
      attributes: {
        'mailyard.message': event.message,
        'mailyard.icid': event.icid,
        'mailyard.partition': event.partition,
        'mailyard.recipients': event.recipients.length,
        'mailyard.copies': event.copies.length,
      },
    });
    this.#emit({
      name: 'store',
      kind: 'internal',
      context: { ...context, spanId: this.#ids.next() },
      parentSpanId: context.spanId,
      startAt: event.endedAt - event.dotToReplyMs,
      endAt: event.endedAt,
      attributes: { 'mailyard.message': event.message, 'mailyard.partition': event.partition },
    });
  }

  #contextOf(traceparent: string | undefined): TraceContext | undefined {
    const context = traceparent === undefined ? undefined : parseTraceparent(traceparent);
    return context?.sampled === true && isInShare(context.traceId, this.#share) ? context : undefined;
  }

  /** One span a recipient: its attempt's, from the start of the transaction to the outcome. */
  #outcome(event: OutcomeEvent): void {
    const { record } = event;
    if (!('recipient' in record) || record.type === 'RecipientQueued') return;
    const context = this.#contextOf(event.traceparent);
    if (context === undefined) return;
    const tried = record.attempt !== undefined;
    const began = record.dcid === undefined ? undefined : this.#transactions.get(record.dcid);
    this.#emit({
      name: tried ? 'attempt' : 'outcome',
      kind: tried ? 'client' : 'internal',
      context: { ...context, spanId: this.#ids.next() },
      parentSpanId: context.spanId,
      startAt: Math.min(began ?? record.at, record.at),
      endAt: record.at,
      attributes: attributesOf(event, record),
      ...errorOf(record),
    });
  }
}

type OutcomeRecord = Exclude<Extract<QueueRecord, { recipient: number }>, { type: 'RecipientQueued' }>;

function attributesOf(event: OutcomeEvent, record: OutcomeRecord): Record<string, string | number | boolean> {
  const attributes: Record<string, string | number | boolean> = {
    'mailyard.message': record.message,
    'mailyard.mid': event.copy === undefined ? record.message : midOf(record.message, event.copy),
    'mailyard.rid': record.recipient,
    'mailyard.outcome': record.type,
    'mailyard.partition': event.partition,
  };
  if (record.host !== undefined) attributes['mailyard.host'] = record.host;
  if (record.dcid !== undefined) attributes['mailyard.dcid'] = record.dcid;
  if (record.route !== undefined) attributes['mailyard.route'] = record.route;
  if (record.routeVersion !== undefined) attributes['mailyard.route_version'] = record.routeVersion;
  if (record.attempt !== undefined)
    attributes['mailyard.attempt'] = `${record.attempt.term}/${record.attempt.sequence}`;
  if (record.reply !== undefined) attributes['smtp.reply_code'] = record.reply.code;
  if (record.type === 'RecipientDeferred') attributes['mailyard.outcome_unknown'] = record.outcomeUnknown;
  return attributes;
}

function errorOf(record: OutcomeRecord): { readonly error: string } | undefined {
  if (record.type === 'RecipientDeferred' || record.type === 'RecipientBounced')
    return { error: record.reply === undefined ? record.stage : `${record.stage}: ${record.reply.code}` };
  return record.type === 'RecipientExpired' ? { error: 'expired' } : undefined;
}
