import { type DeliveryControls, type DeliveryControlSource, itemsOf } from '@mailyard/configuration';
import type { ConfigurationFollower } from './configuration-follower.ts';

/** The destination controls and bounce profiles of the configuration in this process (R140). */
export class ControlTable implements DeliveryControlSource {
  readonly #follower: ConfigurationFollower;

  constructor(follower: ConfigurationFollower) {
    this.#follower = follower;
  }

  current(): DeliveryControls {
    const state = this.#follower.served?.state;
    if (state === undefined) return { controls: [], profiles: [] };
    return {
      controls: Array.from(itemsOf(state, 'destinationControls'), ({ item }) => item),
      profiles: Array.from(itemsOf(state, 'bounceProfiles'), ({ item }) => item),
    };
  }

  onChange(listener: () => void): void {
    this.#follower.listen({
      advanced: ({ sections }) => {
        if (sections.includes('destinationControls') || sections.includes('bounceProfiles')) listener();
      },
      restarted: listener,
    });
  }
}
