import { publishMailEvent } from '@mailyard/telemetry';
import { isMtaError } from '@mailyard/mail';
import type { Appended, Instant, MessageId, PartitionOwner, QueueLog, QueueRecord } from '@mailyard/queue';

/** Something that is to be written about a message. Its records are made when they go out, from the state as it is then. */
export interface Draft {
  readonly message: MessageId;
  /** What to append now, to stand in one batch; nothing when there is nothing left to say. */
  records(): readonly QueueRecord[];
  /** Its records were not written, were given up, or did not count. True to write them again. */
  failed(): boolean;
}

/** The append of a message that is under way: what stands in it, and what the log said of it. */
interface Awaited {
  readonly drafts: readonly { readonly draft: Draft; readonly records: readonly QueueRecord[] }[];
  state: 'sent' | 'acknowledged' | 'uncertain';
}

interface Batch {
  readonly records: QueueRecord[];
  readonly messages: { readonly message: MessageId; readonly awaited: Awaited }[];
  octets: number;
}

/** Batches under way at once: what comes meanwhile shares the next one. */
const IN_FLIGHT_LIMIT = 4;
/** Messages whose records are made in one turn of the event loop. */
const MESSAGES_AT_ONCE = 256;
/** A record is no larger than this without the texts in it. */
const RECORD_OCTETS = 512;

/**
 * What a partition has to tell its log. All that is ready in one turn of the event loop goes out in one append; of each
 * message at most one append is under way (I8); outcomes are written again until they were read back (I3).
 */
export class PartitionAppends {
  readonly #partition: number;
  readonly #owner: PartitionOwner;
  readonly #log: QueueLog;
  readonly #now: () => Instant;
  readonly #pending = new Map<MessageId, Draft[]>();
  readonly #awaited = new Map<MessageId, Awaited>();
  #scheduled = false;
  #inFlight = 0;
  #assigned = false;
  /** Since when the log is known to hold records that we have not read. */
  #behind: { readonly offset: number; readonly since: number } | undefined;

  constructor(partition: number, owner: PartitionOwner, log: QueueLog, now: () => Instant) {
    this.#partition = partition;
    this.#owner = owner;
    this.#log = log;
    this.#now = now;
  }

  /** Whether nothing waits to be written or to be read back. */
  get isIdle(): boolean {
    return this.#pending.size === 0 && this.#awaited.size === 0 && this.#inFlight === 0;
  }

  /** Whether something about the message waits to be written or to be read back. */
  concerns(message: MessageId): boolean {
    return this.#pending.has(message) || this.#awaited.has(message);
  }

  /** The messages about which something waits to be written or to be read back. */
  *messages(): Iterable<MessageId> {
    yield* this.#pending.keys();
    yield* this.#awaited.keys();
  }

  /** For how long, in milliseconds, the reading has been behind what we wrote. */
  lagMs(now: Instant): number {
    const behind = this.#behind;
    return behind === undefined || this.#owner.state.nextOffset > behind.offset ? 0 : now.monotonic - behind.since;
  }

  /**
   * Whether the partition is read by us. When it is not, nothing comes back: an acknowledgement must do, and what has
   * none is written again.
   */
  set assigned(assigned: boolean) {
    this.#assigned = assigned;
    if (assigned) return;
    for (const [message, { state }] of this.#awaited) {
      if (state === 'acknowledged') this.#close(message);
      else if (state === 'uncertain') this.#again(message);
    }
  }

