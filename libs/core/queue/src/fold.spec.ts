import type { Address } from '@mailyard/mail';
import { expect, test } from 'vitest';
import { fold } from './fold.ts';
import { HandWrittenLog } from './model/hand-written-log.ts';
import { acceptance, queued } from './model/simulated-ingress.ts';
import type {
  Decision,
  Incarnation,
  MessageAccepted,
  MessageId,
  MessageRestated,
  QueueRecord,
  RecipientBounced,
} from './records.ts';
import { emptyPartition, type PartitionState } from './state.ts';

const M = 'm' as MessageId;
const REPORT = 'report' as MessageId;
const A = 'a' as Incarnation;

function accepted(message: MessageId, at: number, recipientCount: number): MessageAccepted {
  return acceptance(message, at, [{ kind: 'inline', octets: new Uint8Array(3) }], recipientCount, 3_600_000);
}

function acceptedWith(log: HandWrittenLog, recipientCount: number): QueueRecord[] {
  const records: QueueRecord[] = [accepted(M, log.appendTime, recipientCount)];
  for (let recipient = 0; recipient < recipientCount; recipient++) records.push(queued(M, recipient));
  return records;
}

function claim(mark: number, claimNumber = 1): QueueRecord {
  return { type: 'PartitionClaimed', worker: 'w', incarnation: A, claim: claimNumber, mark, at: 0 };
}

function intent(attempt: Decision, recipients: readonly number[]): QueueRecord {
  return {
    type: 'AttemptIntended',
    message: M,
    recipients,
    attempt,
    incarnation: A,
    host: 'h',
    route: 'ALL',
    routeVersion: 1,
    at: 0,
  };
}

function deferral(attempt: Decision, recipient: number): QueueRecord {
  return {
    type: 'RecipientDeferred',
    message: M,
    recipient,
    attempt,
    stage: 'RCPT',
    dueAt: 5,
    countsAsRetry: true,
    outcomeUnknown: false,
    at: 0,
  };
}

function bounce(decision: Decision, recipient: number): readonly [RecipientBounced, MessageAccepted, QueueRecord] {
  return [
    { type: 'RecipientBounced', message: M, recipient, decision, cause: '5xx', stage: 'RCPT', report: REPORT, at: 0 },
    { ...accepted(REPORT, 0, 1), reversePath: null, reportOf: { message: M, recipient } },
    queued(REPORT, 0),
  ];
}

function delivered(recipient: number): QueueRecord {
  return { type: 'RecipientDelivered', message: M, recipient, at: 0 };
}

function read(log: HandWrittenLog, from = 0): PartitionState {
  const state = emptyPartition(from);
  for (const logged of log.from(from)) fold(state, logged);
  return state;
}

function openIn(state: PartitionState): Record<string, number[]> {
  return Object.fromEntries([...state.messages].map(({ id, recipients }) => [id, [...recipients.keys()]]));
}

test('I1: an acceptance opens its message once, with all that was queued behind it', () => {
  const log = new HandWrittenLog();
  const batch = acceptedWith(log, 2);
  log.append(...batch);
  log.append(...batch);
  const state = read(log);
  expect(openIn(state)).toEqual({ m: [0, 1] });
  expect(state.messages.first()!.fullStateOffset).toBe(0);
  expect(state.messages.first()!.envelope.bodies).toEqual([{ kind: 'logged', offset: 0, sizeOctets: 3 }]);
});

test('I1: an acceptance over five minutes late, or from a clock as far ahead, is void', () => {
  const log = new HandWrittenLog();
  const batch = acceptedWith(log, 1);
  log.appendTime += 300_001;
  log.append(...batch);
  log.appendTime -= 600_002;
  log.append(...batch);
  expect(openIn(read(log))).toEqual({});
  log.appendTime += 1;
  log.append(...batch);
  expect(openIn(read(log))).toEqual({ m: [0] });
});

test('a recipient without its acceptance is ignored, one that cannot be read does not hide those behind it', () => {
  const log = new HandWrittenLog();
  log.append(queued(M, 0));
  const [first, ...rest] = acceptedWith(log, 3);
  log.append(first!, rest[0]!, { type: 'Undecodable', reason: 'newer' }, rest[2]!);
  const state = read(log);
  expect(openIn(state)).toEqual({ m: [0, 2] });
  expect(state.undecodable).toEqual([3]);
});

