/** Random logs of one partition: acceptances, intents, outcomes, claims, restatements, late and double ones. */
import {
  type Decision,
  emptyPartition,
  fold,
  type Incarnation,
  type LoggedRecord,
  makeMessageId,
  type MessageId,
  type OpenMessage,
  type QueueRecord,
  reportIdOf,
} from '@mailyard/queue';
import * as fc from 'fast-check';
import { acceptance } from './mail-records.suite.ts';

export const START = 1_790_000_000_000;
const MESSAGES = 4;
const RECIPIENTS = 3;

export const messageOf = (number: number): MessageId =>
  makeMessageId(START + number * 1_000, new Uint8Array(10).fill(number + 1));

const incarnation = 'one' as Incarnation;

/** What is to be written next; numbers are taken modulo what there is. */
interface Step {
  readonly kind:
    | 'accept'
    | 'intend'
    | 'deliver'
    | 'defer'
    | 'postpone'
    | 'bounce'
    | 'expire'
    | 'drop'
    | 'remove'
    | 'claim'
    | 'restate'
    | 'again'
    | 'undecodable';
  readonly message: number;
  readonly recipient: number;
  readonly attempt: number;
  /** A decision of an earlier term, or with a sequence that was used. */
  readonly isStale: boolean;
  readonly flag: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(
    ...(['accept', 'accept', 'accept', 'intend', 'intend', 'intend', 'deliver', 'deliver', 'defer', 'defer'] as const),
    ...(['postpone', 'bounce', 'expire', 'drop', 'remove', 'claim', 'restate', 'again', 'undecodable'] as const),
  ),
  message: fc.nat(MESSAGES - 1),
  recipient: fc.nat(RECIPIENTS - 1),
  attempt: fc.nat(5),
  isStale: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  flag: fc.boolean(),
});

const steps = fc.array(step, { minLength: 5, maxLength: 80 });

export const randomLog: fc.Arbitrary<LoggedRecord[]> = steps.map((some) => new LogWriter(true).write(some));

/** No number of a decision is used for two of them, as no owner does: what is made of the second depends on what is in memory. */
export const orderlyLog: fc.Arbitrary<LoggedRecord[]> = steps.map((some) => new LogWriter(false).write(some));

class LogWriter {
  readonly #log: LoggedRecord[] = [];
  readonly #state = emptyPartition();
  /** By message: how many recipients its acceptance has. */
  readonly #counts = new Map<MessageId, number>();
  readonly #attempts: { readonly attempt: Decision; readonly message: MessageId }[] = [];
  readonly #reusesDecisions: boolean;
  #sequence = 0;

  constructor(reusesDecisions: boolean) {
    this.#reusesDecisions = reusesDecisions;
  }

  write(steps: readonly Step[]): LoggedRecord[] {
    for (let number = 0; number < MESSAGES; number++) this.#counts.set(messageOf(number), 1 + (number % RECIPIENTS));
    this.#append({ type: 'PartitionClaimed', worker: 'w', incarnation, claim: 1, mark: 0, at: START });
    for (const one of steps) this.#step(one);
    return this.#log;
  }

