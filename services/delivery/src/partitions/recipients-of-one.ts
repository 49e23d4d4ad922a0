import type { MessageId } from '@mailyard/queue';

/** Recipients of one message that were read one after the other, for them to be placed together. */
export class RecipientsOfOne {
  readonly #place: (message: MessageId, recipients: readonly number[], isNew: boolean) => void;
  #message: MessageId | undefined;
  #recipients: number[] = [];
  #isNew = false;

  constructor(place: (message: MessageId, recipients: readonly number[], isNew: boolean) => void) {
    this.#place = place;
  }

  /** @param isNew it is the first that is heard of it */
  add(message: MessageId, recipient: number, isNew: boolean): void {
    if (this.#message !== message || this.#isNew !== isNew) {
      this.flush();
      this.#message = message;
      this.#isNew = isNew;
    }
    this.#recipients.push(recipient);
  }

  /** Takes a new recipient out again. @returns false where it is not held here: it was placed before */
  withdraw(message: MessageId, recipient: number): boolean {
    if (this.#message !== message || !this.#isNew || !this.#recipients.includes(recipient)) return false;
    this.#recipients = this.#recipients.filter((other) => other !== recipient);
    return true;
  }

  /** Places what is held. */
  flush(): void {
    const message = this.#message;
    if (message === undefined) return;
    const recipients = this.#recipients;
    this.clear();
    this.#place(message, recipients, this.#isNew);
  }

  clear(): void {
    this.#message = undefined;
    this.#recipients = [];
  }
}
