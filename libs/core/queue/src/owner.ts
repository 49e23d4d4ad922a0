/**
 * The owner of one partition: what a delivery worker may do, and when (I2 to I10 of docs/architecture.md).
 *
 * Pure: it is told what the log gives back, what the clocks say and who is present; it answers with records to append
 * and with yes or no. Whoever drives it appends, sends mail and deletes bodies. In order:
 *
 * 1. `assigned`, then append each record that `claimDue` returns; ask it every second, and after each `read`.
 * 2. `read` everything the log gives, in order. On `owned`, ask `deliverableAt` for every recipient; afterwards for
 *    those that effects name.
 * 3. `intend` the transactions that have a connection; `submitted` when the append leaves; send MAIL FROM only on the
 *    effect `begun` of that attempt, the final dot only while `mayEnd` says yes.
 * 4. Append the outcome of every attempt, all recipients of it, and again until it is read back (`giveUp`).
 */
import { BegunAttempts } from './begun-attempts.ts';
import { Claims } from './claims.ts';
import { fold } from './fold.ts';
import { Grace, type PresenceState } from './grace.ts';
import type { Instant } from './instant.ts';
import { LogTimes } from './log-times.ts';
import type { OpenMessage, StoredReference } from './open-message.ts';
import { type GivenUp, Outstanding } from './outstanding.ts';
import type { OwnerEffect } from './owner-effect.ts';
import type { Appended } from './ports.ts';
import {
  type AttemptIntended,
  type Decision,
  type Incarnation,
  type LoggedRecord,
  type MessageId,
  type MessageRestated,
  type PartitionClaimed,
  type QueueRecord,
  type RecipientBounced,
  type RecipientDeferred,
  type RecipientDropped,
  type RecipientExpired,
  type RecipientRemoved,
  sameDecision,
} from './records.ts';
import { restatementOf, restatementsDue } from './restatement.ts';
import { RULES, type Rules } from './rules.ts';
import { emptyPartition, type PartitionState } from './state.ts';

export interface OwnerOptions {
  readonly partition: number;
  readonly worker: string;
  readonly incarnation: Incarnation;
  /** Embedded: holding the lock is the proof, so there is no grace and no proof before the dot. */
  readonly exclusive: boolean;
  /** About how many recipients are kept as objects rather than packed. */
  readonly hotRecipients?: number;
  /** Other rules than the true ones, and another fold: what the model varies to show that each clause is needed. */
  readonly rules?: Rules;
  readonly fold?: typeof fold;
}

/** What {@link PartitionOwner.bounce} and its like are given: the record without what the owner adds. */
export type Fields<R> = Omit<R, 'type' | 'message' | 'recipient' | 'decision' | 'at'>;

export class PartitionOwner {
  readonly partition: number;
  readonly #options: OwnerOptions;
  readonly #rules: Rules;
  readonly #fold: typeof fold;
  readonly #claims: Claims;
  readonly #grace: Grace;
  readonly #outstanding: Outstanding;
  readonly #times = new LogTimes();
  #state: PartitionState;
  readonly #begun: BegunAttempts;
  #sequence = 0;
  #trimmed = 0;

  constructor(options: OwnerOptions) {
    this.partition = options.partition;
    this.#options = options;
    this.#rules = options.rules ?? RULES;
    this.#fold = options.fold ?? fold;
    this.#claims = new Claims(this.#rules);
    this.#grace = new Grace(this.#rules);
    this.#outstanding = new Outstanding(this.#rules);
    this.#begun = new BegunAttempts(options.incarnation);
    this.#state = emptyPartition(0, options.hotRecipients);
  }

  /** What the log says so far. Read only; replaced by {@link assigned} and {@link reset}. */
  get state(): PartitionState {
    return this.#state;
  }

  /** The partition is ours to read, from the start of the log: an earlier state is void. */
  assigned(_now: Instant): void {
    this.#claims.assign();
    this.#startOver();
  }

