/**
 * One clause of the invariants taken away at a time (docs/queue-model.md). A mutant that no check of the model notices
 * means that the clause is not needed, or that the model is too weak to tell.
 */
import type { Effect } from '../effect.ts';
import { fold } from '../fold.ts';
import { type OwnerEffect, type OwnerOptions, PartitionOwner } from '../owner.ts';
import type {
  Decision,
  LoggedRecord,
  MessageId,
  MessageRestated,
  PartitionClaimed,
  QueueRecord,
  RecipientBounced,
  RecipientDeferred,
  RecipientExpired,
} from '../records.ts';
import { isFenced, RULES, type Rules } from '../rules.ts';
import type { OpenMessage, PartitionState, StoredReference } from '../state.ts';
import type { Variation } from './run.ts';

export interface Mutant {
  /** Invariant and what is left out. */
  readonly name: string;
  readonly variation: Variation;
  /** The number of seeds, from 1 on, within which it is caught; undefined where none did in the runs on record. */
  readonly within: number | undefined;
}

function rules(change: Partial<Rules>): Variation {
  return { rules: { ...RULES, ...change } };
}

function owner(Mutated: new (options: OwnerOptions) => PartitionOwner): Variation {
  return { owner: (options) => new Mutated(options) };
}

/** A fold that sees another record, or, on undefined, none at this place. */
function seeing(
  change: (state: PartitionState, logged: LoggedRecord) => LoggedRecord['record'] | undefined,
): Variation {
  return {
    fold: (state, logged, all): readonly Effect[] => {
      const record = change(state, logged);
      if (record !== undefined) return fold(state, { ...logged, record }, all);
      // A recipient without its acceptance is what every reader ignores.
      const nothing = { type: 'RecipientQueued', message: '' as MessageId, recipient: 0, copy: 0, forwardPath: '' };
      return fold(state, { ...logged, record: nothing as QueueRecord }, all);
    },
  };
}

function unfenced(type: QueueRecord['type']): Variation {
  return rules({
    isFenced: (claim, decision, appendTime, of) => of === type || isFenced(claim, decision, appendTime),
  });
}

function isDecision(record: LoggedRecord['record']): boolean {
  return record.type === 'AttemptIntended' || ('decision' in record && record.decision !== undefined);
}

class DecidesAtOnce extends PartitionOwner {
  override get mayDecide(): boolean {
    return this.state.claim !== undefined;
  }
}

class MarksBeforeReading extends PartitionOwner {
  override claimDue(...[now, open, tracker]: Parameters<PartitionOwner['claimDue']>): PartitionClaimed | undefined {
    const claim = super.claimDue(now, open, tracker);
    return claim === undefined ? undefined : { ...claim, mark: this.mark(tracker) };
  }
}

class BouncesRegardless extends PartitionOwner {
  override bounce(
    ...[message, recipient, fields, now]: Parameters<PartitionOwner['bounce']>
  ): RecipientBounced | undefined {
    if (!this.mayDecide || !message.recipients.has(recipient)) return undefined;
    const decision = this.nextDecision();
    return { type: 'RecipientBounced', message: message.id, recipient, decision, at: now.wall, ...fields };
  }
}

class ExpiresRegardless extends PartitionOwner {
  override expire(
    ...[message, recipient, fields, now]: Parameters<PartitionOwner['expire']>
  ): RecipientExpired | undefined {
    if (!this.mayDecide || !message.recipients.has(recipient)) return undefined;
    const decision = this.nextDecision();
    return { type: 'RecipientExpired', message: message.id, recipient, decision, at: now.wall, ...fields };
  }
}

class NeedsNoProof extends PartitionOwner {
  override mayEnd(): 'yes' {
    return 'yes';
  }
}

/** The proof of the newest claim serves attempts of every earlier term. */
class ProofOfAnyRun extends PartitionOwner {
  override mayEnd(_attempt: Decision, now: Parameters<PartitionOwner['mayEnd']>[1]): 'yes' | 'wait' | 'no' {
    const { term } = this;
    return term === undefined ? 'no' : super.mayEnd({ term, sequence: 0 }, now);
  }
}

class SendsVoidIntents extends PartitionOwner {
  override read(...parameters: Parameters<PartitionOwner['read']>): readonly OwnerEffect[] {
    return super.read(...parameters).map((effect) =>
      effect.kind === 'void' && effect.record.type === 'AttemptIntended'
        ? {
            kind: 'begun',
            message: effect.message,
            attempt: effect.record.attempt,
            recipients: effect.record.recipients,
          }
        : effect,
    );
  }
}

