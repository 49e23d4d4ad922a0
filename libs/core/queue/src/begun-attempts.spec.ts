import { describe, expect, it } from 'vitest';
import { BegunAttempts } from './begun-attempts.ts';
import type { OpenMessage } from './open-message.ts';
import type { Incarnation } from './records.ts';

const OURS = 'ours' as Incarnation;
const THEIRS = 'theirs' as Incarnation;

/** A message with these open attempts: whose each is, and its sequence. */
const attempted = (...attempts: (readonly [Incarnation, number])[]): OpenMessage =>
  ({
    attempts: attempts.map(([incarnation, sequence]) => ({ incarnation, attempt: { term: 1, sequence } })),
  }) as unknown as OpenMessage;

const unknown = (begun: BegunAttempts, ...messages: OpenMessage[]): number[] =>
  Array.from(begun.unknownIn(messages), ([, { attempt }]) => attempt.sequence);

describe('the attempts that an owner has begun', () => {
  it('leave as unknown the own ones that nobody was told to begin, of whichever message (I8)', () => {
    const begun = new BegunAttempts(OURS);
    begun.add(2);
    expect(unknown(begun, attempted([OURS, 1], [OURS, 2], [THEIRS, 3]), attempted([OURS, 4]))).toEqual([1, 4]);
  });

  it('are known as long as they are open, and forgotten when they have ended', () => {
    const begun = new BegunAttempts(OURS);
    for (const sequence of [1, 2, 3]) begun.add(sequence);
    begun.keep([attempted([OURS, 2], [THEIRS, 3])]);
    expect(unknown(begun, attempted([OURS, 1], [OURS, 2], [OURS, 3]))).toEqual([1, 3]);
  });

  it('do not become known by being kept', () => {
    const begun = new BegunAttempts(OURS);
    begun.keep([attempted([OURS, 1])]);
    expect(unknown(begun, attempted([OURS, 1]))).toEqual([1]);
  });

  it('may be forgotten once there are 1,024 more than twice the messages with open attempts', () => {
    const begun = new BegunAttempts(OURS);
    for (let sequence = 0; sequence < 1_030; sequence++) begun.add(sequence);
    expect(begun.mayForget(3)).toBe(false);
    expect(begun.mayForget(2)).toBe(true);
  });
});
