import { type AuthProfile, type AuthProfileSource, changedProfiles, itemsOf } from '@mailyard/configuration';
import type { ConfigurationFollower } from './configuration-follower.ts';

/** The outgoing authentication profiles of the configuration in this process (R150). */
export class ProfileTable implements AuthProfileSource {
  readonly #follower: ConfigurationFollower;

  constructor(follower: ConfigurationFollower) {
    this.#follower = follower;
  }

  get(name: string): AuthProfile | undefined {
    return this.#follower.served?.state.sections.authProfiles.get(name)?.item;
  }

  onChange(listener: (names: ReadonlySet<string>) => void): void {
    let known = this.#all();
    const compare = (): void => {
      const now = this.#all();
      const names = changedProfiles(known, now);
      known = now;
      if (names.size > 0) listener(names);
    };
    this.#follower.listen({
      advanced: ({ sections }) => {
        if (sections.includes('authProfiles')) compare();
      },
      restarted: compare,
    });
  }

  #all(): ReadonlyMap<string, AuthProfile> {
    const state = this.#follower.served?.state;
    if (state === undefined) return new Map();
    return new Map(Array.from(itemsOf(state, 'authProfiles'), ({ item }) => [item.name, item]));
  }
}