class TakesUnknownForAbsent extends PartitionOwner {
  override presence(...[incarnation, state, now]: Parameters<PartitionOwner['presence']>): void {
    super.presence(incarnation, state === 'unknown' ? 'absent' : state, now);
  }
}

class MarksNothingOpen extends PartitionOwner {
  override mark(trackerPosition: number | undefined): number {
    return Math.min(this.state.nextOffset, trackerPosition ?? this.state.nextOffset);
  }
}

class MarksPastTheTracker extends PartitionOwner {
  override mark(): number {
    return super.mark(undefined);
  }
}

class MarksPastTheUndecodable extends PartitionOwner {
  override mark(trackerPosition: number | undefined): number {
    const { nextOffset, messages } = this.state;
    return Math.min(messages.first()?.fullStateOffset ?? nextOffset, trackerPosition ?? nextOffset);
  }
}

class TrimsToItsOwnMark extends PartitionOwner {
  override trimBefore(): number | undefined {
    return this.mayDecide ? this.mark(this.state.nextOffset) : undefined;
  }
}

class NeverRestates extends PartitionOwner {
  override restatementsDue(): MessageId[] {
    return [];
  }
}

class RestatesWithoutAttempts extends PartitionOwner {
  override restate(message: OpenMessage, bodies: readonly StoredReference[]): MessageRestated | undefined {
    const restated = super.restate(message, bodies);
    return restated === undefined ? undefined : { ...restated, attempts: [] };
  }
}

class NothingOutstanding extends PartitionOwner {
  override outstanding(): boolean {
    return false;
  }

  override submitted(): void {
    // Nothing is awaited.
  }
}

class AbandonedStayOpen extends PartitionOwner {
  override endAbandoned(): RecipientDeferred[] {
    return [];
  }
}

class AnyoneDeletes extends PartitionOwner {
  override get mayDeleteBodies(): boolean {
    return true;
  }
}

class SweepsByAge extends PartitionOwner {
  override isSweepable(...[_message, storedAt, now]: Parameters<PartitionOwner['isSweepable']>): boolean {
    return this.mayDecide && now.wall - storedAt > 1_200_000;
  }
}

