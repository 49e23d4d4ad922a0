/**
 * What the tracker knows of one message, and how each fact changes it: the rules of the queue's own fold (I3, I7, I9)
 * seen from one message. Unlike the fold it remembers what ended for as long as the message is kept, not ten minutes.
 */
import { type Decision, isLater, type MessageAccepted, type MessageId } from '@mailyard/queue';
import { expandedTerms, type Fact, type FactKind, recordOf, termsOfAccepted } from './fact.ts';
import { termOf } from './search-term.ts';

export type RecipientState =
  | 'waiting'
  | 'delivered'
  | 'bounced'
  | 'expired'
  | 'dropped'
  | 'removed'
  /** It ended, but the record of that was trimmed off the log before it was read. */
  | 'untracked';

interface TrackedRecipient {
  state: RecipientState;
  outcomeUnknown: boolean;
  dueAt: number;
  /** The kind of outcome and the attempt that ended it, as a key; and where that record is. */
  endedBy: string;
  endedAt: number;
}

interface TrackedAttempt {
  readonly attempt: Decision;
  readonly recipients: Set<number>;
}

/** Recipients of a message by state, `waiting` including `outcomeUnknown`. */
export type Counts = Record<RecipientState | 'outcomeUnknown', number>;

export function noCounts(): Counts {
  return {
    waiting: 0,
    delivered: 0,
    bounced: 0,
    expired: 0,
    dropped: 0,
    removed: 0,
    untracked: 0,
    outcomeUnknown: 0,
  };
}

/** What a fact did to its message. */
export type Verdict =
  /** Something changed. */
  | 'counted'
  /** Nothing did: too late, or not the owner's to decide. Worth telling in a trace. */
  | 'void'
  /** A repetition of what is known, not worth telling. */
  | 'known'
  /** The very record that ended its recipient, read again. */
  | 'again';

const FINALS: Partial<Record<FactKind, RecipientState>> = {
  RecipientDelivered: 'delivered',
  RecipientBounced: 'bounced',
  RecipientExpired: 'expired',
  RecipientDropped: 'dropped',
  RecipientRemoved: 'removed',
};

export class TrackedMessage {
  readonly id: MessageId;
  readonly partition: number;
  /** Its acceptance was read, or a restatement that holds it. Before that, outcomes are only remembered. */
  isKnown = false;
  readonly #recipients = new Map<number, TrackedRecipient>();
  /** Final outcomes of recipients that are not known. */
  readonly #strays = new Map<number, TrackedRecipient>();
  #attempts: TrackedAttempt[] = [];
  /** Attempts that ended without a final outcome, by recipient. */
  readonly #ended = new Set<string>();
  #lastDecision: Decision | undefined;
  /** Recipients that are read now belong to the acceptance before them. */
  #isCreating = false;
  fullStateOffset = 0;
  /** Of the last fact that was applied. */
  lastOffset = -1;
  lastAppendTime = 0;
  /** Search terms that have come up and are not in the index yet. */
  newTerms: number[] = [];

  constructor(id: MessageId, partition: number) {
    this.id = id;
    this.partition = partition;
  }

  counts(): Counts {
    const counts = noCounts();
    for (const { state, outcomeUnknown } of this.#recipients.values()) {
      counts[state] += 1;
      if (state === 'waiting' && outcomeUnknown) counts.outcomeUnknown += 1;
    }
    return counts;
  }

