import type { FinalOutcome, MessageId } from '../records.ts';
import type { OpenMessage } from '../open-message.ts';
import { emptyPartition, type PartitionState } from '../state.ts';
import type { SimulatedLog } from './simulated-log.ts';
import type { World } from './world.ts';

/** An hour covers a pause, the slowest reply and the slowest append. */
const LONGEST_ATTEMPT_MS = 3_600_000;
const LONGEST_LOG_MS = 6_000_000;

/** A reader of one partition that never restarted: what the log says officially, compared with what happened. */
export class Observer {
  readonly #world: World;
  readonly #log: SimulatedLog;
  readonly state: PartitionState = emptyPartition();
  /** The official end of each recipient. */
  readonly closed = new Map<string, FinalOutcome>();
  readonly reports = new Map<MessageId, { readonly message: MessageId; readonly recipient: number }>();
  /** When each attempt began to count. */
  readonly #begun = new Map<string, number>();
  compared = 0;

  constructor(world: World, log: SimulatedLog) {
    this.#world = world;
    this.#log = log;
    log.listeners.add(() => this.#read());
  }

  #read(): void {
    for (let next = this.state.nextOffset; next < this.#log.end; next++) {
      const logged = this.#log.records[next]!;
      const { record } = logged;
      if (record.type === 'RecipientDelivered' || record.type === 'RecipientDeferred') {
        for (const delivery of this.#world.truth.deliveries.get(`${record.message}/${record.recipient}`) ?? [])
          if (delivery.attempt.term === record.attempt?.term && delivery.attempt.sequence === record.attempt.sequence)
            delivery.landedAt ??= this.#world.simulation.now;
      }
      for (const effect of this.#world.fold(this.state, logged, this.#world.rules)) {
        if (effect.kind === 'closed') this.#close(effect.message, effect.recipient, effect.outcome);
        if (effect.kind === 'intended' && effect.recipients.length > 0) {
          this.#begun.set(`${effect.attempt.term}.${effect.attempt.sequence}`, this.#world.simulation.now);
          this.#checkBodies(effect.message);
        }
        if (effect.kind === 'claimed')
          for (const { id } of effect.dropped) this.#world.truth.violation(`${id} was open below a mark`);
        if (effect.kind === 'opened' && effect.accepted?.reportOf !== undefined) {
          if (this.reports.has(effect.message)) this.#world.truth.violation(`report ${effect.message} accepted twice`);
          this.reports.set(effect.message, effect.accepted.reportOf);
        }
      }
    }
  }

  /** Whoever begins an attempt must find the body (I6, I10). */
  #checkBodies(id: MessageId): void {
    for (const body of this.state.messages.get(id)!.envelope.bodies) {
      const there = body.kind === 'stored' ? this.#world.bodies.has(body.key) : body.offset >= this.#log.start;
      if (!there) this.#world.truth.violation(`${id} has lost its body`);
    }
  }

