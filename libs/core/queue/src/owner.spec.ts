import { beforeEach, describe, expect, test } from 'vitest';
import type { Instant } from './instant.ts';
import { HandWrittenLog } from './model/hand-written-log.ts';
import { acceptance, queued } from './model/simulated-ingress.ts';
import { PartitionOwner } from './owner.ts';
import type { OwnerEffect } from './owner-effect.ts';
import type { AttemptIntended, Incarnation, MessageId, QueueRecord } from './records.ts';

const M = 'm' as MessageId;
const OWN = 'own' as Incarnation;
const OTHER = 'other' as Incarnation;

let log: HandWrittenLog;
let owner: PartitionOwner;
let now: Instant;

beforeEach(() => {
  log = new HandWrittenLog();
  owner = new PartitionOwner({ partition: 0, worker: 'w', incarnation: OWN, exclusive: false });
  now = { wall: 1_000_000, monotonic: 0 };
  owner.assigned(now);
});

function pass(ms: number): void {
  now = { wall: now.wall + ms, monotonic: now.monotonic + ms };
  log.appendTime += ms;
}

/** Appends and reads. */
function happen(...records: readonly QueueRecord[]): readonly OwnerEffect[] {
  return owner.read(log.from(log.append(...records)), now);
}

function accept(recipientCount: number): void {
  const records: QueueRecord[] = [acceptance(M, log.appendTime, [], recipientCount, 86_400_000)];
  for (let recipient = 0; recipient < recipientCount; recipient++) records.push(queued(M, recipient));
  happen(...records);
}

/** Claims now, acknowledged and read back. */
function claim(): readonly OwnerEffect[] {
  const due = owner.claimDue(now, true, undefined)!;
  const effects = happen(due);
  owner.claimAcknowledged(due.claim, { firstOffset: log.records.length - 1, appendTime: log.appendTime }, now);
  return effects;
}

function foreignClaim(): readonly OwnerEffect[] {
  return happen({ type: 'PartitionClaimed', worker: 'o', incarnation: OTHER, claim: 1, mark: 0, at: 0 });
}

/** Another worker claims and intends, and we claim after it. */
function takeOver(): void {
  foreignClaim();
  happen({ ...intentOf([0]), attempt: { term: log.records.length - 1, sequence: 1 }, incarnation: OTHER });
  pass(2_000);
  claim();
}

function intentOf(recipients: readonly number[]): AttemptIntended {
  const attempt = { term: -1, sequence: 1 };
  const at = now.wall;
  return {
    type: 'AttemptIntended',
    message: M,
    recipients,
    attempt,
    incarnation: OWN,
    host: 'h',
    route: 'ALL',
    routeVersion: 1,
    at,
  };
}

function message() {
  return owner.state.messages.get(M)!;
}

function intend(...recipients: readonly number[]): AttemptIntended | undefined {
  const intent = owner.intend(message(), recipients, 'h', 'ALL', 1, now);
  if (intent !== undefined) owner.submitted(M, [intent], now);
  return intent;
}

function kinds(effects: readonly OwnerEffect[]): string[] {
  return effects.map(({ kind }) => kind);
}

describe('I2: claims', () => {
  test('one is due at once, the next after a minute, or ten seconds while a transaction is open', () => {
    expect(kinds(claim())).toEqual(['claimed', 'owned']);
    expect(owner.term).toBe(0);
    pass(9_999);
    expect(owner.claimDue(now, true, undefined)).toBeUndefined();
    pass(1);
    expect(owner.claimDue(now, false, undefined)).toBeUndefined();
    expect(owner.claimDue(now, true, undefined)?.claim).toBe(2);
  });

  test('nothing is decided before the own claim is read back', () => {
    accept(1);
    const due = owner.claimDue(now, false, undefined)!;
    owner.claimAcknowledged(due.claim, { firstOffset: 2, appendTime: log.appendTime }, now);
    expect(owner.mayDecide).toBe(false);
    expect(intend(0)).toBeUndefined();
    happen(due);
    expect(intend(0)).toBeDefined();
  });

  test('a foreign claim ends it; two seconds later it claims again', () => {
    claim();
    pass(5_000);
    expect(kinds(foreignClaim())).toEqual(['claimed', 'lost']);
    expect(owner.mayDecide).toBe(false);
    pass(1_999);
    expect(owner.claimDue(now, false, undefined)).toBeUndefined();
    pass(1);
    expect(owner.claimDue(now, false, undefined)).toBeDefined();
  });

  test('a try that is not read back is followed by another, a failed one sooner', () => {
    owner.claimDue(now, false, undefined);
    pass(9_999);
    expect(owner.claimDue(now, false, undefined)).toBeUndefined();
    pass(1);
    const second = owner.claimDue(now, false, undefined)!;
    owner.claimFailed(second.claim, now);
    pass(1_000);
    expect(owner.claimDue(now, false, undefined)?.claim).toBe(3);
  });

  test('unassigned it claims no more, and own claims read again from the start are history', () => {
    claim();
    owner.revoked(now);
    pass(60_000);
    expect(owner.claimDue(now, false, undefined)).toBeUndefined();
    owner.assigned(now);
    owner.read(log.from(0), now);
    expect(owner.mayDecide).toBe(false);
  });
});

