import type { PartitionOwner } from '../owner.ts';
import type { OwnerEffect } from '../owner-effect.ts';
import type { Incarnation, MessageId, QueueRecord } from '../records.ts';
import type { OpenMessage, StoredReference } from '../open-message.ts';
import { PendingOutcomes } from './pending-outcomes.ts';
import { reportRecords } from './report.ts';
import type { AppendResult, SimulatedLog } from './simulated-log.ts';
import type { PartitionHome, PartitionHost } from './roles.ts';
import { Transaction } from './transaction.ts';
import type { World } from './world.ts';

const MOST_AT_ONCE = 200;

/** What a delivery worker does for one of its partitions, around the real {@link PartitionOwner}. */
export class SimulatedPartition implements PartitionHome {
  readonly worker: PartitionHost;
  readonly world: World;
  readonly log: SimulatedLog;
  readonly owner: PartitionOwner;
  readonly outcomes: PendingOutcomes;
  readonly #incarnation: Incarnation;
  readonly #transactions = new Map<string, Transaction>();
  #next = 0;
  #reading = false;
  #assigned = false;

  constructor(worker: PartitionHost, log: SimulatedLog) {
    this.worker = worker;
    this.world = worker.world;
    this.#incarnation = worker.incarnation;
    this.log = log;
    this.owner = this.world.owner({
      partition: log.partition,
      worker: worker.name,
      incarnation: worker.incarnation,
      hotRecipients: this.world.random.pick([1, 1_000, 1_000, 1_000, 1_000]),
      exclusive: this.world.faults.embedded,
      rules: this.world.rules,
      fold: this.world.fold,
    });
    this.outcomes = new PendingOutcomes(this);
    log.listeners.add(() => this.#wake());
  }

  get assignedNow(): boolean {
    return this.#assigned;
  }

  assigned(): void {
    if (this.#assigned) return;
    this.#assigned = true;
    this.owner.assigned(this.worker.now());
    this.#next = this.log.start;
    this.#wake();
    this.#claim();
  }

  revoked(): void {
    if (!this.#assigned) return;
    this.#assigned = false;
    this.owner.revoked(this.worker.now());
  }

  #wake(): void {
    if (this.#reading || !this.#assigned || this.worker.incarnation !== this.#incarnation) return;
    this.#reading = true;
    const { random } = this.world;
    const late = !this.world.healthy && random.chance(0.02);
    this.worker.after(late ? random.spread(100, 20_000) : random.between(1, 40), () => this.#read());
  }

  #read(): void {
    this.#reading = false;
    if (!this.#assigned) return;
    if (this.#next < this.log.start) {
      this.owner.reset(this.worker.now());
      this.#next = this.log.start;
    }
    const records = this.log.records.slice(this.#next, this.#next + MOST_AT_ONCE);
    this.#next += records.length;
    for (const effect of this.owner.read(records, this.worker.now())) this.#apply(effect);
    if (this.#next < this.log.end) this.#wake();
    this.#claim();
    this.outcomes.flush();
  }

  #apply(effect: OwnerEffect): void {
    const now = this.worker.now();
    switch (effect.kind) {
      case 'begun': {
        const transaction = this.#transactions.get(attemptKey(effect.attempt));
        if (transaction === undefined) this.world.truth.violation(`${effect.message} begun without a transaction`);
        else if (effect.recipients.length === 0) this.ended(transaction);
        else transaction.begin(effect.recipients);
        break;
      }
      case 'abandoned':
        for (const record of this.owner.endAbandoned(effect.message, effect.attempt, effect.recipients, now))
          this.outcomes.add({
            message: record.message,
            recipient: record.recipient,
            attempt: effect.attempt,
            fact: record,
          });
        break;
      case 'void':
        if (effect.record.type === 'AttemptIntended') this.#transactions.delete(attemptKey(effect.record.attempt));
        else this.outcomes.wasVoid(effect.record);
        break;
      case 'closed':
        if (this.owner.mayDeleteBodies) for (const key of effect.unusedBodies) this.world.bodies.delete(key);
        break;
      default:
    }
  }

  ended(transaction: Pick<Transaction, 'attempt'>): void {
    this.#transactions.delete(attemptKey(transaction.attempt));
  }

  #claim(): void {
    if (!this.#assigned) return;
    const open = [...this.#transactions.values()].some((transaction) => transaction.isOpen);
    const tracker = this.world.trackerPositions[this.log.partition];
    const claim = this.owner.claimDue(this.worker.now(), open, tracker);
    if (claim === undefined) return;
    this.#append([claim], (result) => {
      if (typeof result === 'object') this.owner.claimAcknowledged(claim.claim, result, this.worker.now());
      else this.owner.claimFailed(claim.claim, this.worker.now());
    });
  }

  #append(records: readonly QueueRecord[], done: (result: AppendResult) => void): void {
    const [first, ...others] = this.world.batchesOf(records);
    this.log.append(first!, (result) => this.worker.after(0, () => done(result)));
    for (const other of others) this.log.append(other, () => {});
  }

  appendFor(message: MessageId, records: readonly QueueRecord[], done?: (result: AppendResult) => void): void {
    this.owner.submitted(message, records, this.worker.now());
    this.#append(records, (result) => {
      if (result === 'refused') {
        this.owner.appendRefused(message);
        for (const record of records)
          if (record.type === 'AttemptIntended') this.#transactions.delete(attemptKey(record.attempt));
      }
      done?.(result);
    });
  }

  tick(): void {
    const now = this.worker.now();
    this.#claim();
    for (const { message, records } of this.owner.giveUp(now)) {
      for (const record of records)
        if (record.type === 'AttemptIntended') this.#transactions.delete(attemptKey(record.attempt));
      this.outcomes.gaveUp(message, records);
    }
    this.outcomes.flush();
    if (this.world.random.chance(0.01)) this.#sweep();
    if (!this.owner.mayDecide) return;
    for (const incarnation of this.owner.foreignIncarnations())
      this.owner.presence(incarnation, this.worker.presenceOf(incarnation, this.world.workers), now);
    this.#schedule();
    this.#restate();
    const before = this.owner.trimBefore(now);
    if (before !== undefined) this.log.trim(before);
  }

  #schedule(): void {
    for (const message of this.owner.state.messages) {
      if (this.owner.outstanding(message.id) || this.outcomes.has(message.id)) continue;
      if (!this.#endWithoutTrying(message)) this.#try(message);
    }
  }

  #endWithoutTrying(message: OpenMessage): boolean {
    const now = this.worker.now();
    const records: QueueRecord[] = [];
    for (const recipient of message.recipients.keys()) {
      const copy = message.envelope.copies[0]!;
      if (copy.expiresAt <= now.wall) records.push(...this.#expire(message, recipient));
      else if (this.world.toRemove.get(message.id) === this.worker.incarnation) {
        const removed = this.owner.remove(message, recipient, { reason: 'asked', author: 'operator' }, now);
        if (removed !== undefined) records.push(removed);
      } else if (
        message.envelope.reportOf === undefined &&
        !this.world.healthy &&
        this.world.random.chance(this.world.faults.dropped / 200)
      ) {
        const dropped = this.owner.drop(message, recipient, { reason: '/dev/null' }, now);
        if (dropped !== undefined) records.push(dropped);
      }
    }
    if (records.length > 0) this.appendFor(message.id, records);
    return records.length > 0;
  }

  #expire(message: OpenMessage, recipient: number): QueueRecord[] {
    const report = reportRecords(this, message, recipient);
    const fields = report === undefined ? {} : { report: report.id };
    const expired = this.owner.expire(message, recipient, fields, this.worker.now());
    return expired === undefined ? [] : [expired, ...(report?.records ?? [])];
  }

