import type { MessageId } from '@mailyard/queue';

/** The first recipients of a message fit into one small number. */
const MASK_LIMIT = 30;

/** Which recipients are ready, in a transaction, or have an outcome on its way into the log: nobody else takes them. */
export class Underway {
  readonly #messages = new Map<MessageId, number | Set<number>>();

  get size(): number {
    return this.#messages.size;
  }

  has(message: MessageId, recipient: number): boolean {
    const known = this.#messages.get(message);
    if (known === undefined) return false;
    if (typeof known !== 'number') return known.has(recipient);
    return recipient < MASK_LIMIT && (known & (1 << recipient)) !== 0;
  }

  add(message: MessageId, recipient: number): void {
    const known = this.#messages.get(message) ?? 0;
    if (typeof known !== 'number') {
      known.add(recipient);
    } else if (recipient < MASK_LIMIT) {
      this.#messages.set(message, known | (1 << recipient));
    } else {
      const set = new Set<number>([recipient]);
      for (let i = 0; i < MASK_LIMIT; i++) if ((known & (1 << i)) !== 0) set.add(i);
      this.#messages.set(message, set);
    }
  }

  delete(message: MessageId, recipient: number): void {
    const known = this.#messages.get(message);
    if (known === undefined) return;
    if (typeof known !== 'number') {
      known.delete(recipient);
      if (known.size === 0) this.#messages.delete(message);
    } else if (recipient < MASK_LIMIT) {
      const left = known & ~(1 << recipient);
      if (left === 0) this.#messages.delete(message);
      else this.#messages.set(message, left);
    }
  }

  forget(message: MessageId): void {
    this.#messages.delete(message);
  }

  clear(): void {
    this.#messages.clear();
  }
}