describe('I4: the proof', () => {
  test('holds for thirty seconds from sending the last renewal, by both clocks', () => {
    claim();
    const attempt = owner.nextDecision();
    expect(owner.mayEnd(attempt, now)).toBe('yes');
    expect(owner.mayEnd(attempt, { ...now, wall: now.wall + 30_001 })).toBe('wait');
    expect(owner.mayEnd(attempt, { ...now, wall: now.wall - 60_000 })).toBe('wait');
    pass(30_001);
    expect(owner.mayEnd(attempt, now)).toBe('wait');
    claim();
    expect(owner.mayEnd(attempt, now)).toBe('yes');
  });

  test('needs the acknowledgement of what was read, not either alone', () => {
    const due = owner.claimDue(now, false, undefined)!;
    happen(due);
    const attempt = owner.nextDecision();
    expect(owner.mayEnd(attempt, now)).toBe('wait');
    owner.claimAcknowledged(due.claim, { firstOffset: 7, appendTime: log.appendTime }, now);
    expect(owner.mayEnd(attempt, now)).toBe('wait');
  });

  test('of before a foreign claim runs out; no later claim renews it', () => {
    claim();
    const attempt = owner.nextDecision();
    foreignClaim();
    expect(owner.mayEnd(attempt, now)).toBe('yes');
    pass(2_000);
    claim();
    expect(owner.mayEnd(attempt, now)).toBe('no');
  });

  test('is not needed where the lock is held', () => {
    const alone = new PartitionOwner({ partition: 0, worker: 'w', incarnation: OWN, exclusive: true });
    expect(alone.mayEnd({ term: 0, sequence: 1 }, now)).toBe('yes');
  });
});

describe('I5: takeover', () => {
  beforeEach(() => {
    accept(2);
    takeOver();
  });

  test('what nobody tries is deliverable at once', () => {
    expect(owner.deliverableAt(message(), 1, now)).toBe(0);
  });

  test('an attempt of a worker that is present waits ten and a half minutes, of an absent one 65 s', () => {
    expect([...owner.foreignIncarnations()]).toEqual([OTHER]);
    expect(owner.deliverableAt(message(), 0, now)).toBe(now.wall + 630_000);
    owner.presence(OTHER, 'unknown', now);
    expect(owner.deliverableAt(message(), 0, now)).toBe(now.wall + 630_000);
    pass(10_000);
    owner.presence(OTHER, 'absent', now);
    expect(owner.deliverableAt(message(), 0, now)).toBe(now.wall + 65_000);
    pass(65_000);
    expect(owner.deliverableAt(message(), 0, now)).toBe(0);
  });

  test('I3: neither bounced nor expired meanwhile', () => {
    expect(owner.bounce(message(), 0, { cause: 'dns', stage: 'DNS' }, now)).toBeUndefined();
    expect(owner.expire(message(), 0, {}, now)).toBeUndefined();
    expect(owner.expire(message(), 1, {}, now)).toMatchObject({ decision: { term: owner.term } });
  });

  test('its outcome ends the waiting', () => {
    const { attempt } = message().attempts[0]!;
    happen(
      owner.defer(message(), 0, { attempt, stage: 'x', dueAt: 5, countsAsRetry: true, outcomeUnknown: false }, now)!,
    );
    expect(owner.deliverableAt(message(), 0, now)).toBe(5);
  });
});