  #append(...records: (QueueRecord | { readonly type: 'Undecodable'; readonly reason: string })[]): void {
    const appendTime = START + this.#log.length * 100;
    for (const record of records) {
      const logged = { offset: this.#log.length, appendTime, sizeOctets: 100, record };
      this.#log.push(logged);
      fold(this.#state, logged);
    }
  }

  #decision(isStale: boolean): Decision {
    const term = this.#state.claim!.term;
    if (!isStale || !this.#reusesDecisions) this.#sequence += 1;
    return { term: isStale && this.#sequence % 2 === 0 ? Math.max(0, term - 1) : term, sequence: this.#sequence };
  }

  #step({ kind, message: number, recipient, attempt: which, isStale, flag }: Step): void {
    const message = messageOf(number);
    const tried = this.#attempts.length === 0 ? undefined : this.#attempts[which % this.#attempts.length];
    const of = tried?.message ?? message;
    const outcome = { message: of, recipient: recipient % this.#counts.get(of)!, at: START };
    const ended = tried === undefined ? {} : { attempt: tried.attempt };
    switch (kind) {
      case 'accept':
        return this.#append(...acceptance(message, START + number, this.#counts.get(message)!));
      case 'intend': {
        const attempt = this.#decision(isStale);
        this.#attempts.push({ attempt, message });
        const count = this.#counts.get(message)!;
        const recipients = flag ? [recipient % count] : Array.from({ length: count }, (_, rid) => rid);
        const route = { host: 'h [192.0.2.1]:25', route: 'ALL', routeVersion: 1 };
        return this.#append({
          type: 'AttemptIntended',
          message,
          recipients,
          attempt,
          incarnation,
          ...route,
          at: START,
        });
      }
      case 'deliver':
        return this.#append({ type: 'RecipientDelivered', ...outcome, ...ended });
      case 'defer':
      case 'postpone': {
        const decision = kind === 'postpone' ? { decision: this.#decision(isStale) } : ended;
        const waiting = { stage: 'rcpt', dueAt: START + this.#log.length, countsAsRetry: flag, outcomeUnknown: flag };
        return this.#append({ type: 'RecipientDeferred', ...outcome, ...decision, ...waiting });
      }
      case 'bounce':
        return this.#bounce(outcome, isStale, flag);
      case 'expire':
        return this.#append({ type: 'RecipientExpired', ...outcome, decision: this.#decision(isStale) });
      case 'drop':
        return this.#append({
          type: 'RecipientDropped',
          ...outcome,
          reason: 'r',
          ...(flag ? {} : { decision: this.#decision(isStale) }),
        });
      case 'remove':
        return this.#append({
          type: 'RecipientRemoved',
          ...outcome,
          decision: this.#decision(isStale),
          reason: 'r',
          author: 'a',
        });
      case 'claim':
        return this.#claim();
      case 'restate':
        return this.#restate(message, isStale);
      case 'again': {
        const { record } = this.#log[Math.floor((which / 6) * this.#log.length)]!;
        if (record.type !== 'Undecodable' && record.type !== 'PartitionClaimed') this.#append(record);
        return;
      }
      case 'undecodable':
        this.#append({ type: 'Undecodable', reason: 'random' });
    }
  }

  #bounce(outcome: { message: MessageId; recipient: number; at: number }, isStale: boolean, isReported: boolean): void {
    const decision = this.#decision(isStale);
    const report = reportIdOf(outcome.message, outcome.recipient);
    const bounced = { type: 'RecipientBounced', ...outcome, decision, cause: '5xx', stage: 'rcpt' } as const;
    if (!isReported) return this.#append(bounced);
    this.#counts.set(report, 1);
    const reportOf = { message: outcome.message, recipient: outcome.recipient };
    this.#append({ ...bounced, report }, ...acceptance(report, START, 1, reportOf));
  }

  /** The mark of an owner: nothing that is open lies below it. */
  #claim(): void {
    const mark = Math.min(this.#state.messages.first()?.fullStateOffset ?? this.#log.length, this.#log.length);
    this.#append({ type: 'PartitionClaimed', worker: 'w', incarnation, claim: this.#log.length, mark, at: START });
  }

  #restate(id: MessageId, isStale: boolean): void {
    const open = this.#state.messages.get(id);
    if (open !== undefined) this.#append(restatement(open, this.#decision(isStale)));
  }
}

function restatement(message: OpenMessage, decision: Decision): QueueRecord {
  const bodies = [{ kind: 'stored', key: 'k', sizeOctets: 9, crc32: 0 }] as const;
  return {
    type: 'MessageRestated',
    message: message.id,
    decision,
    accepted: { ...message.envelope, type: 'MessageAccepted', message: message.id, bodies },
    recipients: [...message.recipients.values()],
    attempts: message.attempts.map(({ attempt, recipients, host }) => ({
      attempt,
      incarnation,
      recipients: [...recipients],
      host,
    })),
  };
}
