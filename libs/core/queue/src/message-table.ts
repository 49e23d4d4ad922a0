import type { MessageId } from './records.ts';
import type { FoldedMessage, OpenMessage } from './state.ts';

/** The open messages of a partition, in rising order of their last full state: the first is what holds the mark. */
export class MessageTable implements Iterable<OpenMessage> {
  readonly #messages = new Map<MessageId, FoldedMessage>();
  #liveOctets = 0;
  #recipientCount = 0;

  get size(): number {
    return this.#messages.size;
  }

  /** Octets that the full states of all open messages take in the log (I7). */
  get liveOctets(): number {
    return this.#liveOctets;
  }

  /** Recipients that wait. */
  get recipientCount(): number {
    return this.#recipientCount;
  }

  has(id: MessageId): boolean {
    return this.#messages.has(id);
  }

  get(id: MessageId): OpenMessage | undefined {
    return this.#messages.get(id);
  }

  /** The message that has gone longest without a full state. */
  first(): OpenMessage | undefined {
    for (const message of this.#messages.values()) return message;
    return undefined;
  }

  [Symbol.iterator](): IterableIterator<OpenMessage> {
    return this.#messages.values();
  }

  /** For the fold: the message, to be changed in place. */
  edit(id: MessageId): FoldedMessage | undefined {
    return this.#messages.get(id);
  }

  /** For the fold: adds a message whose full state has just been read, at the end. Replaces one of the same id. */
  put(message: FoldedMessage): void {
    this.delete(message.id);
    this.#messages.set(message.id, message);
    this.#liveOctets += message.fullStateOctets;
    this.#recipientCount += message.recipients.size;
  }

  /** For the fold: a recipient was added to a message being created, whose record takes this many octets. */
  grow(message: FoldedMessage, octets: number, recipients: number): void {
    message.fullStateOctets += octets;
    this.#liveOctets += octets;
    this.#recipientCount += recipients;
  }

  /** For the fold: one recipient of a message has closed. */
  close(message: FoldedMessage, recipient: number): void {
    if (message.recipients.delete(recipient)) this.#recipientCount -= 1;
  }

  /** For the fold: takes a message out. */
  delete(id: MessageId): void {
    const message = this.#messages.get(id);
    if (message === undefined) return;
    this.#messages.delete(id);
    this.#liveOctets -= message.fullStateOctets;
    this.#recipientCount -= message.recipients.size;
  }
}