describe('I8: appends', () => {
  beforeEach(() => {
    accept(2);
    claim();
  });

  test('one at a time a message; MAIL FROM once it is read back', () => {
    const intent = intend(0)!;
    expect(owner.outstanding(M)).toBe(true);
    expect(owner.deliverableAt(message(), 1, now)).toBeUndefined();
    expect(happen(intent)).toEqual([{ kind: 'begun', message: M, attempt: intent.attempt, recipients: [0] }]);
    expect(owner.outstanding(M)).toBe(false);
    expect(owner.deliverableAt(message(), 0, now)).toBeUndefined();
    expect(kinds(happen(intent))).toEqual([]);
  });

  test('R212: nobody is removed or bounced behind an intent in the same append', () => {
    // given an intent that is in an append being put together
    owner.intend(message(), [0], 'h', 'ALL', 1, now);
    // when an operator's decision would join it
    const byOperator = { reason: 'r', author: 'a' };
    // then it is not made for who is about to be sent, and is for the other
    expect(owner.remove(message(), 0, byOperator, now)).toBeUndefined();
    expect(owner.bounce(message(), 0, { cause: 'other', stage: 'operator', ...byOperator }, now)).toBeUndefined();
    expect(owner.remove(message(), 1, byOperator, now)).toMatchObject(byOperator);
  });

  test('what is read back void is decided again', () => {
    const intent = intend(0)!;
    foreignClaim();
    expect(happen(intent)).toEqual([{ kind: 'void', message: M, record: intent }]);
    expect(owner.outstanding(M)).toBe(false);
  });

  test('given up after ten seconds, it is never acted on, and its end is recorded if it counts after all', () => {
    const intent = intend(0, 1)!;
    pass(9_999);
    expect(owner.giveUp(now)).toEqual([]);
    pass(1);
    expect(owner.giveUp(now)).toEqual([{ message: M, records: [intent] }]);
    const effects = happen(intent);
    expect(effects).toEqual([{ kind: 'abandoned', message: M, attempt: intent.attempt, recipients: [0, 1] }]);
    happen(...owner.endAbandoned(M, intent.attempt, [0, 1], now));
    expect(message().attempts).toEqual([]);
  });

  test('an own attempt that nobody works on, met in a restatement after the partition came back, is abandoned', () => {
    const intent = intend(0)!;
    pass(10_000);
    owner.giveUp(now);
    owner.revoked(now);
    log.append(intent);
    const state = new PartitionOwner({ partition: 0, worker: 'o', incarnation: OTHER, exclusive: false });
    state.assigned(now);
    state.read(log.records, now);
    const due = state.claimDue(now, false, undefined)!;
    const term = log.append(due);
    state.read(log.from(term), now);
    log.append(state.restate(state.state.messages.get(M)!, [])!);
    owner.assigned(now);
    owner.read(log.from(term), now);
    const abandoned = { kind: 'abandoned', message: M, attempt: intent.attempt, recipients: [0] };
    expect(claim()).toContainEqual(abandoned);
  });

  test('one that is under way is not', () => {
    const intent = intend(0)!;
    happen(intent);
    owner.revoked(now);
    owner.assigned(now);
    owner.read(log.records, now);
    expect(kinds(claim())).toEqual(['claimed', 'owned']);
  });

  test('what was certainly not written is outstanding no longer', () => {
    intend(0);
    owner.appendRefused(M);
    expect(owner.outstanding(M)).toBe(false);
  });
});

describe('I6, I7: the start of the log', () => {
  test('open messages, the tracker and what cannot be read hold the mark', () => {
    happen({ type: 'PartitionClaimed', worker: 'w', incarnation: OTHER, claim: 1, mark: 0, at: 0 });
    accept(1);
    claim();
    expect(owner.mark(undefined)).toBe(1);
    expect(owner.mark(0)).toBe(0);
    happen({ type: 'RecipientDelivered', message: M, recipient: 0, at: 0 });
    expect(owner.mark(undefined)).toBe(owner.state.nextOffset);
    owner.read(
      [{ offset: 5, appendTime: log.appendTime, sizeOctets: 1, record: { type: 'Undecodable', reason: '' } }],
      now,
    );
    expect(owner.mark(undefined)).toBe(5);
    expect(owner.mayDeleteBodies).toBe(false);
  });

  test('the log is trimmed ten minutes behind the mark of a claim that was read back, each offset once', () => {
    for (let minute = 0; minute < 15; minute++) {
      claim();
      pass(60_000);
    }
    const before = owner.trimBefore(now)!;
    const { appendTime } = log.records[owner.state.claim!.mark - 1]!;
    expect(log.records[before]!.appendTime).toBeLessThanOrEqual(appendTime - 600_000 + 60_000);
    expect(before).toBeGreaterThan(0);
    expect(owner.trimBefore(now)).toBeUndefined();
  });

  test('a message is restated once the log behind it is long, and holds the mark no more', () => {
    accept(2);
    claim();
    expect(owner.restatementsDue(10)).toEqual([]);
    for (let minute = 0; minute < 30; minute++) {
      pass(60_000);
      claim();
    }
    expect(owner.restatementsDue(10)).toEqual([M]);
    const restated = owner.restate(message(), [])!;
    owner.submitted(M, [restated], now);
    expect(owner.restatementsDue(10)).toEqual([]);
    expect(kinds(happen(restated))).toEqual(['restated']);
    expect(owner.mark(undefined)).toBe(log.records.length - 1);
    expect([...message().recipients.keys()]).toEqual([0, 1]);
  });

  test('I10: a sweep spares what is young or open', () => {
    accept(1);
    claim();
    const old = now.wall - 86_400_001;
    expect(owner.isSweepable('gone' as MessageId, old, now)).toBe(true);
    expect(owner.isSweepable('gone' as MessageId, old + 2, now)).toBe(false);
    expect(owner.isSweepable(M, old, now)).toBe(false);
  });
});