  #close(message: MessageId): Awaited | undefined {
    const awaited = this.#awaited.get(message);
    this.#owner.appendRefused(message);
    this.#awaited.delete(message);
    return awaited;
  }

  /** Writes what is still to be said, at the next tick: a log that refuses is not asked again at once. */
  #again(message: MessageId): void {
    for (const { draft } of this.#close(message)?.drafts ?? []) if (draft.failed()) this.#keep(draft);
  }

  add(draft: Draft): void {
    const drafts = this.#pending.get(draft.message);
    if (drafts === undefined) this.#pending.set(draft.message, [draft]);
    else drafts.push(draft);
    this.#schedule();
  }

  /** Records of the message were read: what waited for that goes on. */
  readBack(message: MessageId): void {
    if (this.#owner.outstanding(message)) return;
    this.#awaited.delete(message);
    if (this.#pending.has(message)) this.#schedule();
  }

  /** An own decision that was read did not count: decided again. */
  wasVoid(message: MessageId, record: QueueRecord): void {
    const draft = this.#awaited
      .get(message)
      ?.drafts.find(({ records }) => records.some((written) => isSameDecision(written, record)))?.draft;
    if (draft?.failed() === true) this.add(draft);
  }

  /** Appends that were not read back in time, by message: their decisions are made anew. */
  gaveUp(message: MessageId): void {
    const awaited = this.#awaited.get(message);
    this.#awaited.delete(message);
    for (const { draft } of awaited?.drafts ?? []) if (draft.failed()) this.add(draft);
  }

  /** Writes what waited for a moment after a refusal, too. Asked once a second. */
  tick(): void {
    if (this.#pending.size > 0) this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= IN_FLIGHT_LIMIT) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Writes all that may be written now. */
  flush(): void {
    const now = this.#now();
    const most = this.#log.maxBatchOctets;
    let batch: Batch = { records: [], messages: [], octets: 0 };
    let taken = 0;
    for (const [message, drafts] of this.#pending) {
      if (this.#owner.outstanding(message)) continue;
      if (taken === MESSAGES_AT_ONCE) {
        this.#schedule();
        break;
      }
      taken += 1;
      const collected = this.#collect(message, drafts, now);
      if (collected === undefined) continue;
      if (batch.records.length > 0 && batch.octets + collected.octets > most) {
        this.#append(batch);
        batch = { records: [], messages: [], octets: 0 };
      }
      for (const record of collected.records) batch.records.push(record);
      batch.messages.push({ message, awaited: collected.awaited });
      batch.octets += collected.octets;
    }
    if (batch.records.length > 0) this.#append(batch);
  }

  /** The records of a message for one append. Drafts that would make it too large wait for the next (I12). */
  #collect(
    message: MessageId,
    drafts: Draft[],
    now: Instant,
  ): { readonly records: readonly QueueRecord[]; readonly octets: number; readonly awaited: Awaited } | undefined {
    const half = this.#log.maxBatchOctets / 2;
    const sent: { readonly draft: Draft; readonly records: readonly QueueRecord[] }[] = [];
    const records: QueueRecord[] = [];
    let octets = 0;
    let taken = 0;
    for (const draft of drafts) {
      if (octets > half) break;
      taken += 1;
      const made = draft.records();
      if (made.length === 0) continue;
      for (const record of made) {
        octets += this.#octetsOf(record);
        records.push(record);
      }
      sent.push({ draft, records: made });
    }
    if (taken === drafts.length) this.#pending.delete(message);
    else this.#pending.set(message, drafts.slice(taken));
    if (records.length === 0) return undefined;
    this.#owner.submitted(message, records, now);
    const awaited: Awaited = { drafts: sent, state: 'sent' };
    this.#awaited.set(message, awaited);
    return { records, octets, awaited };
  }

  /** An upper bound for small records, which need not be encoded for it; exact for what may be large. */
  #octetsOf(record: QueueRecord): number {
    if (record.type === 'MessageAccepted' || record.type === 'MessageRestated') return this.#log.sizeOf(record);
    if (record.type === 'AttemptIntended') return RECORD_OCTETS + 5 * record.recipients.length;
    if (!('reply' in record) || record.reply === undefined) return RECORD_OCTETS;
    return RECORD_OCTETS + 3 * record.reply.text.length;
  }

  #append(batch: Batch): void {
    this.#inFlight += 1;
    this.#log.append(this.#partition, batch.records).then(
      (appended) => this.#appended(batch, appended),
      (error: unknown) => this.#failed(batch, error),
    );
  }

  #appended(batch: Batch, { firstOffset }: Appended): void {
    this.#settled();
    const last = firstOffset + batch.records.length - 1;
    if (last >= this.#owner.state.nextOffset && (this.#behind?.offset ?? -1) < this.#owner.state.nextOffset)
      this.#behind = { offset: last, since: this.#now().monotonic };
    for (const { message, awaited } of batch.messages) {
      // It may have been read back before it was acknowledged.
      if (this.#awaited.get(message) !== awaited) continue;
      if (this.#assigned) awaited.state = 'acknowledged';
      else this.#close(message);
    }
  }

  #failed(batch: Batch, error: unknown): void {
    this.#settled();
    publishMailEvent({
      kind: 'alarm',
      name: 'log-append',
      detail: `partition ${this.#partition}: ${error instanceof Error ? error.message : String(error)}`,
    });
    // What may have been written is waited for until it is given up (I8).
    const isUncertain = this.#assigned && !isMtaError(error, 'LOG_REFUSED');
    for (const { message, awaited } of batch.messages) {
      if (this.#awaited.get(message) !== awaited) continue;
      if (isUncertain) awaited.state = 'uncertain';
      else this.#again(message);
    }
  }

  #keep(draft: Draft): void {
    const drafts = this.#pending.get(draft.message);
    if (drafts === undefined) this.#pending.set(draft.message, [draft]);
    else drafts.push(draft);
  }

  #settled(): void {
    this.#inFlight -= 1;
    if (this.#pending.size > 0) this.#schedule();
  }
}

function isSameDecision(written: QueueRecord, read: QueueRecord): boolean {
  const a = decisionOf(written);
  const b = decisionOf(read);
  return a !== undefined && b !== undefined && a.term === b.term && a.sequence === b.sequence;
}

function decisionOf(record: QueueRecord): { readonly term: number; readonly sequence: number } | undefined {
  if (record.type === 'AttemptIntended') return record.attempt;
  return 'decision' in record ? record.decision : undefined;
}