  #try(message: OpenMessage): void {
    const now = this.worker.now();
    const { random } = this.world;
    const due: number[] = [];
    for (const { recipient, dueAt } of message.recipients.values()) {
      if (dueAt > now.wall) continue;
      const at = this.owner.deliverableAt(message, recipient, now);
      if (at !== undefined && at <= now.wall) due.push(recipient);
    }
    if (due.length === 0) return;
    const cut = random.chance(0.3) ? 1 + random.whole(due.length) : due.length;
    const intents = [due.slice(0, cut), due.slice(cut)].flatMap((recipients) => {
      const intent = this.owner.intend(message, recipients, 'sink', 'ALL', 1, now);
      return intent === undefined ? [] : [intent];
    });
    for (const intent of intents)
      this.#transactions.set(attemptKey(intent.attempt), new Transaction(this, message.id, intent.attempt));
    if (intents.length > 0) this.appendFor(message.id, intents);
  }

  #restate(): void {
    for (const id of this.owner.restatementsDue(5)) {
      const message = this.owner.state.messages.get(id)!;
      if (this.outcomes.has(id)) continue;
      const bodies = message.envelope.bodies.map(
        (body, number): StoredReference =>
          body.kind === 'stored'
            ? body
            : this.world.bodies.store(this.log.partition, id, number, this.worker.now().wall),
      );
      const restated = this.owner.restate(message, bodies);
      if (restated !== undefined) this.appendFor(id, [restated]);
    }
  }

  #sweep(): void {
    for (const { key, message, storedAt } of this.world.bodies.list(this.log.partition))
      if (this.owner.isSweepable(message, storedAt, this.worker.now())) this.world.bodies.delete(key);
  }
}

function attemptKey(attempt: { readonly term: number; readonly sequence: number }): string {
  return `${attempt.term}.${attempt.sequence}`;
}