  /** The partition is no longer ours: nothing begins, and what is past MAIL FROM ends while its proof is fresh (I4). */
  revoked(_now: Instant): void {
    this.#claims.revoke();
  }

  /** The log did not go on where it should have: it is read again from its start. A new claim is due. */
  reset(_now: Instant): void {
    this.#claims.startOver();
    this.#startOver();
  }

  #startOver(): void {
    this.#state = emptyPartition(0, this.#options.hotRecipients);
    this.#times.clear();
    this.#trimmed = 0;
  }

  /** Folds what the log gave back. Notices own and foreign claims and the read-back of own decisions (I2, I3, I8). */
  read(records: readonly LoggedRecord[], now: Instant): readonly OwnerEffect[] {
    const effects: OwnerEffect[] = [];
    for (const logged of records) {
      const { record } = logged;
      const folded = this.#fold(this.#state, logged, this.#rules);
      if (record.type === 'PartitionClaimed') {
        for (const effect of folded) effects.push(effect);
        this.#readClaim(record, logged.offset, now, effects);
      } else {
        const own = record.type === 'Undecodable' ? 'other' : this.#outstanding.read(record);
        if (own === 'awaited' && folded.length === 0 && isDecision(record))
          effects.push({ kind: 'void', message: record.message, record });
        for (const effect of folded) {
          if (effect.kind !== 'intended' || own === 'other') {
            effects.push(effect);
          } else {
            const kind = own === 'abandoned' ? 'abandoned' : 'begun';
            const { message, attempt, recipients } = effect;
            if (kind === 'begun') this.#begun.add(attempt.sequence);
            effects.push({ kind, message, attempt, recipients });
          }
        }
      }
    }
    this.#times.note(this.#state);
    return effects;
  }

  #readClaim(record: PartitionClaimed, offset: number, now: Instant, effects: OwnerEffect[]): void {
    this.#outstanding.readClaim(offset);
    if (record.incarnation !== this.#options.incarnation) {
      if (this.#claims.readForeign(now)) effects.push({ kind: 'lost' });
    } else if (this.#claims.readOwn(record.claim, offset, now)) {
      effects.push({ kind: 'owned', term: offset });
      this.#abandonUnknown(effects);
    }
    // Not while the log is read again, when the state lacks what is open.
    if (this.mayDecide && this.#begun.mayForget(this.#state.attempted.size)) this.#begun.keep(this.attempted());
  }

  /**
   * Own attempts that nobody works on: given up, and counted while the partition was not read here. They may have come
   * back in a restatement by another owner, so they are looked for whenever a run of own claims begins.
   */
  #abandonUnknown(effects: OwnerEffect[]): void {
    for (const [{ id }, { attempt, recipients }] of this.#begun.unknownIn(this.attempted()))
      effects.push({ kind: 'abandoned', message: id, attempt, recipients: [...recipients] });
  }

  // ---- claims (I2)

  /**
   * The claim to append now, if one is due: at once on assignment, 60 s after the last one was sent, 10 s while a
   * transaction is open, 2 s after a foreign claim, 10 s after a try that was not read back, 1 s after a failed one.
   * Counts as sent now. An embedded owner needs no proof, so renews every 60 s only.
   */
  claimDue(now: Instant, openTransactions: boolean, trackerPosition: number | undefined): PartitionClaimed | undefined {
    const claim = this.#claims.next(now, openTransactions && !this.#options.exclusive);
    if (claim === undefined) return undefined;
    return {
      type: 'PartitionClaimed',
      worker: this.#options.worker,
      incarnation: this.#options.incarnation,
      claim,
      // Before the own claim is read back the fold may lack the end of the log: then only what was read is certain.
      mark: this.mayDecide ? this.mark(trackerPosition) : (this.#state.claim?.mark ?? 0),
      at: now.wall,
    };
  }

  claimAcknowledged(claim: number, appended: Appended, _now: Instant): void {
    this.#claims.acknowledged(claim, appended);
  }

  /** The append of a claim failed or its outcome is unknown: another try, a record of its own, follows. */
  claimFailed(claim: number, _now: Instant): void {
    this.#claims.failed(claim);
  }

  /** Assigned, and the last claim read is one of ours since then. */
  get mayDecide(): boolean {
    return this.#claims.assigned && this.#claims.run !== undefined;
  }

  /** The term of decisions made now. */
  get term(): number | undefined {
    return this.mayDecide ? this.#state.claim?.term : undefined;
  }

  /** The place of a decision made now; each is larger than the one before. Only while {@link mayDecide}. */
  nextDecision(): Decision {
    const { term } = this;
    if (term === undefined) throw new Error(`partition ${this.partition}: a decision without a claim in force`);
    this.#sequence += 1;
    return { term, sequence: this.#sequence };
  }

  // ---- waiting (I5)

  /**
   * From when on a recipient may be tried, in wall time; undefined while it may not: it is closed, an append of its
   * message is under way, an attempt of ours is open, or we are not the owner. It covers `dueAt` and the grace of
   * foreign attempts; where such a one is open, ask again after each {@link presence} of its incarnation.
   */
  deliverableAt(message: OpenMessage, recipient: number, now: Instant): number | undefined {
    const open = message.recipients.get(recipient);
    if (open === undefined || this.#outstanding.has(message.id)) return undefined;
    const free = this.#freeAt(message, recipient, undefined, now);
    return free === undefined ? undefined : Math.max(free, open.dueAt);
  }

  /**
   * The same without regard to `dueAt` and to appends under way: from when on no attempt stands in the way, -Infinity
   * when none does. For mail that is tried before its time, since its host came back or its route changed (R74, I11).
   */
  freeAt(message: OpenMessage, recipient: number, now: Instant): number | undefined {
    return message.recipients.has(recipient) ? this.#freeAt(message, recipient, undefined, now) : undefined;
  }

  /** From when on no attempt but `own` stands in the way, in wall time; undefined where one of ours does. */
  #freeAt(message: OpenMessage, recipient: number, own: Decision | undefined, now: Instant): number | undefined {
    const { run } = this.#claims;
    if (!this.mayDecide || run === undefined) return undefined;
    let wait = 0;
    for (const { attempt, incarnation, recipients } of message.attempts) {
      if (!recipients.has(recipient) || (own !== undefined && sameDecision(attempt, own))) continue;
      if (incarnation === this.#options.incarnation) return undefined;
      if (!this.#options.exclusive) wait = Math.max(wait, this.#grace.remaining(incarnation, run.since, now));
    }
    return wait === 0 ? -Infinity : now.wall + wait;
  }

  #isFree(message: OpenMessage, recipient: number, own: Decision | undefined, now: Instant): boolean {
    // An intent in the append that is being put together: it stands before all that joins it now.
    if (!message.recipients.has(recipient) || this.#outstanding.intends(message.id, recipient)) return false;
    const free = this.#freeAt(message, recipient, own, now);
    return free !== undefined && free <= now.wall;
  }

  /** What is known now of the presence of an incarnation. */
  presence(incarnation: Incarnation, state: PresenceState, now: Instant): void {
    this.#grace.observe(incarnation, state, now);
  }

  /** The incarnations whose open attempts are waited for: their presence matters now. */
  foreignIncarnations(): Iterable<Incarnation> {
    const foreign = new Set<Incarnation>();
    if (this.#options.exclusive) return foreign;
    for (const { attempts } of this.attempted())
      for (const { incarnation } of attempts) if (incarnation !== this.#options.incarnation) foreign.add(incarnation);
    this.#grace.keep(foreign);
    return foreign;
  }

  /** The messages with an attempt that has no outcome yet, ours or foreign. */
  *attempted(): Iterable<OpenMessage> {
    for (const id of this.#state.attempted) {
      const message = this.#state.messages.get(id);
      if (message !== undefined) yield message;
    }
  }

  // ---- appends (I8)

  /**
   * The intent for those of the recipients that are free now, or undefined if there is none; whether they are due is
   * for the caller to know. Further records for the same message may join it until {@link submitted}; all of them must
   * go in the same append.
   */
  intend(
    message: OpenMessage,
    recipients: readonly number[],
    host: string,
    route: string,
    routeVersion: number,
    now: Instant,
  ): AttemptIntended | undefined {
    if (this.#outstanding.has(message.id)) return undefined;
    const free = recipients.filter((recipient) => this.#isFree(message, recipient, undefined, now));
    if (free.length === 0) return undefined;
    const intent: AttemptIntended = {
      type: 'AttemptIntended',
      message: message.id,
      recipients: free,
      attempt: this.nextDecision(),
      incarnation: this.#options.incarnation,
      host,
      route,
      routeVersion,
      at: now.wall,
    };
    this.#outstanding.join(message.id, intent);
    return intent;
  }

  /** Whether an append of the message is under way: nothing about it is decided or appended until it has ended. */
  outstanding(message: MessageId): boolean {
    return this.#outstanding.has(message);
  }

  /** These records, all that the message has for this append, go to the log now. Others in the batch are ignored. */
  submitted(message: MessageId, records: readonly QueueRecord[], now: Instant): void {
    this.#outstanding.submit(message, records, now);
  }

  /** The append was certainly not written (`LOG_REFUSED`): decide again. After `LOG_UNCERTAIN` wait for `giveUp`. */
  appendRefused(message: MessageId): void {
    this.#outstanding.drop(message);
  }

  /**
   * The appends that were not read back within 10 s and are outstanding no longer; ask every second. Their intents
   * and decisions are never acted on: decide again. Their facts are to be appended again.
   */
  giveUp(now: Instant): readonly GivenUp[] {
    return this.#outstanding.giveUp(now);
  }

  /** The end of an attempt that was given up and counted after all (effect `abandoned`); it never was on the wire. */
  endAbandoned(
    message: MessageId,
    attempt: Decision,
    recipients: readonly number[],
    now: Instant,
  ): RecipientDeferred[] {
    return recipients.map((recipient) => ({
      type: 'RecipientDeferred',
      message,
      recipient,
      attempt,
      stage: 'not begun',
      dueAt: now.wall,
      countsAsRetry: false,
      outcomeUnknown: false,
      at: now.wall,
    }));
  }

  // ---- the dot (I4)

  /**
   * Whether the final dot of an own attempt may go out now. Wait: ask again, for up to 30 s, then reset the connection
   * without the dot, as at once on no.
   */
  mayEnd(attempt: Decision, now: Instant): 'yes' | 'wait' | 'no' {
    return this.#options.exclusive ? 'yes' : this.#claims.mayEnd(attempt, now);
  }

  // ---- decisions (I3). Undefined: not the owner, the recipient closed, or another attempt of it is open or in grace.

  /** A hard bounce. On undefined the refusal ends the attempt as deferred. Decided anew at each repeat. */
  bounce(
    message: OpenMessage,
    recipient: number,
    fields: Fields<RecipientBounced>,
    now: Instant,
  ): RecipientBounced | undefined {
    const decided = this.#decide(message, recipient, fields.attempt, now);
    return decided && { type: 'RecipientBounced', ...decided, ...fields };
  }

  expire(
    message: OpenMessage,
    recipient: number,
    fields: Fields<RecipientExpired>,
    now: Instant,
  ): RecipientExpired | undefined {
    const decided = this.#decide(message, recipient, fields.attempt, now);
    return decided && { type: 'RecipientExpired', ...decided, ...fields };
  }

  drop(
    message: OpenMessage,
    recipient: number,
    fields: Fields<RecipientDropped>,
    now: Instant,
  ): RecipientDropped | undefined {
    const decided = this.#decide(message, recipient, fields.attempt, now);
    return decided && { type: 'RecipientDropped', ...decided, ...fields };
  }

  remove(
    message: OpenMessage,
    recipient: number,
    fields: Fields<RecipientRemoved>,
    now: Instant,
  ): RecipientRemoved | undefined {
    const decided = this.#decide(message, recipient, fields.attempt, now);
    return decided && { type: 'RecipientRemoved', ...decided, ...fields };
  }

  #decide(message: OpenMessage, recipient: number, attempt: Decision | undefined, now: Instant) {
    if (!this.#isFree(message, recipient, attempt, now)) return undefined;
    return { message: message.id, recipient, decision: this.nextDecision(), at: now.wall };
  }

  /** Puts a recipient off. With an attempt that this ends it is a fact, anyone's; without one a decision. */
  defer(
    message: OpenMessage,
    recipient: number,
    fields: Fields<RecipientDeferred>,
    now: Instant,
  ): RecipientDeferred | undefined {
    const common = { type: 'RecipientDeferred', message: message.id, recipient, at: now.wall } as const;
    if (fields.attempt !== undefined) return { ...common, ...fields };
    if (!this.#isFree(message, recipient, undefined, now)) return undefined;
    return { ...common, decision: this.nextDecision(), ...fields };
  }

  // ---- the log's start (I6, I7), bodies (I10)

  /**
   * Nothing below this offset is needed any more. A tracker position of undefined holds nothing: there is no tracker,
   * or the disk has no room to wait for it.
   */
  mark(trackerPosition: number | undefined): number {
    const { messages, undecodable, nextOffset } = this.#state;
    return Math.min(
      messages.first()?.fullStateOffset ?? nextOffset,
      undecodable[0] ?? nextOffset,
      trackerPosition ?? nextOffset,
    );
  }

  /** Up to where to trim now: ten minutes of append time before the mark of the own claim last read. Each once. */
  trimBefore(_now: Instant): number | undefined {
    const { claim } = this.#state;
    if (!this.mayDecide || claim === undefined) return undefined;
    const before = this.#times.before(claim.mark, this.#rules.trimDistanceMs);
    if (before === undefined || before <= this.#trimmed) return undefined;
    this.#trimmed = before;
    this.#times.trimmed(before);
    return before;
  }

  /** The messages to restate now, at most `limit`. Inline bodies go to the store first: see {@link restate}. */
  restatementsDue(limit: number): MessageId[] {
    if (!this.mayDecide) return [];
    return restatementsDue(this.#state, this.#times, limit, (id) => this.#outstanding.has(id));
  }

  /** The restatement of a message, its bodies stored. Undefined while we may not decide or an append is under way. */
  restate(message: OpenMessage, bodies: readonly StoredReference[]): MessageRestated | undefined {
    if (!this.mayDecide || this.#outstanding.has(message.id)) return undefined;
    return restatementOf(message, bodies, this.nextDecision());
  }

  /**
   * Whether bodies may be deleted (I10): only by the owner, and not while the log holds records that this version
   * cannot read, since one of them may name the body.
   */
  get mayDeleteBodies(): boolean {
    return this.mayDecide && this.#state.undecodable.length === 0;
  }

  /** Whether a sweep may delete a body found in the store: no open message names it, and it is older than a day (I10). */
  isSweepable(message: MessageId, storedAt: number, now: Instant): boolean {
    return this.mayDeleteBodies && now.wall - storedAt > this.#rules.sweepAgeMs && !this.#state.messages.has(message);
  }
}

function isDecision(record: LoggedRecord['record']): record is Extract<QueueRecord, { readonly message: MessageId }> {
  if (record.type === 'AttemptIntended') return true;
  return 'decision' in record && record.decision !== undefined;
}
