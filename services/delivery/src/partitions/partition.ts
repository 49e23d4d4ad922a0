import { publishMailEvent } from '@mailyard/telemetry';
import {
  type Closed,
  type Decision,
  type Incarnation,
  type Instant,
  type LoggedRecord,
  type MessageAccepted,
  type MessageId,
  type OpenMessage,
  type OwnerEffect,
  PartitionOwner,
} from '@mailyard/queue';
import type { Bodies } from './bodies.ts';
import { steadyNow, type WorkerContext } from '../context.ts';
import { DomainCounts } from '../views/domain-counts.ts';
import { countFinal, type LedgerCounts } from '../outcomes/ledger.ts';
import { type DraftingPartition, FactDraft } from './outcome-drafts.ts';
import { OpenAttempts } from './open-attempts.ts';
import { PartitionAppends } from './partition-appends.ts';
import { PartitionUpkeep } from './partition-upkeep.ts';
import { RecipientsOfOne } from './recipients-of-one.ts';
import type { Reports } from '../outcomes/report.ts';
import { Underway } from '../scheduling/underway.ts';
import { Walks } from './walks.ts';
import { AwaitedEnds } from './awaited-ends.ts';

/** Who decides what is tried when: told of everything that waits in the partitions that this worker owns. */
export interface Scheduling {
  /** Recipients of a message wait, or are free again; `isNew`: it is the first that is heard of them. */
  place(partition: Partition, message: OpenMessage, recipients: readonly number[], isNew: boolean): void;
  /** The same, a moment later: for callers in the midst of something. */
  placeLater(partition: Partition, message: MessageId, recipient: number): void;
  /** All open messages of the partition wait, those up to this offset. */
  placeAll(partition: Partition, before: number): void;
  /** A message has another place in the log, by which what waits is known. */
  restated(partition: Partition, message: OpenMessage): void;
  /** A recipient has its final outcome. */
  closed(partition: Partition, closed: Closed): void;
  /** A message is gone, and its recipients with it. */
  dropped(partition: Partition, message: OpenMessage): void;
  /** The partition is decided on by somebody else from now on. */
  lost(partition: Partition): void;
  /** All that was placed may be sent. */
  pump(): void;
}

/** One partition of the queue log in this worker: what its {@link PartitionOwner} says is done here. */
export class Partition implements DraftingPartition {
  readonly number: number;
  readonly owner: PartitionOwner;
  readonly appends: PartitionAppends;
  readonly underway = new Underway();
  readonly walks = new Walks();
  readonly awaitedEnds = new AwaitedEnds();
  readonly attempts: OpenAttempts;
  /** Recipients that a host may have taken: the dot was sent, its answer never seen (R61). */
  readonly unknownOutcomes = new Set<string>();
  /** Recipients that wait, by the number of their domain. */
  readonly counts = new DomainCounts();
  readonly upkeep: PartitionUpkeep;
  readonly #context: WorkerContext;
  readonly #scheduler: Scheduling;
  readonly #ledger: LedgerCounts;
  readonly #one: LoggedRecord[] = [];
  #isAssigned = false;
  readonly #justRead: RecipientsOfOne;

