import type { MessageId } from '../records.ts';
import type { StoredReference } from '../open-message.ts';

/** The body store: keys with the time they were stored. */
export class SimulatedBodies {
  readonly #stored = new Map<string, number>();

  store(partition: number, message: MessageId, number: number, now: number): StoredReference {
    const key = `${partition}/${message}/${number}`;
    this.#stored.set(key, now);
    return { kind: 'stored', key, sizeOctets: 100, crc32: 0 };
  }

  has(key: string): boolean {
    return this.#stored.has(key);
  }

  delete(key: string): void {
    this.#stored.delete(key);
  }

  list(partition: number): { readonly key: string; readonly message: MessageId; readonly storedAt: number }[] {
    const found = [];
    for (const [key, storedAt] of this.#stored) {
      const [place, message] = key.split('/');
      if (Number(place) === partition) found.push({ key, message: message as MessageId, storedAt });
    }
    return found;
  }
}
