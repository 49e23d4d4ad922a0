import type { Instant } from './instant.ts';
import { type AttemptIntended, type Decision, type MessageId, type QueueRecord, sameDecision } from './records.ts';
import type { Rules } from './rules.ts';

interface Entry {
  /** Records of the append that were not read back yet. */
  readonly records: QueueRecord[];
  /** When the append was handed to the log; undefined while records may still join it. */
  submitted: Instant | undefined;
}

/** An append that was not read back in time. What it decided is never acted on; facts in it are to be repeated. */
export interface GivenUp {
  readonly message: MessageId;
  readonly records: readonly QueueRecord[];
}

/** At most one append a message under way (I8): outstanding until each of its records is read back, or given up. */
export class Outstanding {
  readonly #rules: Rules;
  /** In order of submission, entries that still collect records apart. */
  readonly #entries = new Map<MessageId, Entry>();
  /** Given-up intents by message: read later, their end is to be recorded. */
  readonly #abandoned = new Map<MessageId, readonly Decision[]>();

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Whether an append of the message is under way. */
  has(message: MessageId): boolean {
    return this.#entries.get(message)?.submitted !== undefined;
  }

  /** Whether the append that is being put together holds an intent for the recipient. */
  intends(message: MessageId, recipient: number): boolean {
    const records = this.#entries.get(message)?.records;
    return (
      records?.some((record) => record.type === 'AttemptIntended' && record.recipients.includes(recipient)) ?? false
    );
  }

  /** Adds a record to the append that is being put together. False when one is under way. */
  join(message: MessageId, record: QueueRecord): boolean {
    const entry = this.#entries.get(message);
    if (entry === undefined) this.#entries.set(message, { records: [record], submitted: undefined });
    else if (entry.submitted !== undefined) return false;
    else entry.records.push(record);
    return true;
  }

  /** The append goes to the log now; of its records, those of this message are awaited. */
  submit(message: MessageId, records: readonly QueueRecord[], now: Instant): void {
    this.#entries.delete(message);
    const own = records.filter((record) => 'message' in record && record.message === message);
    if (own.length > 0) this.#entries.set(message, { records: own, submitted: now });
  }

  /** The append was certainly not written. */
  drop(message: MessageId): void {
    this.#entries.delete(message);
  }

  /** Gives up what was submitted longer ago than I8 allows. */
  giveUp(now: Instant): GivenUp[] {
    const given: GivenUp[] = [];
    for (const [message, { submitted, records }] of this.#entries) {
      if (submitted === undefined) continue;
      if (now.monotonic - submitted.monotonic < this.#rules.giveUpMs) break;
      this.#entries.delete(message);
      given.push({ message, records });
      for (const record of records) if (record.type === 'AttemptIntended') this.#abandon(record);
    }
    return given;
  }

  #abandon({ message, attempt }: AttemptIntended): void {
    this.#abandoned.set(message, [...(this.#abandoned.get(message) ?? []), attempt]);
  }

  /** A claim was read at this offset: intents of earlier terms that were not read by now can only land void. */
  readClaim(offset: number): void {
    for (const [message, attempts] of this.#abandoned) {
      const left = attempts.filter(({ term }) => term >= offset);
      if (left.length === 0) this.#abandoned.delete(message);
      else if (left.length < attempts.length) this.#abandoned.set(message, left);
    }
  }

  /** A record of ours was read. Tells whether it was awaited, given up before, or neither (a repeat). */
  read(record: QueueRecord): 'awaited' | 'abandoned' | 'other' {
    if (!('message' in record)) return 'other';
    const entry = this.#entries.get(record.message);
    const index = entry === undefined ? -1 : placeIn(entry.records, record);
    if (entry !== undefined && index >= 0) {
      if (entry.records.length === 1) this.#entries.delete(record.message);
      else entry.records.splice(index, 1);
      return 'awaited';
    }
    if (record.type !== 'AttemptIntended') return 'other';
    const abandoned = this.#abandoned.get(record.message);
    return abandoned?.some((attempt) => sameDecision(attempt, record.attempt)) ? 'abandoned' : 'other';
  }
}

function placeIn(written: readonly QueueRecord[], read: QueueRecord): number {
  for (let i = 0; i < written.length; i++) if (isSame(written[i]!, read)) return i;
  return -1;
}

/** Whether the log gave back what was written. Both are of one message. */
function isSame(written: QueueRecord, read: QueueRecord): boolean {
  if (written.type !== read.type) return false;
  const a = placeOf(written);
  const b = placeOf(read);
  return a.recipient === b.recipient && matches(a.attempt, b.attempt) && matches(a.decision, b.decision);
}

interface Place {
  readonly type: string;
  readonly recipient?: number;
  readonly attempt?: Decision;
  readonly decision?: Decision;
}

function placeOf(record: QueueRecord): Place {
  return record;
}

function matches(a: Decision | undefined, b: Decision | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameDecision(a, b);
}
