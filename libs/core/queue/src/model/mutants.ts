/**
 * One clause of the invariants taken away at a time (docs/queue-model.md). A mutant that no check of the model notices
 * means that the clause is not needed, or that the model is too weak to tell.
 */
import type { Effect } from '../effect.ts';
import { fold } from '../fold.ts';
import { type OwnerOptions, PartitionOwner } from '../owner.ts';
import type { OwnerEffect } from '../owner-effect.ts';
import type {
  Decision,
  Incarnation,
  LoggedRecord,
  MessageId,
  MessageRestated,
  PartitionClaimed,
  QueueRecord,
  RecipientBounced,
  RecipientDeferred,
  RecipientExpired,
} from '../records.ts';
import type { Faults } from './faults.ts';
import { isFenced, RULES, type Rules } from '../rules.ts';
import type { OpenMessage, StoredReference } from '../open-message.ts';
import type { PartitionState } from '../state.ts';
import { run, type RunResult, type Variation } from './run.ts';

export interface Mutant {
  /** Invariant and what is left out. */
  readonly name: string;
  readonly variation: Variation;
  /** A seed that shows it, the first from 1 on; undefined where none did (docs/queue-model.md says why). */
  readonly caughtBy: number | undefined;
}

/** Runs a mutant in its weather. */
export function runMutant(seed: number, { variation }: Mutant): RunResult {
  return run(seed, { ...variation, faults: { ...STORM, ...variation.faults } });
}

/** Weather in which ownership changes hands all the time, so that few seeds show what is missing. */
const STORM: Partial<Faults> = {
  embedded: false,
  partitions: 1,
  messages: 80,
  faultyMs: 2_400_000,
  deferAllUntil: 0,
  reassignEveryMs: 100_000,
  twoOwners: 0.6,
  presenceLossEveryMs: 300_000,
  pauseEveryMs: 600_000,
  appendSlow: 0.1,
  appendTwice: 0.1,
  replySlow: 0.3,
  refusedForNow: 0.4,
  expiryMs: 1_200_000,
  removed: 0.1,
  undecodable: 0,
};

/** Two workers that take the partition from each other while the next hop is slow and refuses much. */
const TUG_OF_WAR: Partial<Faults> = {
  reassignEveryMs: 70_000,
  presenceLossEveryMs: 60_000,
  replySlow: 0.7,
  refusedForNow: 0.1,
  refusedForGood: 0.4,
  crashEveryMs: 600_000,
};

/** Much is removed and dropped, late, while slow next hops take it. */
const SLOW_REMOVALS: Partial<Faults> = { removed: 1, dropped: 0.4, appendSlow: 0.4, replySlow: 0.8 };

/** Long, with owners that last. */
const STEADY: Partial<Faults> = {
  faultyMs: 7_200_000,
  reassignEveryMs: 3_600_000,
  crashEveryMs: 7_200_000,
  presenceLossEveryMs: 3_600_000,
  pauseEveryMs: 3_600_000,
  expiryMs: 36_000_000,
};

