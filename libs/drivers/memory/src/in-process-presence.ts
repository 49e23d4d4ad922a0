import type { Presence } from '@mailyard/queue';

/**
 * Presence where one process holds the lock of all stores: every other incarnation is gone. Tests say otherwise of some
 * by {@link set}.
 */
export class InProcessPresence implements Presence {
  readonly #states = new Map<string, 'present' | 'absent' | 'unknown'>();

  set(incarnation: string, state: 'present' | 'absent' | 'unknown'): void {
    this.#states.set(incarnation, state);
  }

  async read(incarnation: string): Promise<'present' | 'absent' | 'unknown'> {
    return this.#states.get(incarnation) ?? 'absent';
  }

  async close(): Promise<void> {}
}