export const MUTANTS: readonly Mutant[] = [
  { name: 'I1: a late acceptance counts', variation: rules({ acceptanceHolds: () => true }), within: 1 },
  {
    name: 'I1: an acceptance from a clock that is ahead counts',
    variation: rules({ acceptanceHolds: (at, appendTime) => appendTime - at <= 300_000 }),
    within: 1,
  },
  { name: 'I2: decides before its own claim is read', variation: owner(DecidesAtOnce), within: 1 },
  { name: 'I2: the first claim carries a mark of its own', variation: owner(MarksBeforeReading), within: 1 },
  {
    name: 'I2: never claims again after a foreign claim',
    variation: rules({ reclaimMs: Number.POSITIVE_INFINITY }),
    within: 1,
  },
  {
    name: 'I2: never renews',
    variation: rules({ renewMs: Number.POSITIVE_INFINITY, renewOpenMs: Number.POSITIVE_INFINITY }),
    within: 1,
  },
  {
    name: 'I2: does not renew sooner while a transaction is open',
    variation: rules({ renewOpenMs: 60_000 }),
    within: 1,
  },
  ...(
    [
      'AttemptIntended',
      'RecipientBounced',
      'RecipientExpired',
      'RecipientDropped',
      'RecipientRemoved',
      'MessageRestated',
    ] as const
  ).map((type) => ({ name: `I3: ${type} is not fenced`, variation: unfenced(type), within: 1 })),
  {
    name: 'I3: a claim carries for ever',
    variation: rules({ isFenced: (claim, decision) => claim?.term === decision.term }),
    within: 1,
  },
  { name: 'I3: decisions count in any order', variation: rules({ isLater: () => true }), within: 1 },
  {
    name: 'I3: deliveries are fenced',
    variation: seeing((state, { record, appendTime }) =>
      record.type === 'RecipientDelivered' && !isFenced(state.claim, record.attempt!, appendTime) ? undefined : record,
    ),
    within: 1,
  },
  {
    name: 'I3: ends of attempts are fenced',
    variation: seeing((state, { record, appendTime }) =>
      record.type === 'RecipientDeferred' && !isFenced(state.claim, record.attempt!, appendTime) ? undefined : record,
    ),
    within: 1,
  },
  {
    name: 'I3: a final before its message is forgotten',
    variation: seeing((state, { record }) =>
      record.type === 'RecipientDelivered' && !state.messages.has(record.message) ? undefined : record,
    ),
    within: 1,
  },
  {
    name: 'I3: decisions on messages not open here are void',
    variation: seeing((state, { record }) =>
      isDecision(record) &&
      record.type !== 'MessageRestated' &&
      'message' in record &&
      !state.messages.has(record.message)
        ? undefined
        : record,
    ),
    within: 1,
  },
  { name: 'I3: finals are remembered for a minute', variation: rules({ memoryMs: 60_000 }), within: 1 },
  { name: 'I3: finals are remembered for six minutes', variation: rules({ memoryMs: 360_000 }), within: 1 },
  { name: 'I3: a restatement adds', variation: rules({ restatementsReplace: false }), within: 1 },
  {
    name: 'I3: acceptances are not deduplicated',
    variation: seeing((state, { record }) => {
      if (record.type === 'MessageAccepted') state.messages.delete(record.message);
      return record;
    }),
    within: 1,
  },
  {
    name: 'I3: an outcome ends whichever attempt is open',
    variation: seeing((state, { record }) => {
      if (record.type !== 'RecipientDeferred') return record;
      const open = state.messages
        .get(record.message)
        ?.attempts.find(({ recipients }) => recipients.has(record.recipient));
      return open === undefined ? record : { ...record, attempt: open.attempt };
    }),
    within: 1,
  },
  { name: 'I3: bounces while another attempt is open or in grace', variation: owner(BouncesRegardless), within: 1 },
  { name: 'I4: sends on an intent that was void', variation: owner(SendsVoidIntents), within: 1 },
  { name: 'I4: the dot needs no proof', variation: owner(NeedsNoProof), within: 1 },
  { name: 'I4: a proof serves attempts from before a foreign claim', variation: owner(ProofOfAnyRun), within: 1 },
  { name: 'I4: a proof of ten minutes', variation: rules({ proofMs: 600_000 }), within: 1 },
  { name: 'I5: no grace', variation: rules({ absentGraceMs: 0, presentGraceMs: 0 }), within: 1 },
  { name: 'I5: no grace once presence ended', variation: rules({ absentGraceMs: 0 }), within: 1 },
  { name: 'I5: 65 s while presence lasts', variation: rules({ presentGraceMs: 65_000 }), within: 1 },
  { name: 'I5: unknown presence is absence', variation: owner(TakesUnknownForAbsent), within: 1 },
  { name: 'I5: expiry does not wait for grace', variation: owner(ExpiresRegardless), within: 1 },
  { name: 'I6: open messages do not hold the mark', variation: owner(MarksNothingOpen), within: 1 },
  { name: 'I6: the tracker does not hold the mark', variation: owner(MarksPastTheTracker), within: 1 },
  { name: 'I6: an undecodable record does not hold the mark', variation: owner(MarksPastTheUndecodable), within: 1 },
  { name: 'I6: trims up to the mark', variation: rules({ trimDistanceMs: 0 }), within: 1 },
  { name: 'I6: trims two minutes behind the mark', variation: rules({ trimDistanceMs: 120_000 }), within: 1 },
  { name: 'I6: trims before the mark is read back', variation: owner(TrimsToItsOwnMark), within: 1 },
  { name: 'I6: readers keep what lies below a mark', variation: rules({ claimsDrop: false }), within: 1 },
  { name: 'I7: never restates', variation: owner(NeverRestates), within: 1 },
  { name: 'I7: restates without open attempts', variation: owner(RestatesWithoutAttempts), within: 1 },
  { name: 'I8: several appends of a message at once', variation: owner(NothingOutstanding), within: 1 },
  { name: 'I8: an abandoned intent stays open', variation: owner(AbandonedStayOpen), within: 1 },
  {
    name: 'I9: the report follows in a batch of its own',
    variation: {
      batchesOf: (records) => {
        const at = records.findIndex(({ type }) => type === 'MessageAccepted');
        return at <= 0 ? [records] : [records.slice(0, at), records.slice(at)];
      },
    },
    within: 1,
  },
  {
    name: 'I9: a report is accepted whatever became of its outcome',
    variation: rules({ reportsNeedTheirOutcome: false }),
    within: 1,
  },
  { name: 'I10: anyone deletes bodies', variation: owner(AnyoneDeletes), within: 1 },
  { name: 'I10: the sweep goes by age alone', variation: owner(SweepsByAge), within: 1 },
];