  get isOpen(): boolean {
    for (const { state } of this.#recipients.values()) if (state === 'waiting') return true;
    return false;
  }

  get recipientCount(): number {
    return this.#recipients.size;
  }

  /** When the first of its waiting recipients is due; undefined when none waits. */
  get dueAt(): number | undefined {
    let first: number | undefined;
    for (const { state, dueAt } of this.#recipients.values())
      if (state === 'waiting' && (first === undefined || dueAt < first)) first = dueAt;
    return first;
  }

  stateOf(recipient: number): { readonly state: RecipientState; readonly outcomeUnknown: boolean } | undefined {
    return this.#recipients.get(recipient);
  }

  /**
   * Applies a fact. Facts come in rising offset; one that was applied before is known.
   *
   * @param isFenced whether a decision stands under the claim in force where it was read
   */
  apply(fact: Fact, isFenced: boolean): Verdict {
    if (fact.offset <= this.lastOffset)
      return this.#recipient(fact.recipient)?.endedAt === fact.offset ? 'again' : 'known';
    this.lastOffset = fact.offset;
    this.lastAppendTime = fact.appendTime;
    if (fact.kind === 'RecipientQueued') return this.#queued(fact);
    this.#isCreating = false;
    switch (fact.kind) {
      case 'MessageAccepted':
        return this.#accepted(fact);
      case 'AttemptIntended':
        return this.#decide(fact, isFenced) ?? this.#intended(fact);
      case 'RecipientDeferred':
        return this.#deferred(fact, isFenced);
      case 'MessageRestated':
        return this.#decide(fact, isFenced) ?? this.#restated(fact);
      case 'PartitionClaimed':
        return this.#lostTrack();
      case 'Undecodable':
        return 'known';
      default:
        return this.#ending(fact, isFenced);
    }
  }

  #accepted(fact: Fact): Verdict {
    for (const { state } of this.#recipients.values()) if (state !== 'untracked') return 'known';
    this.isKnown = true;
    this.#isCreating = true;
    this.fullStateOffset = fact.offset;
    this.newTerms.push(...fact.terms);
    if (fact.isExpanded) this.newTerms.push(...expandedTerms(recordOf(fact) as MessageAccepted));
    return 'counted';
  }

  #queued(fact: Fact): Verdict {
    const before = this.#recipients.get(fact.recipient);
    // One that the tracker lost sight of is back.
    if (!this.#isCreating || (before !== undefined && before.state !== 'untracked')) return 'known';
    this.newTerms.push(...fact.terms);
    const stray = this.#strays.get(fact.recipient);
    this.#strays.delete(fact.recipient);
    this.#recipients.set(fact.recipient, stray ?? waiting(0));
    return 'counted';
  }

  /** Undefined: it counts. A decision is repeated when it is the last one again. */
  #decide({ decision }: Fact, isFenced: boolean): Verdict | undefined {
    if (decision === undefined) return 'void';
    const last = this.#lastDecision;
    if (last !== undefined && keyOf(last) === keyOf(decision)) return 'known';
    if (!isFenced || !isLater(decision, last)) return 'void';
    this.#lastDecision = decision;
    return undefined;
  }

  #intended(fact: Fact): Verdict {
    const record = fact.isIntricate ? recordOf(fact) : undefined;
    const recipients = record?.type === 'AttemptIntended' ? record.recipients : [fact.recipient];
    const attempt = fact.decision!;
    const open = recipients.filter(
      (recipient) =>
        this.#recipients.get(recipient)?.state === 'waiting' && !this.#ended.has(endedKey(recipient, attempt)),
    );
    if (open.length > 0) this.#attempts.push({ attempt, recipients: new Set(open) });
    return 'counted';
  }