test('I3: a decision counts under the last claim only, five minutes long, in rising order', () => {
  const log = new HandWrittenLog();
  log.append(...acceptedWith(log, 1));
  const term = log.append(claim(0));
  log.append(intent({ term: term - 1, sequence: 1 }, [0]));
  expect(read(log).messages.first()!.attempts).toEqual([]);
  log.append(
    intent({ term, sequence: 5 }, [0]),
    intent({ term, sequence: 4 }, [0]),
    intent({ term, sequence: 5 }, [0]),
  );
  log.appendTime += 300_001;
  log.append(intent({ term, sequence: 6 }, [0]));
  expect(
    read(log)
      .messages.first()!
      .attempts.map(({ attempt }) => attempt.sequence),
  ).toEqual([5]);
});

test('I3: the first final outcome absorbs later ones, also before the acceptance is read', () => {
  const log = new HandWrittenLog();
  log.append(delivered(0));
  const term = log.append(claim(0));
  log.append(...acceptedWith(log, 2));
  log.append(...bounce({ term, sequence: 1 }, 0));
  expect(openIn(read(log))).toEqual({ m: [1] });
});

test('I3: the end of an attempt counts once, whoever tells it, and after a claim of another', () => {
  const log = new HandWrittenLog();
  log.append(...acceptedWith(log, 1));
  const term = log.append(claim(0));
  log.append(intent({ term, sequence: 1 }, [0]), claim(0, 2));
  log.append(deferral({ term, sequence: 1 }, 0), deferral({ term, sequence: 1 }, 0));
  const message = read(log).messages.first()!;
  expect(message.recipients.get(0)).toMatchObject({ retries: 1, dueAt: 5 });
  expect(message.attempts).toEqual([]);
});

test('I3: a restatement replaces, less what ended lately', () => {
  const log = new HandWrittenLog();
  log.append(...acceptedWith(log, 3));
  const term = log.append(claim(0));
  log.append(intent({ term, sequence: 1 }, [1]));
  const { envelope, recipients, attempts } = read(log).messages.first()!;
  const restated: MessageRestated = {
    type: 'MessageRestated',
    message: M,
    decision: { term, sequence: 2 },
    accepted: { ...envelope, type: 'MessageAccepted', message: M, bodies: [] },
    recipients: [recipients.get(0)!, recipients.get(1)!],
    attempts: attempts.map((attempt) => ({ ...attempt, recipients: [...attempt.recipients] })),
  };
  log.append(delivered(0), deferral({ term, sequence: 1 }, 1));
  const offset = log.append(restated);
  const message = read(log).messages.first()!;
  expect([...message.recipients.keys()]).toEqual([1]);
  expect(message.attempts).toEqual([]);
  expect(message.fullStateOffset).toBe(offset);
});

test('I6: a reader drops on a claim what lies below its mark', () => {
  const log = new HandWrittenLog();
  log.append(...acceptedWith(log, 1));
  log.append(claim(2));
  expect(openIn(read(log))).toEqual({});
});

test('I9: a report counts only behind the outcome that it reports, once', () => {
  const log = new HandWrittenLog();
  log.append(...acceptedWith(log, 2));
  const term = log.append(claim(0));
  const batch = bounce({ term, sequence: 1 }, 0);
  log.append(...batch.slice(1));
  expect(openIn(read(log))).toEqual({ m: [0, 1] });
  log.append(...batch);
  log.append(...batch);
  expect(openIn(read(log))).toEqual({ m: [1], report: [0] });
});

test('I9: a reader that began behind a closed message accepts the report on it all the same', () => {
  const log = new HandWrittenLog();
  log.append(...acceptedWith(log, 1));
  const term = log.append(claim(0));
  log.append(...bounce({ term, sequence: 1 }, 0));
  expect(openIn(read(log, term))).toEqual(openIn(read(log)));
  expect(openIn(read(log, term))).toEqual({ report: [0] });
});

test('I10: a body is unused once the last recipient of its copies has closed', () => {
  const log = new HandWrittenLog();
  const stored = (key: string) => ({ kind: 'stored', key, sizeOctets: 1, crc32: 0 }) as const;
  const first = accepted(M, log.appendTime, 3);
  const [copy] = first.copies;
  log.append(
    { ...first, bodies: [stored('0/m/0'), stored('0/m/1')], copies: [copy!, { ...copy!, body: 1 }] },
    queued(M, 0),
    { ...queued(M, 1), copy: 1, forwardPath: 'other@example.net' as Address },
    queued(M, 2),
  );
  const state = read(log);
  const unused = (recipient: number) => {
    const offset = log.append(delivered(recipient));
    const [effect] = fold(state, log.records[offset]!);
    return effect?.kind === 'closed' ? effect.unusedBodies : undefined;
  };
  expect(unused(1)).toEqual(['0/m/1']);
  expect(unused(0)).toEqual([]);
  expect(unused(2)).toEqual(['0/m/0', '0/m/1']);
});
