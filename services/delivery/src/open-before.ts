import type { OpenMessage } from '@mailyard/queue';

/** The open messages up to an offset: those behind it are told of one by one. */
export class OpenBefore implements Iterator<OpenMessage> {
  readonly #messages: Iterator<OpenMessage>;
  readonly #before: number;
  #passed = -1;

  constructor(messages: Iterable<OpenMessage>, before: number) {
    this.#messages = messages[Symbol.iterator]();
    this.#before = before;
  }

  /** Whether the message with this full state was told of, or never will be. */
  hasPassed(fullStateOffset: number): boolean {
    return fullStateOffset <= this.#passed || fullStateOffset > this.#before;
  }

  next(): IteratorResult<OpenMessage, undefined> {
    const next = this.#messages.next();
    if (next.done === true || next.value.fullStateOffset > this.#before) {
      this.#passed = this.#before;
      return { done: true, value: undefined };
    }
    this.#passed = next.value.fullStateOffset;
    return next;
  }
}