  #close(message: MessageId, recipient: number, outcome: FinalOutcome): void {
    const { truth, simulation } = this.#world;
    const key = `${message}/${recipient}`;
    if (this.closed.has(key)) truth.violation(`${key} closed twice`);
    else this.closed.set(key, outcome);
    if (outcome.type === 'RecipientDelivered' && !truth.deliveries.has(key))
      truth.violation(`${key} delivered in the log only`);
    if (outcome.type === 'RecipientBounced' && !truth.refusals.has(key)) truth.violation(`${key} bounced unrefused`);
    if (outcome.type !== 'RecipientDelivered') truth.notDelivered(message, recipient, simulation.now);
  }

  /** Readers that begin at the start of the log, and anywhere below it, must agree with the one that never restarted. */
  compare(): void {
    const { random, truth } = this.#world;
    for (const from of [this.#log.start, random.whole(this.#log.start + 1)]) {
      const fresh = emptyPartition(from, random.pick([1, 1_000, 1_000, 1_000]));
      for (let next = from; next < this.#log.end; next++)
        this.#world.fold(fresh, this.#log.records[next]!, this.#world.rules);
      if (fresh.claim === undefined) continue;
      this.compared += 1;
      const difference = differenceOf(this.state, fresh);
      if (difference !== undefined)
        truth.violation(`a reader from ${from} of [${this.#log.start}, ${this.#log.end}) differs: ${difference}`);
    }
  }

  /** An owner ends its attempts, however late; and old messages do not keep the log from being trimmed. */
  checkProgress(): void {
    const { truth, simulation, workers } = this.#world;
    for (const { id, attempts } of this.state.messages)
      for (const { attempt, incarnation } of attempts) {
        const age = simulation.now - this.#begun.get(`${attempt.term}.${attempt.sequence}`)!;
        if (age > LONGEST_ATTEMPT_MS && workers.some((worker) => worker.owns(this.#log.partition, incarnation)))
          truth.violation(`${id}: attempt ${attempt.term}.${attempt.sequence} of ${incarnation} never ends`);
      }
    const oldest = this.#log.records[this.#log.trimmed];
    if (oldest === undefined || this.#world.faults.undecodable > 0) return;
    const age = simulation.now + this.#log.skewMs - oldest.appendTime;
    if (age > LONGEST_LOG_MS)
      truth.violation(`partition ${this.#log.partition} holds ${Math.round(age / 60_000)} min of log`);
  }

  /** Everything accepted has ended, every failure was reported once, every report too has ended, and the log is short. */
  conclude(): void {
    const { truth, unreadable, simulation, faults } = this.#world;
    for (const { id } of this.state.messages) truth.violation(`${id} is still open at the end`);
    for (const [key, outcome] of this.closed) {
      if (outcome.type !== 'RecipientBounced' && outcome.type !== 'RecipientExpired') continue;
      if (outcome.report !== undefined && !this.reports.has(outcome.report)) truth.violation(`${key}: lost report`);
    }
    for (const [report, { message, recipient }] of this.reports) {
      const outcome = this.closed.get(`${message}/${recipient}`);
      const reported = outcome !== undefined && 'report' in outcome ? outcome.report : undefined;
      if (reported !== report) truth.violation(`false report ${report} on ${message}/${recipient}`);
      if (!this.closed.has(`${report}/0`) && !unreadable.has(`${report}/0`)) truth.violation(`report ${report} lost`);
    }
    const oldest = this.#log.records[this.#log.start];
    if (
      faults.undecodable === 0 &&
      oldest !== undefined &&
      oldest.appendTime < simulation.now + this.#log.skewMs - 30 * 60_000
    )
      truth.violation(`partition ${this.#log.partition} was not trimmed`);
    const unread = this.#log.records.findIndex(({ record }) => record.type === 'Undecodable');
    if (unread >= 0 && unread < this.#log.start) truth.violation('an undecodable record was trimmed');
  }
}

function differenceOf(long: PartitionState, fresh: PartitionState): string | undefined {
  if (long.claim?.term !== fresh.claim?.term) return `claim ${long.claim?.term} ${fresh.claim?.term}`;
  for (const message of long.messages) {
    const other = fresh.messages.get(message.id);
    if (other === undefined) return `${message.id} is missing`;
    const [a, b] = [describe(message), describe(other)];
    if (a !== b) return `${a} against ${b}`;
  }
  for (const { id } of fresh.messages) if (!long.messages.has(id)) return `${id} is a ghost`;
  return undefined;
}

function describe(message: OpenMessage): string {
  const recipients = [...message.recipients.values()]
    .map(
      ({ recipient, retries, dueAt, outcomeUnknown }) =>
        `${recipient}:${retries}:${Math.round(dueAt)}:${outcomeUnknown}`,
    )
    .sort();
  const attempts = message.attempts.map(
    ({ attempt, recipients: inside }) => `${attempt.term}.${attempt.sequence}(${[...inside].join()})`,
  );
  return `${message.id}@${message.fullStateOffset} [${recipients.join(' ')}] {${attempts.join(' ')}}`;
}
