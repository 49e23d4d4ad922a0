/** How outcomes are written: facts as they are, decisions made anew each time (I3). */
import type {
  Fields,
  Instant,
  MessageId,
  OpenMessage,
  PartitionOwner,
  QueueRecord,
  RecipientBounced,
  RecipientDeferred,
  RecipientDelivered,
  RecipientDropped,
  RecipientExpired,
} from '@mailyard/queue';
import type { Draft } from './partition-appends.ts';
import type { Report } from '../outcomes/report.ts';

/** What a draft needs of its partition. */
export interface DraftingPartition {
  readonly owner: PartitionOwner;
  /** Monotonic time and steady wall time. */
  steadyNow(): Instant;
  /** A decision could not be made: if the recipient still waits, it is looked at again. */
  undecided(message: MessageId, recipient: number): void;
}

/** A delivery, or the end of an attempt without a final outcome: true whoever says it. */
export class FactDraft implements Draft {
  readonly message: MessageId;
  readonly #records: readonly QueueRecord[];

  /** @param warning the records of the delay warning that a deferral names (R80) */
  constructor(record: RecipientDelivered | RecipientDeferred, warning: readonly QueueRecord[] = []) {
    this.message = record.message;
    this.#records = [record, ...warning];
  }

  records(): readonly QueueRecord[] {
    return this.#records;
  }

  failed(): boolean {
    return true;
  }
}

export type FinalDecision =
  | { readonly kind: 'bounce'; readonly fields: Fields<RecipientBounced> }
  | { readonly kind: 'expire'; readonly fields: Fields<RecipientExpired> };

/**
 * A hard bounce or expiry with its report, in one batch (I9). It is written only while nothing else is open for the
 * recipient; otherwise the attempt that it would end is recorded as ended without a final outcome.
 */
export class FinalDraft implements Draft {
  readonly message: MessageId;
  readonly #partition: DraftingPartition;
  readonly #recipient: number;
  readonly #decision: FinalDecision;
  readonly #report: Report | undefined;
  readonly #otherwise: RecipientDeferred | undefined;

  /** @param otherwise what ends the attempt when the decision cannot be made; absent where there was no attempt */
  constructor(
    partition: DraftingPartition,
    message: MessageId,
    recipient: number,
    decision: FinalDecision,
    report: Report | undefined,
    otherwise: RecipientDeferred | undefined,
  ) {
    this.message = message;
    this.#partition = partition;
    this.#recipient = recipient;
    this.#decision = decision;
    this.#report = report;
    this.#otherwise = otherwise;
  }

  records(): readonly QueueRecord[] {
    const message = this.#partition.owner.state.messages.get(this.message);
    if (message === undefined || !message.recipients.has(this.#recipient)) return [];
    const decided = this.#decide(message);
    if (decided !== undefined) return this.#report === undefined ? [decided] : [decided, ...this.#report.records];
    if (this.#otherwise !== undefined) return [this.#otherwise];
    this.#partition.undecided(this.message, this.#recipient);
    return [];
  }

  #decide(message: OpenMessage): QueueRecord | undefined {
    const { owner } = this.#partition;
    const now = this.#partition.steadyNow();
    const report = this.#report === undefined ? {} : { report: this.#report.id };
    return this.#decision.kind === 'bounce'
      ? owner.bounce(message, this.#recipient, { ...this.#decision.fields, ...report }, now)
      : owner.expire(message, this.#recipient, { ...this.#decision.fields, ...report }, now);
  }

  failed(): boolean {
    return true;
  }
}

export type PlainDecision =
  | { readonly kind: 'drop'; readonly fields: Fields<RecipientDropped> }
  | { readonly kind: 'defer'; readonly fields: Fields<RecipientDeferred> };

/** A drop by `/dev/null` (R64), or putting off what was not tried at all. When it cannot be made, the recipient is looked at again. */
export class DecisionDraft implements Draft {
  readonly message: MessageId;
  readonly #partition: DraftingPartition;
  readonly #recipient: number;
  readonly #decision: PlainDecision;

  constructor(partition: DraftingPartition, message: MessageId, recipient: number, decision: PlainDecision) {
    this.message = message;
    this.#partition = partition;
    this.#recipient = recipient;
    this.#decision = decision;
  }

  records(): readonly QueueRecord[] {
    const { owner } = this.#partition;
    const now = this.#partition.steadyNow();
    const message = owner.state.messages.get(this.message);
    const decided =
      message === undefined
        ? undefined
        : this.#decision.kind === 'drop'
          ? owner.drop(message, this.#recipient, this.#decision.fields, now)
          : owner.defer(message, this.#recipient, this.#decision.fields, now);
    if (decided !== undefined) return [decided];
    this.#partition.undecided(this.message, this.#recipient);
    return [];
  }

  failed(): boolean {
    return true;
  }
}
