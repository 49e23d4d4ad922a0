import type { Decision, PartitionOwner } from '@mailyard/queue';
import type { Clock } from '../clock.ts';

/** How often the proof is asked for while it is missing, and for how long (I4). */
const PROOF_POLL_MS = 100;
const PROOF_WAIT_MS = 30_000;

/** An attempt as its partition knows it. */
export interface OpenAttempt {
  /** Set from its intent on. */
  readonly decision: Decision | undefined;
  /** The dot is not sent, since the proof of ownership was missing (I4). */
  isWithheld: boolean;
  /** The intent was read back for these of its recipients. */
  begin(recipients: readonly number[]): void;
  /** The partition is not read any more. */
  letGo(): void;
}

/** The attempts of one partition without an outcome, by the sequence of their decision. */
export class OpenAttempts {
  readonly #owner: PartitionOwner;
  readonly #clock: Clock;
  readonly #attempts = new Map<number, OpenAttempt>();

  constructor(owner: PartitionOwner, clock: Clock) {
    this.#owner = owner;
    this.#clock = clock;
  }

  get size(): number {
    return this.#attempts.size;
  }

  get(sequence: number): OpenAttempt | undefined {
    return this.#attempts.get(sequence);
  }

  intended(attempt: OpenAttempt): void {
    this.#attempts.set(attempt.decision!.sequence, attempt);
  }

  ended({ decision }: OpenAttempt): void {
    if (decision !== undefined) this.#attempts.delete(decision.sequence);
  }

  letGo(): void {
    for (const attempt of [...this.#attempts.values()]) attempt.letGo();
  }

  /** Whether the final dot of an attempt may go out; waits for a missing proof for up to 30 s (I4). */
  mayEnd(attempt: OpenAttempt): boolean | Promise<boolean> {
    const answer = this.#owner.mayEnd(attempt.decision!, this.#clock.now());
    if (answer === 'yes') return true;
    if (answer === 'no') {
      attempt.isWithheld = true;
      return false;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const giveUpAt = this.#clock.now().monotonic + PROOF_WAIT_MS;
    const ask = (): void => {
      const now = this.#clock.now();
      const again = this.#owner.mayEnd(attempt.decision!, now);
      if (again === 'wait' && now.monotonic < giveUpAt) {
        this.#clock.after(PROOF_POLL_MS, ask);
        return;
      }
      attempt.isWithheld = again !== 'yes';
      resolve(again === 'yes');
    };
    this.#clock.after(PROOF_POLL_MS, ask);
    return promise;
  }
}
