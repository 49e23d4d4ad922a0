import { isMtaError } from '@mailyard/mail';
import { publishMailEvent } from '@mailyard/telemetry';
import type { MessageId, OpenMessage, PartitionOwner, QueueRecord, StoredReference } from '@mailyard/queue';
import type { WorkerContext } from '../context.ts';
import { LogExtent } from './log-extent.ts';
import type { Draft, PartitionAppends } from './partition-appends.ts';

/** Messages that are restated at once, and how often bodies are swept and the gauges published. */
const RESTATED_AT_ONCE = 50;
const SWEEP_MS = 3_600_000;
const PUBLISH_MS = 2_000;
/** How often it is looked at who keeps the log from being trimmed, and how far behind a tracker is worth an alarm. */
const LOOK_MS = 600_000;
const FAR_BEHIND = 100_000;
/** What an open recipient counts for besides bodies, in octets. */
const RECIPIENT_OCTETS = 256;

/** A restatement on its way (I7); its bodies are stored by now. */
class RestatementDraft implements Draft {
  readonly message: MessageId;
  readonly #owner: PartitionOwner;
  readonly #bodies: readonly StoredReference[];

  constructor(owner: PartitionOwner, message: MessageId, bodies: readonly StoredReference[]) {
    this.message = message;
    this.#owner = owner;
    this.#bodies = bodies;
  }

  records(): readonly QueueRecord[] {
    const message = this.#owner.state.messages.get(this.message);
    const restated = message === undefined ? undefined : this.#owner.restate(message, this.#bodies);
    return restated === undefined ? [] : [restated];
  }

  /** It comes up again by itself while it is due. */
  failed(): boolean {
    return false;
  }
}

/** What keeps a partition's log and bodies short, and tells how full it is (I6, I7, I10; "Pressure"). */
export class PartitionUpkeep {
  readonly #number: number;
  readonly #owner: PartitionOwner;
  readonly #appends: PartitionAppends;
  readonly #context: WorkerContext;
  readonly #restating = new Set<MessageId>();
  #extent = new LogExtent();
  #bodyOctets = 0;
  #isSweeping = false;
  #sweptAt = -Infinity;
  #publishedAt = -Infinity;
  #lookedAt = -Infinity;

  /** @param number of the partition */
  constructor(number: number, owner: PartitionOwner, appends: PartitionAppends, context: WorkerContext) {
    this.#number = number;
    this.#owner = owner;
    this.#appends = appends;
    this.#context = context;
  }

  startOver(): void {
    this.#extent = new LogExtent();
    this.#bodyOctets = 0;
  }

  opened(id: MessageId): void {
    const message = this.#owner.state.messages.get(id);
    for (const { sizeOctets } of message?.envelope.bodies ?? []) this.#bodyOctets += sizeOctets;
  }

  closed({ envelope: { bodies } }: OpenMessage): void {
    for (const { sizeOctets } of bodies) this.#bodyOctets -= sizeOctets;
  }

  noteExtent(): void {
    const { nextOffset, position } = this.#owner.state;
    this.#extent.note(nextOffset, position);
  }

  /** Asked once a second while the partition is ours. */
  tick(): void {
    const { monotonic } = this.#context.clock.now();
    if (monotonic - this.#publishedAt >= PUBLISH_MS) {
      this.#publishedAt = monotonic;
      this.#context.pressure.publish(this.#number, this.pressure());
    }
    this.#restate();
    this.#trim();
    if (monotonic - this.#lookedAt >= LOOK_MS) {
      this.#lookedAt = monotonic;
      this.#tellWhoHoldsTheLog();
    }
    if (monotonic - this.#sweptAt >= SWEEP_MS && !this.#isSweeping) {
      this.#sweptAt = monotonic;
      void this.#sweep();
    }
  }

  /** The share of the fullest gauge: 0 empty, 1 at its limit. */
  pressure(): number {
    const { limits } = this.#context.settings;
    const openBytes = this.#bodyOctets + RECIPIENT_OCTETS * this.#owner.state.messages.recipientCount;
    const logBytes = this.#extent.octets(this.#owner.state.position);
    const lagMs = this.#appends.lagMs(this.#context.clock.now());
    return Math.max(openBytes / limits.openBytes, logBytes / limits.logBytes, lagMs / (1_000 * limits.lagSeconds));
  }

  deleteBody(key: string): void {
    // One that stays behind is found by the sweep.
    this.#context.bodyStore.delete(key).catch(() => {});
  }

  /** Mail that waits is restated; a tracker that stands still, or a record that nobody reads, is somebody's task (I7). */
  #tellWhoHoldsTheLog(): void {
    const { nextOffset, undecodable } = this.#owner.state;
    const tracked = this.#context.trackerPosition(this.#number);
    if (tracked !== undefined && tracked < this.#owner.mark(undefined) && nextOffset - tracked > FAR_BEHIND)
      this.#alarm('log-held', `the tracker is ${nextOffset - tracked} records behind`);
    if (undecodable.length > 0) this.#alarm('log-held', `the record at offset ${undecodable[0]} cannot be read`);
  }

  #trim(): void {
    const before = this.#owner.trimBefore(this.#context.clock.now());
    if (before === undefined) return;
    this.#context.queueLog.trim(this.#number, before).then(
      () => this.#extent.trimmed(before),
      (error: unknown) => this.#alarm('log-trim', error),
    );
  }

  #restate(): void {
    if (this.#restating.size >= RESTATED_AT_ONCE) return;
    for (const id of this.#owner.restatementsDue(RESTATED_AT_ONCE)) {
      const message = this.#owner.state.messages.get(id);
      if (message === undefined || this.#restating.has(id) || this.#appends.concerns(id)) continue;
      this.#restating.add(id);
      void this.#restateOne(message).finally(() => this.#restating.delete(id));
    }
  }

  async #restateOne(message: OpenMessage): Promise<void> {
    const { id, envelope } = message;
    try {
      const bodies: StoredReference[] = [];
      for (const [index, body] of envelope.bodies.entries())
        bodies.push(body.kind === 'stored' ? body : await this.#context.bodies.store(this.#number, message, index));
      this.#appends.add(new RestatementDraft(this.#owner, id, bodies));
    } catch (error) {
      this.#alarm(isMtaError(error, 'BODY_MISSING') ? 'body-missing' : 'body-store-away', error);
    }
  }

  /** Deletes bodies that no open message names, a day old (I10). */
  async #sweep(): Promise<void> {
    const { bodyStore, clock } = this.#context;
    this.#isSweeping = true;
    try {
      for await (const { key, storedAt } of bodyStore.list(this.#number)) {
        if (!this.#owner.mayDeleteBodies || this.#context.isStopping) return;
        const message = key.split('/')[1] as MessageId;
        if (this.#owner.isSweepable(message, storedAt, clock.now())) await bodyStore.delete(key);
      }
    } catch (error) {
      this.#alarm('body-store-away', error);
    } finally {
      this.#isSweeping = false;
    }
  }

  #alarm(name: string, error: unknown): void {
    const detail = error instanceof Error ? error.message : String(error);
    publishMailEvent({ kind: 'alarm', name, detail: `partition ${this.#number}: ${detail}` });
  }
}