function inWeather(faults: Partial<Faults>, variation: Variation): Variation {
  return { ...variation, faults };
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

/** Whoever claims, it decides under that claim. */
class TakesEveryClaimForItsOwn extends PartitionOwner {
  readonly #incarnation: Incarnation;

  constructor(options: OwnerOptions) {
    super(options);
    this.#incarnation = options.incarnation;
  }

  override read(...[records, now]: Parameters<PartitionOwner['read']>): readonly OwnerEffect[] {
    const taken = records.map((logged) =>
      logged.record.type === 'PartitionClaimed' && logged.record.incarnation !== this.#incarnation
        ? { ...logged, record: { ...logged.record, incarnation: this.#incarnation, claim: Number.MAX_SAFE_INTEGER } }
        : logged,
    );
    return super.read(taken, now);
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

class ManyOutstanding extends PartitionOwner {
  override outstanding(): boolean {
    return false;
  }

  override deliverableAt(...parameters: Parameters<PartitionOwner['deliverableAt']>): number | undefined {
    return this.freeAt(...parameters);
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
  { name: 'I1: a late acceptance counts', variation: rules({ acceptanceHolds: () => true }), caughtBy: 1 },
  {
    name: 'I1: an acceptance from a clock that is ahead counts',
    variation: inWeather(
      { skewMs: 1_200_000, appendTwice: 0.4, appendSlow: 0.02 },
      rules({ acceptanceHolds: (at, appendTime) => appendTime - at <= 300_000 }),
    ),
    caughtBy: 3,
  },
  {
    name: 'I2: decides under the claim of another, before its own is read or after',
    variation: owner(TakesEveryClaimForItsOwn),
    caughtBy: 2,
  },
  { name: 'I2: the first claim carries a mark of its own', variation: owner(MarksBeforeReading), caughtBy: undefined },
  {
    name: 'I2: never claims again after a foreign claim',
    variation: rules({ reclaimMs: Number.POSITIVE_INFINITY }),
    caughtBy: 1,
  },
  {
    name: 'I2: never renews',
    variation: rules({ renewMs: Number.POSITIVE_INFINITY, renewOpenMs: Number.POSITIVE_INFINITY }),
    caughtBy: 1,
  },
  {
    name: 'I2: does not renew sooner while a transaction is open',
    variation: rules({ renewOpenMs: 60_000 }),
    caughtBy: undefined,
  },
  { name: 'I3: AttemptIntended is not fenced', variation: unfenced('AttemptIntended'), caughtBy: undefined },
  { name: 'I3: RecipientBounced is not fenced', variation: unfenced('RecipientBounced'), caughtBy: 7 },
  { name: 'I3: RecipientExpired is not fenced', variation: unfenced('RecipientExpired'), caughtBy: 13 },
  { name: 'I3: MessageRestated is not fenced', variation: unfenced('MessageRestated'), caughtBy: 10 },
  {
    name: 'I3: RecipientDropped is not fenced',
    variation: inWeather(SLOW_REMOVALS, unfenced('RecipientDropped')),
    caughtBy: undefined,
  },
  {
    name: 'I3: RecipientRemoved is not fenced',
    variation: inWeather(SLOW_REMOVALS, unfenced('RecipientRemoved')),
    caughtBy: undefined,
  },
  {
    name: 'I3: a claim carries for ever',
    variation: inWeather(
      { appendSlow: 0.3, appendLost: 0.3, appendTwice: 0.3 },
      rules({ isFenced: (claim, decision) => claim?.term === decision.term }),
    ),
    caughtBy: undefined,
  },
  {
    name: 'I3: decisions count in any order',
    variation: inWeather({ appendSlow: 0.3 }, rules({ isLater: () => true })),
    caughtBy: undefined,
  },
  {
    name: 'I3: deliveries are fenced',
    variation: seeing((state, { record, appendTime }) =>
      record.type === 'RecipientDelivered' && !isFenced(state.claim, record.attempt!, appendTime) ? undefined : record,
    ),
    caughtBy: 1,
  },
  {
    name: 'I3: ends of attempts are fenced',
    variation: inWeather(
      STEADY,
      seeing((state, { record, appendTime }) =>
        record.type === 'RecipientDeferred' && !isFenced(state.claim, record.attempt!, appendTime) ? undefined : record,
      ),
    ),
    caughtBy: 3,
  },
  {
    name: 'I3: a final before its message is forgotten',
    variation: seeing((state, { record }) =>
      record.type === 'RecipientDelivered' && !state.messages.has(record.message) ? undefined : record,
    ),
    caughtBy: undefined,
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
    caughtBy: 6,
  },
  { name: 'I3: finals are remembered for a minute', variation: rules({ memoryMs: 60_000 }), caughtBy: 1 },
  {
    name: 'I3: finals are remembered for six minutes',
    variation: inWeather({ skewMs: 280_000, appendTwice: 0.4, appendSlow: 0.02 }, rules({ memoryMs: 360_000 })),
    caughtBy: 16,
  },
  { name: 'I3: a restatement adds', variation: rules({ restatementsReplace: false }), caughtBy: 62 },
  {
    name: 'I3: acceptances are not deduplicated',
    variation: seeing((state, { record }) => {
      if (record.type === 'MessageAccepted') state.messages.delete(record.message);
      return record;
    }),
    caughtBy: 1,
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
    caughtBy: 35,
  },
  {
    name: 'I3: bounces while another attempt is open or in grace',
    variation: inWeather(TUG_OF_WAR, owner(BouncesRegardless)),
    caughtBy: undefined,
  },
  { name: 'I4: sends on an intent that was void', variation: owner(SendsVoidIntents), caughtBy: 1 },
  { name: 'I4: the dot needs no proof', variation: owner(NeedsNoProof), caughtBy: 2 },
  {
    name: 'I4: a proof serves attempts from before a foreign claim',
    variation: inWeather(TUG_OF_WAR, owner(ProofOfAnyRun)),
    caughtBy: 10,
  },
  { name: 'I4: a proof of ten minutes', variation: rules({ proofMs: 600_000 }), caughtBy: 1 },
  { name: 'I5: no grace', variation: rules({ absentGraceMs: 0, presentGraceMs: 0 }), caughtBy: 1 },
  { name: 'I5: no grace once presence ended', variation: rules({ absentGraceMs: 0 }), caughtBy: 1 },
  { name: 'I5: 65 s while presence lasts', variation: rules({ presentGraceMs: 65_000 }), caughtBy: 1 },
  { name: 'I5: unknown presence is absence', variation: owner(TakesUnknownForAbsent), caughtBy: 10 },
  { name: 'I5: expiry does not wait for grace', variation: owner(ExpiresRegardless), caughtBy: 7 },
  { name: 'I6: open messages do not hold the mark', variation: owner(MarksNothingOpen), caughtBy: 1 },
  {
    name: 'I6: the tracker does not hold the mark',
    variation: inWeather(STEADY, owner(MarksPastTheTracker)),
    caughtBy: 1,
  },
  {
    name: 'I6: an undecodable record does not hold the mark',
    variation: inWeather({ undecodable: 0.02 }, owner(MarksPastTheUndecodable)),
    caughtBy: 1,
  },
  { name: 'I6: trims up to the mark', variation: rules({ trimDistanceMs: 0 }), caughtBy: 1 },
  {
    name: 'I6: trims two minutes behind the mark',
    variation: inWeather({ appendTwice: 0.4 }, rules({ trimDistanceMs: 120_000 })),
    caughtBy: 89,
  },
  { name: 'I6: trims before the mark is read back', variation: owner(TrimsToItsOwnMark), caughtBy: 1 },
  { name: 'I6: readers keep what lies below a mark', variation: rules({ claimsDrop: false }), caughtBy: 1 },
  {
    name: 'I7: never restates',
    variation: inWeather({ deferAllUntil: 10_800_000, expiryMs: 36_000_000 }, owner(NeverRestates)),
    caughtBy: 1,
  },
  { name: 'I7: restates without open attempts', variation: owner(RestatesWithoutAttempts), caughtBy: 10 },
  {
    name: 'I8: several appends of a message at once',
    variation: inWeather(STEADY, owner(ManyOutstanding)),
    caughtBy: 3,
  },
  { name: 'I8: an abandoned intent stays open', variation: inWeather(STEADY, owner(AbandonedStayOpen)), caughtBy: 5 },
  {
    name: 'I9: the report follows in a batch of its own',
    variation: {
      batchesOf: (records) => {
        const at = records.findIndex(({ type }) => type === 'MessageAccepted');
        return at <= 0 ? [records] : [records.slice(0, at), records.slice(at)];
      },
    },
    caughtBy: 1,
  },
  {
    name: 'I9: a report is accepted whatever became of its outcome',
    variation: rules({ reportsNeedTheirOutcome: false }),
    caughtBy: 2,
  },
  { name: 'I10: anyone deletes bodies', variation: owner(AnyoneDeletes), caughtBy: 24 },
  { name: 'I10: the sweep goes by age alone', variation: owner(SweepsByAge), caughtBy: 1 },
];