  constructor(number: number, context: WorkerContext, scheduler: Scheduling, ledger: LedgerCounts) {
    this.number = number;
    this.#context = context;
    this.#scheduler = scheduler;
    this.#ledger = ledger;
    const { worker, incarnation, settings, queueLog, clock } = context;
    this.owner = new PartitionOwner({ partition: number, worker, incarnation, exclusive: settings.exclusive });
    this.appends = new PartitionAppends(number, this.owner, queueLog, () => clock.now());
    this.attempts = new OpenAttempts(this.owner, clock);
    this.upkeep = new PartitionUpkeep(number, this.owner, this.appends, context);
    this.#justRead = new RecipientsOfOne((id, recipients, isNew) => {
      const message = this.owner.state.messages.get(id);
      if (message !== undefined) scheduler.place(this, message, recipients, isNew);
    });
  }

  get bodies(): Bodies {
    return this.#context.bodies;
  }

  get reports(): Reports {
    return this.#context.reports;
  }

  get isExclusive(): boolean {
    return this.#context.settings.exclusive;
  }

  get isAssigned(): boolean {
    return this.#isAssigned;
  }

  /** The version of the route table that is consulted now. */
  get routeVersion(): number {
    return this.#context.routes.version;
  }

  /** Whether new transactions may begin. */
  get mayStart(): boolean {
    return this.owner.mayDecide && !this.#context.isStopping;
  }

  steadyNow(): Instant {
    return steadyNow(this.#context);
  }

  // ---- the log's reader

  assigned(): void {
    if (this.#isAssigned) this.#letGo('assigned anew');
    this.#isAssigned = true;
    this.appends.assigned = true;
    this.upkeep.startOver();
    this.owner.assigned(this.#context.clock.now());
    this.claim();
  }

  revoked(): void {
    this.#letGo('no longer assigned');
    this.#isAssigned = false;
    this.owner.revoked(this.#context.clock.now());
    this.appends.assigned = false;
    this.attempts.letGo();
  }

  reset(reason: string): void {
    publishMailEvent({ kind: 'alarm', name: 'log-reread', detail: `partition ${this.number}: ${reason}` });
    this.#letGo(reason);
    this.upkeep.startOver();
    this.owner.reset(this.#context.clock.now());
    this.claim();
  }

  /** Nothing begins any more: what is ready is forgotten, what is being sent ends as I4 allows. */
  #letGo(reason: string): void {
    if (!this.owner.mayDecide) return;
    publishMailEvent({ kind: 'lost', partition: this.number, reason });
    this.#forget();
  }

  #forget(): void {
    this.#scheduler.lost(this);
    this.underway.clear();
    this.walks.clear();
    this.awaitedEnds.clear();
    this.unknownOutcomes.clear();
    this.#justRead.clear();
  }

  read(records: readonly LoggedRecord[]): void {
    const now = this.#context.clock.now();
    for (const logged of records) {
      const { record } = logged;
      this.#one[0] = logged;
      for (const effect of this.owner.read(this.#one, now)) this.#apply(effect, logged);
      if ('message' in record) this.appends.readBack(record.message);
      else if (record.type === 'Undecodable') this.#undecodable(logged.offset, record.reason);
    }
    this.#one.length = 0;
    this.#justRead.flush();
    this.upkeep.noteExtent();
    if (this.owner.mayDecide) this.#scheduler.pump();
    else this.claim();
  }

  /** Kept, alarmed, skipped; it holds the log's start until somebody can read it (I6). */
  #undecodable(offset: number, reason: string): void {
    const detail = `partition ${this.number}, offset ${offset}: ${reason}`;
    publishMailEvent({ kind: 'alarm', name: 'undecodable-record', detail });
  }

  #apply(effect: OwnerEffect, logged: LoggedRecord): void {
    switch (effect.kind) {
      case 'opened':
        this.upkeep.opened(effect.message);
        if (effect.accepted !== undefined && this.owner.mayDecide) this.#accepted(effect.accepted);
        break;
      case 'claimed':
        for (const dropped of effect.dropped) this.#dropped(dropped);
        break;
      case 'waiting':
        if (this.owner.mayDecide) this.#waiting(effect.message, effect.recipient, logged);
        break;
      case 'begun': {
        const attempt = this.attempts.get(effect.attempt.sequence);
        if (attempt === undefined) this.notBegun(effect.message, effect.attempt, effect.recipients);
        else attempt.begin(effect.recipients);
        break;
      }
      case 'abandoned':
        this.notBegun(effect.message, effect.attempt, effect.recipients);
        break;
      case 'closed':
        this.#closed(effect);
        break;
      case 'restated': {
        const message = this.owner.state.messages.get(effect.message);
        if (message !== undefined && this.owner.mayDecide) this.#scheduler.restated(this, message);
        break;
      }
      case 'void':
        this.appends.wasVoid(effect.message, effect.record);
        break;
      case 'owned':
        publishMailEvent({ kind: 'claimed', partition: this.number, term: effect.term });
        this.#scheduler.placeAll(this, effect.term);
        break;
      case 'lost':
        publishMailEvent({ kind: 'lost', partition: this.number, reason: 'claimed by another worker' });
        this.#forget();
        break;
      default:
    }
  }

  /** It ended before the claim's mark was written, as its outcomes, trimmed by now, said. */
  #dropped(message: OpenMessage): void {
    this.upkeep.closed(message);
    this.bodies.forget(message.id);
    if (this.owner.mayDecide) this.#scheduler.dropped(this, message);
  }

  #accepted(accepted: MessageAccepted): void {
    this.#ledger.accepted += accepted.recipientCount;
    this.bodies.keep(accepted);
  }

  /** Recipients of one message come one after the other: they are placed together. */
  #waiting(message: MessageId, recipient: number, { record }: LoggedRecord): void {
    this.underway.delete(message, recipient);
    if (record.type === 'RecipientDeferred') {
      this.#ledger.deferred += 1;
      const open = this.owner.state.messages.get(message);
      if (open?.recipients.get(recipient)?.outcomeUnknown === true) this.unknownOutcomes.add(`${message}/${recipient}`);
      publishMailEvent({
        kind: 'outcome',
        partition: this.number,
        record,
        ...eventFields(open, open?.recipients.get(recipient)?.copy),
      });
    }
    this.#justRead.add(message, recipient, record.type !== 'RecipientDeferred');
  }

  #closed(effect: Closed): void {
    const { message, recipient, outcome, closed, of, last, unusedBodies } = effect;
    if (last) this.upkeep.closed(of);
    if (this.owner.mayDeleteBodies) for (const key of unusedBodies) this.upkeep.deleteBody(key);
    if (!this.owner.mayDecide) return;
    this.underway.delete(message, recipient);
    if (closed.outcomeUnknown) this.unknownOutcomes.delete(`${message}/${recipient}`);
    countFinal(this.#ledger, outcome);
    this.awaitedEnds.closed(message, recipient, outcome);
    // A policy's drop stands in the acceptance's own batch: the recipient ends before it was ever placed.
    if (!this.#justRead.withdraw(message, recipient)) this.#scheduler.closed(this, effect);
    if (last) this.bodies.forget(message);
    publishMailEvent({
      kind: 'outcome',
      partition: this.number,
      record: outcome,
      ...eventFields(of, closed.copy),
      last,
    });
  }

  // ---- claims and what goes by the second

  /** Appends a claim if one is due (I2). */
  claim(): void {
    const { clock, queueLog, trackerPosition } = this.#context;
    const record = this.owner.claimDue(clock.now(), this.attempts.size > 0, trackerPosition(this.number));
    if (record === undefined) return;
    queueLog.append(this.number, [record]).then(
      (appended) => this.owner.claimAcknowledged(record.claim, appended, clock.now()),
      () => this.owner.claimFailed(record.claim, clock.now()),
    );
  }

  tick(): void {
    if (!this.#isAssigned) {
      this.appends.tick();
      return;
    }
    this.claim();
    for (const { message } of this.owner.giveUp(this.#context.clock.now())) this.appends.gaveUp(message);
    this.appends.tick();
    if (!this.owner.mayDecide) return;
    this.#awaitForeign();
    if (!this.#context.isStopping) this.upkeep.tick();
  }

  /** Recipients behind attempts of other incarnations are looked at again as their presence shows (I5). */
  #awaitForeign(): void {
    const { presence, clock } = this.#context;
    let some = false;
    for (const incarnation of this.owner.foreignIncarnations()) {
      some = true;
      presence.read(incarnation).then(
        (state) => this.owner.presence(incarnation, state, clock.now()),
        () => this.owner.presence(incarnation, 'unknown', clock.now()),
      );
    }
    if (some) for (const message of this.owner.attempted()) this.#askAgain(message, this.#context.incarnation);
  }

  #askAgain(message: OpenMessage, own: Incarnation): void {
    const now = this.steadyNow();
    const free: number[] = [];
    for (const { incarnation, recipients } of message.attempts) {
      if (incarnation === own) continue;
      for (const recipient of recipients) {
        const at = this.owner.freeAt(message, recipient, now);
        if (at !== undefined && at <= now.wall && !this.underway.has(message.id, recipient)) free.push(recipient);
      }
    }
    if (free.length > 0) this.#scheduler.place(this, message, free, false);
  }

  // ---- attempts

  /** The end of an attempt that counted and was never on the wire. */
  notBegun(message: MessageId, attempt: Decision, recipients: readonly number[]): void {
    for (const record of this.owner.endAbandoned(message, attempt, recipients, this.steadyNow()))
      this.appends.add(new FactDraft(record));
  }

  undecided(message: MessageId, recipient: number): void {
    this.underway.delete(message, recipient);
    if (this.mayStart) this.#scheduler.placeLater(this, message, recipient);
  }

  /** Parts of a parcel that its connection could not take. */
  putBack(
    { message }: { readonly message: MessageId },
    sends: readonly { readonly recipients: readonly number[] }[],
  ): void {
    for (const { recipients } of sends) for (const recipient of recipients) this.undecided(message, recipient);
  }
}

function eventFields(
  message: OpenMessage | undefined,
  copy: number | undefined,
): { readonly traceparent?: string; readonly copy?: number; readonly acceptedAt?: number } {
  if (message === undefined || copy === undefined) return {};
  const { at, traceparent } = message.envelope;
  return traceparent === undefined ? { copy, acceptedAt: at } : { copy, acceptedAt: at, traceparent };
}
