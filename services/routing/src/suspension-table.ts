import { itemsOf, type Suspension, type SuspensionSource } from '@mailyard/configuration';
import type { ConfigurationFollower } from './configuration-follower.ts';

/** The suspensions of the configuration in this process (R211). */
export class SuspensionTable implements SuspensionSource {
  readonly #follower: ConfigurationFollower;

  constructor(follower: ConfigurationFollower) {
    this.#follower = follower;
  }

  current(): readonly Suspension[] {
    const state = this.#follower.served?.state;
    return state === undefined ? [] : Array.from(itemsOf(state, 'suspensions'), ({ item }) => item);
  }

  onChange(listener: () => void): void {
    this.#follower.listen({
      advanced: ({ sections }) => {
        if (sections.includes('suspensions')) listener();
      },
      restarted: listener,
    });
  }
}
