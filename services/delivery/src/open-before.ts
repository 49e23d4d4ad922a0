import type { Glance } from '@mailyard/queue';

/** The open messages up to an offset: those behind it are told of one by one. */
export class OpenBefore implements Iterator<Glance> {
  readonly #messages: Iterator<Glance>;
  readonly #before: number;
  #passed = -1;

  constructor(messages: Iterator<Glance>, before: number) {
    this.#messages = messages;
    this.#before = before;
  }

  /** Whether the message with this full state was told of, or never will be. */
  hasPassed(fullStateOffset: number): boolean {
    return fullStateOffset <= this.#passed || fullStateOffset > this.#before;
  }

  next(): IteratorResult<Glance, undefined> {
    const next = this.#messages.next();
    if (next.done === true || next.value.fullStateOffset > this.#before) {
      this.#passed = this.#before;
      return { done: true, value: undefined };
    }
    this.#passed = next.value.fullStateOffset;
    return next;
  }
}
