import type { Content } from '@mailyard/delivery-rules';
import type { AttemptIntended, Decision, MessageId, QueueRecord } from '@mailyard/queue';
import type { OpenAttempt } from '../partitions/open-attempts.ts';
import type { Draft } from '../partitions/partition-appends.ts';
import type { Parcel, Send } from '../destinations/parcel.ts';

/** The connection that an attempt holds. */
export interface AttemptCarrier {
  /** As records name the host. */
  readonly hostText: string;
  /** The intent counts: MAIL may be sent. */
  begun(attempt: Attempt): void;
  /** The intent never counted, or came to nothing: it is not to be sent. */
  gone(attempt: Attempt): void;
}

const NOTHING: readonly QueueRecord[] = [];

/**
 * One transaction: intended, read back, sent, ended. Also the draft of its own intent.
 *
 * `waiting` for its place in an append; `intended` in the log, not read back; `begun` read back, MAIL allowed (I4);
 * `sending`; `over`.
 */
export class Attempt implements Draft, OpenAttempt {
  readonly parcel: Parcel;
  readonly message: MessageId;
  readonly copy: number;
  readonly carrier: AttemptCarrier;
  recipients: readonly number[];
  state: 'waiting' | 'intended' | 'begun' | 'sending' | 'over' = 'waiting';
  decision: Decision | undefined;
  /** Being fetched since the attempt got its connection. */
  content: Content | Promise<Content> | undefined;
  startedAt = 0;
  /** The dot was not sent, since the proof of ownership was missing (I4). */
  isWithheld = false;
  /** Why the content could not be read to its end, if so. */
  contentError: unknown;
  #isCancelled = false;

  constructor(parcel: Parcel, { copy, recipients }: Send, carrier: AttemptCarrier) {
    this.parcel = parcel;
    this.message = parcel.message;
    this.copy = copy;
    this.recipients = recipients;
    this.carrier = carrier;
  }

  records(): readonly QueueRecord[] {
    if (this.state !== 'waiting') return NOTHING;
    const intent = this.#intend();
    if (intent === undefined) {
      this.#comeToNothing();
      return NOTHING;
    }
    this.state = 'intended';
    this.decision = intent.attempt;
    if (intent.recipients.length < this.recipients.length) {
      const kept = new Set(intent.recipients);
      const { partition } = this.parcel;
      for (const recipient of this.recipients) if (!kept.has(recipient)) partition.undecided(this.message, recipient);
      this.recipients = intent.recipients;
    }
    this.parcel.partition.attempts.intended(this);
    return [intent];
  }

  #intend(): AttemptIntended | undefined {
    const { partition, route } = this.parcel;
    const message = partition.owner.state.messages.get(this.message);
    if (message === undefined || !partition.mayStart) return undefined;
    return partition.owner.intend(
      message,
      this.recipients,
      this.carrier.hostText,
      route,
      partition.routeVersion,
      partition.steadyNow(),
    );
  }

  /** The intent was not written, given up or void: nothing was sent; its recipients are looked at again. */
  failed(): boolean {
    if (this.state === 'waiting' || this.state === 'intended') this.#comeToNothing();
    return false;
  }

  /** Lost its connection before anything was sent. Where the intent counts already, its end is recorded. */
  cancel(): void {
    if (this.state === 'waiting') {
      this.#comeToNothing();
    } else if (this.state === 'intended') {
      // It may count yet: what is to be done is seen when it is read back, or given up.
      this.#isCancelled = true;
    } else if (this.state === 'begun') {
      this.#endUnsent(this.recipients);
    }
  }

  /**
   * The partition is not read any more, so that an intent of it never comes back: where it may count, its end is
   * recorded, that nobody waits for it (I5).
   */
  letGo(): void {
    if (this.state === 'intended' || this.state === 'begun') this.#endUnsent(this.recipients);
    else if (this.state === 'waiting') this.#comeToNothing();
    else return;
    if (!this.#isCancelled) this.carrier.gone(this);
  }

  #comeToNothing(): void {
    this.state = 'over';
    const { partition } = this.parcel;
    partition.attempts.ended(this);
    for (const recipient of this.recipients) partition.undecided(this.message, recipient);
    if (!this.#isCancelled) this.carrier.gone(this);
  }

  #endUnsent(recipients: readonly number[]): void {
    this.state = 'over';
    const { partition } = this.parcel;
    partition.notBegun(this.message, this.decision!, recipients);
    partition.attempts.ended(this);
  }

  /** The intent was read back for these of its recipients. */
  begin(recipients: readonly number[]): void {
    this.recipients = recipients;
    if (this.#isCancelled || !this.parcel.partition.mayStart) {
      this.#endUnsent(recipients);
      if (!this.#isCancelled) this.carrier.gone(this);
      return;
    }
    if (recipients.length === 0) {
      this.#comeToNothing();
      return;
    }
    this.state = 'begun';
    this.carrier.begun(this);
  }
}
