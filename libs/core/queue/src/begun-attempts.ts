import type { OpenAttempt, OpenMessage } from './open-message.ts';
import type { Incarnation } from './records.ts';

/** Which of its own attempts the owner of a partition has told its worker to begin; some may have ended. */
export class BegunAttempts {
  readonly #incarnation: Incarnation;
  #sequences = new Set<number>();

  constructor(incarnation: Incarnation) {
    this.#incarnation = incarnation;
  }

  add(sequence: number): void {
    this.#sequences.add(sequence);
  }

  /** The own ones of these messages that nobody works on. */
  *unknownIn(attempted: Iterable<OpenMessage>): Iterable<readonly [OpenMessage, OpenAttempt]> {
    for (const message of attempted)
      for (const open of message.attempts)
        if (open.incarnation === this.#incarnation && !this.#sequences.has(open.attempt.sequence))
          yield [message, open];
  }

  /** Whether most of them have ended, of so many messages that have an open attempt. */
  mayForget(messages: number): boolean {
    return this.#sequences.size > 1_024 + 2 * messages;
  }

  /** Keeps those that are open in these messages: all that have an open attempt. */
  keep(attempted: Iterable<OpenMessage>): void {
    const open = new Set<number>();
    for (const { attempts } of attempted)
      for (const { attempt, incarnation } of attempts)
        if (incarnation === this.#incarnation && this.#sequences.has(attempt.sequence)) open.add(attempt.sequence);
    this.#sequences = open;
  }
}
