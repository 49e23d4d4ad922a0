import type { FinalOutcome, MessageId } from '@mailyard/queue';

/** Told how a recipient ended, or nothing when the partition is no longer ours to know. */
export type EndListener = (outcome: FinalOutcome | undefined) => void;

/** Recipients whose end somebody waits for, one listener each. */
export class AwaitedEnds {
  readonly #listeners = new Map<string, EndListener>();

  /** False when somebody else waits for it already. */
  add(message: MessageId, recipient: number, listener: EndListener): boolean {
    const key = `${message}/${recipient}`;
    if (this.#listeners.has(key)) return false;
    this.#listeners.set(key, listener);
    return true;
  }

  delete(message: MessageId, recipient: number): void {
    this.#listeners.delete(`${message}/${recipient}`);
  }

  closed(message: MessageId, recipient: number, outcome: FinalOutcome): void {
    if (this.#listeners.size === 0) return;
    const key = `${message}/${recipient}`;
    const listener = this.#listeners.get(key);
    this.#listeners.delete(key);
    listener?.(outcome);
  }

  clear(): void {
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    for (const listener of listeners) listener(undefined);
  }
}