  #deferred(fact: Fact, isFenced: boolean): Verdict {
    const { attempt, recipient: rid, dueAt, outcomeUnknown } = fact;
    const recipient = this.#recipients.get(rid);
    if (attempt === undefined) {
      const refused = this.#decide(fact, isFenced);
      if (refused !== undefined) return refused;
      if (recipient?.state !== 'waiting') return 'void';
      recipient.dueAt = dueAt;
    } else {
      const key = endedKey(rid, attempt);
      if (this.#ended.has(key)) return 'known';
      this.#ended.add(key);
      const newest = this.#newestAttempt(rid);
      if (recipient?.state !== 'waiting' || !this.#endAttempt(rid, attempt)) return 'void';
      if (newest === keyOf(attempt)) recipient.dueAt = dueAt;
    }
    recipient.outcomeUnknown ||= outcomeUnknown;
    return 'counted';
  }

  #ending(fact: Fact, isFenced: boolean): Verdict {
    const { kind, recipient: rid, attempt, decision } = fact;
    const refused = decision === undefined ? undefined : this.#decide(fact, isFenced);
    if (refused !== undefined) return refused;
    const endedBy = attempt === undefined ? kind : `${kind} ${keyOf(attempt)}`;
    const known = this.#recipient(rid);
    const isOver = known !== undefined && known.state !== 'waiting' && known.state !== 'untracked';
    if (isOver) return known.endedBy === endedBy ? 'known' : 'void';
    // Of a recipient that does not wait, in a message that does, it is a decision made with an outdated fold.
    if (known?.state !== 'waiting' && this.isOpen && decision !== undefined) return 'void';
    const state = FINALS[kind]!;
    if (known === undefined) {
      this.#strays.set(rid, { state, outcomeUnknown: false, dueAt: 0, endedBy, endedAt: fact.offset });
      return 'counted';
    }
    known.state = state;
    known.outcomeUnknown = false;
    known.endedBy = endedBy;
    known.endedAt = fact.offset;
    for (const { recipients } of this.#attempts) recipients.delete(rid);
    return 'counted';
  }

  /** What it does not name has ended; if how is not known here, the record of that was never read. */
  #restated(fact: Fact): Verdict {
    const record = recordOf(fact);
    if (record.type !== 'MessageRestated') return 'void';
    const named = new Set<number>();
    if (!this.isKnown) this.newTerms.push(...termsOfAccepted(record.accepted), ...expandedTerms(record.accepted));
    for (const { recipient: rid, forwardPath, dueAt, outcomeUnknown } of record.recipients) {
      named.add(rid);
      const recipient = this.#recipient(rid) ?? waiting(dueAt);
      if (!this.#recipients.has(rid)) this.newTerms.push(termOf('recipient', forwardPath));
      this.#strays.delete(rid);
      this.#recipients.set(rid, recipient);
      if (recipient.state === 'untracked') recipient.state = 'waiting';
      if (recipient.state !== 'waiting') continue;
      recipient.dueAt = dueAt;
      recipient.outcomeUnknown = outcomeUnknown;
    }
    for (const [rid, recipient] of this.#recipients)
      if (recipient.state === 'waiting' && !named.has(rid)) recipient.state = 'untracked';
    this.#attempts = record.attempts.map(({ attempt, recipients }) => ({
      attempt,
      recipients: new Set(
        recipients.filter(
          (rid) => this.#recipients.get(rid)?.state === 'waiting' && !this.#ended.has(endedKey(rid, attempt)),
        ),
      ),
    }));
    this.isKnown = true;
    this.fullStateOffset = fact.offset;
    return 'counted';
  }

  /** A claim's mark lies above the message's last full state: it ended before, by records that were never read (I6). */
  #lostTrack(): Verdict {
    for (const recipient of this.#recipients.values()) if (recipient.state === 'waiting') recipient.state = 'untracked';
    this.#attempts = [];
    return 'counted';
  }

  #recipient(recipient: number): TrackedRecipient | undefined {
    return this.#recipients.get(recipient) ?? this.#strays.get(recipient);
  }

  #newestAttempt(recipient: number): string | undefined {
    let newest: string | undefined;
    for (const { recipients, attempt } of this.#attempts) if (recipients.has(recipient)) newest = keyOf(attempt);
    return newest;
  }

  #endAttempt(recipient: number, ended: Decision): boolean {
    const key = keyOf(ended);
    const open = this.#attempts.find(({ attempt }) => keyOf(attempt) === key);
    if (open === undefined || !open.recipients.delete(recipient)) return false;
    if (open.recipients.size === 0) this.#attempts = this.#attempts.filter((attempt) => attempt !== open);
    return true;
  }
}

function waiting(dueAt: number): TrackedRecipient {
  return { state: 'waiting', outcomeUnknown: false, dueAt, endedBy: '', endedAt: -1 };
}

function keyOf({ term, sequence }: Decision): string {
  return `${term}/${sequence}`;
}

function endedKey(recipient: number, attempt: Decision): string {
  return `${recipient} ${keyOf(attempt)}`;
}
