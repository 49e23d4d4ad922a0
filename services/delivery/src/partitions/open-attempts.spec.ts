import type { PartitionOwner } from '@mailyard/queue';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../clock.ts';
import { type OpenAttempt, OpenAttempts } from './open-attempts.ts';

/** Time that passes when it is told to. */
class StillClock implements Clock {
  #monotonic = 0;
  #timers: { readonly at: number; readonly run: () => void }[] = [];

  now = () => ({ wall: this.#monotonic, monotonic: this.#monotonic });

  after(delayMs: number, run: () => void) {
    const timer = { at: this.#monotonic + delayMs, run };
    this.#timers.push(timer);
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }

  pass(ms: number): void {
    for (const end = this.#monotonic + ms; ; ) {
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) {
        this.#monotonic = end;
        return;
      }
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#monotonic = next.at;
      next.run();
    }
  }

  get isIdle(): boolean {
    return this.#timers.length === 0;
  }
}

let clock: StillClock;
let proof: ReturnType<PartitionOwner['mayEnd']>;
let asked: number;
let attempts: OpenAttempts;
beforeEach(() => {
  clock = new StillClock();
  asked = 0;
  const mayEnd = () => {
    asked += 1;
    return proof;
  };
  attempts = new OpenAttempts({ mayEnd } as unknown as PartitionOwner, clock);
});

function attempt(sequence: number): OpenAttempt & { isGone: boolean } {
  const one = { decision: { term: 1, sequence }, isWithheld: false, isGone: false, begin: () => undefined };
  return Object.assign(one, { letGo: () => void (one.isGone = true) });
}

describe('the final dot (I4)', () => {
  it('goes out at once with the proof, and not without ownership', () => {
    const [first, second] = [attempt(1), attempt(2)];
    proof = 'yes';
    expect(attempts.mayEnd(first)).toBe(true);
    expect(first.isWithheld).toBe(false);
    proof = 'no';
    expect(attempts.mayEnd(second)).toBe(false);
    expect(second.isWithheld).toBe(true);
  });

  it('waits for a missing proof, which is asked for ten times a second', async () => {
    const one = attempt(1);
    proof = 'wait';
    const answer = attempts.mayEnd(one);
    clock.pass(500);
    expect(asked).toBe(6);
    proof = 'yes';
    clock.pass(100);
    expect(await answer).toBe(true);
    expect(one.isWithheld).toBe(false);
    expect(clock.isIdle).toBe(true);
  });

  it.each(['no', 'wait'] as const)('is withheld when the proof is still %s after its time', async (last) => {
    const one = attempt(1);
    proof = 'wait';
    const answer = attempts.mayEnd(one);
    clock.pass(29_900);
    expect(clock.isIdle).toBe(false);
    proof = last;
    clock.pass(200);
    expect(clock.isIdle).toBe(true);
    expect(await answer).toBe(false);
    expect(one.isWithheld).toBe(true);
  });
});

describe('the attempts of a partition without an outcome', () => {
  it('are found by the sequence of their decision until they have ended, and let go of with the partition', () => {
    const [first, second] = [attempt(1), attempt(2)];
    for (const one of [first, second]) attempts.intended(one);
    attempts.ended(first);
    expect([attempts.size, attempts.get(1), attempts.get(2)]).toEqual([1, undefined, second]);
    attempts.letGo();
    expect([first.isGone, second.isGone]).toEqual([false, true]);
  });
});
