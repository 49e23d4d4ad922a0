import type { MessageId } from '@mailyard/queue';

/**
 * Small numbers for messages that wait, across the partitions of a worker. A handle may be given again after it was
 * released, while an entry still names it: whoever follows one compares what the entry says with the message.
 */
export class MessageHandles<P> {
  readonly #messages: (MessageId | undefined)[] = [];
  readonly #partitions: (P | undefined)[] = [];
  readonly #vacant: number[] = [];
  readonly #handles = new Map<P, Map<MessageId, number>>();

  handleOf(partition: P, message: MessageId): number {
    let handles = this.#handles.get(partition);
    if (handles === undefined) {
      handles = new Map();
      this.#handles.set(partition, handles);
    }
    const known = handles.get(message);
    if (known !== undefined) return known;
    const handle = this.#vacant.pop() ?? this.#messages.length;
    this.#messages[handle] = message;
    this.#partitions[handle] = partition;
    handles.set(message, handle);
    return handle;
  }

  messageOf(handle: number): MessageId | undefined {
    return this.#messages[handle];
  }

  partitionOf(handle: number): P | undefined {
    return this.#partitions[handle];
  }

  release(partition: P, message: MessageId): void {
    const handles = this.#handles.get(partition);
    const handle = handles?.get(message);
    if (handles === undefined || handle === undefined) return;
    handles.delete(message);
    this.#vacate(handle);
  }

  releaseAll(partition: P): void {
    for (const handle of this.#handles.get(partition)?.values() ?? []) this.#vacate(handle);
    this.#handles.delete(partition);
  }

  #vacate(handle: number): void {
    this.#messages[handle] = undefined;
    this.#partitions[handle] = undefined;
    this.#vacant.push(handle);
  }
}
