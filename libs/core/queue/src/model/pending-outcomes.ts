import type { MessageId, QueueRecord } from '../records.ts';
import { reportRecords } from './report.ts';
import type { PartitionHome, PendingOutcome } from './roles.ts';

interface Pending extends PendingOutcome {
  sent: boolean;
}

/** Outcomes on their way into the log: repeated until the log has them, bounces decided anew each time (I3, I8). */
export class PendingOutcomes {
  readonly #partition: PartitionHome;
  readonly #pending = new Map<MessageId, Pending[]>();

  constructor(partition: PartitionHome) {
    this.#partition = partition;
  }

  has(message: MessageId): boolean {
    return this.#pending.has(message);
  }

  add(outcome: PendingOutcome): void {
    const pending = this.#pending.get(outcome.message) ?? [];
    pending.push({ ...outcome, sent: false });
    this.#pending.set(outcome.message, pending);
  }

  /** Appends what waits, at most one append a message at a time. */
  flush(): void {
    for (const [message, pending] of this.#pending) {
      if (this.#partition.owner.outstanding(message)) continue;
      const unsent = pending.filter(({ sent }) => !sent);
      if (unsent.length === 0) this.#pending.delete(message);
      else this.#send(message, unsent);
    }
  }

  #send(message: MessageId, unsent: readonly Pending[]): void {
    const records = unsent.flatMap((pending) => this.#recordsOf(pending));
    for (const pending of unsent) {
      pending.sent = true;
      if (pending.delivery !== undefined) pending.delivery.submittedAt ??= this.#partition.world.simulation.now;
    }
    this.#partition.appendFor(message, records, (result) => {
      // A partition that is not read any more gives nothing back: what the log acknowledged must do.
      if (result === 'refused' || (result === 'uncertain' && !this.#partition.assignedNow))
        for (const pending of unsent) pending.sent = false;
      else if (!this.#partition.assignedNow) this.#partition.owner.appendRefused(message);
    });
  }

  #recordsOf({ message: id, recipient, attempt, fact }: Pending): QueueRecord[] {
    if (fact !== undefined) return [fact];
    const { owner, worker, world } = this.#partition;
    const now = worker.now();
    const message = owner.state.messages.get(id);
    if (message !== undefined) {
      const report = reportRecords(this.#partition, message, recipient);
      const bounced = owner.bounce(
        message,
        recipient,
        { attempt, cause: '5xx', stage: 'RCPT', ...(report === undefined ? {} : { report: report.id }) },
        now,
      );
      if (bounced !== undefined) return [bounced, ...(report?.records ?? [])];
    }
    return [
      {
        type: 'RecipientDeferred',
        message: id,
        recipient,
        attempt,
        stage: 'RCPT',
        dueAt: now.wall + world.random.between(60_000, 600_000),
        countsAsRetry: true,
        outcomeUnknown: false,
        at: now.wall,
      },
    ];
  }

  wasVoid(record: QueueRecord): void {
    if (record.type !== 'RecipientBounced') return;
    for (const pending of this.#pending.get(record.message) ?? [])
      if (pending.recipient === record.recipient) pending.sent = false;
  }

  gaveUp(message: MessageId, records: readonly QueueRecord[]): void {
    for (const pending of this.#pending.get(message) ?? [])
      if (records.some((record) => 'recipient' in record && record.recipient === pending.recipient))
        pending.sent = false;
  }
}
