import type { AuthProfile, AuthProfileSource } from '@mailyard/configuration';
import type { OutgoingCredentials } from '@mailyard/delivery';
import type { RelayOptions } from '@mailyard/delivery-rules';
import { type Logger, publishMailEvent } from '@mailyard/telemetry';
import { readConfiguredSecret } from './configured-secret.ts';

/**
 * What the profiles of the configuration authenticate with. A secret is read each time, so that a new one needs no
 * restart; one that cannot be read is told once until it can (R152).
 */
export class ProfileCredentials implements OutgoingCredentials {
  readonly #profiles: AuthProfileSource;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #logger: Logger;
  /** By profile: whether its secret could not be read when it was needed last. */
  readonly #unreadable = new Map<string, boolean>();

  constructor(profiles: AuthProfileSource, environment: Readonly<Record<string, string | undefined>>, logger: Logger) {
    this.#profiles = profiles;
    this.#environment = environment;
    this.#logger = logger;
    // What one says now may be unreadable for another reason, or nobody's business any more.
    this.onChange((names) => {
      for (const name of names) this.#readable(name);
    });
  }

  /** Profiles whose secret could not be read once, and whether that is so still. */
  get unreadable(): ReadonlyMap<string, boolean> {
    return this.#unreadable;
  }

  of(name: string): RelayOptions['credentials'] {
    const profile = this.#profiles.get(name);
    if (profile === undefined) return undefined;
    const password = this.#read(profile);
    if (password === undefined) return undefined;
    return { username: profile.username, password, allowClear: profile.allowClear };
  }

  onChange(listener: (names: ReadonlySet<string>) => void): void {
    this.#profiles.onChange(listener);
  }

  #read({ name, secret }: AuthProfile): string | undefined {
    try {
      const password = readConfiguredSecret(secret, this.#environment);
      this.#readable(name);
      return password;
    } catch (error) {
      if (this.#unreadable.get(name) === true) return undefined;
      this.#unreadable.set(name, true);
      this.#logger.warn('PROFILE_SECRET_UNREADABLE', { profile: name, error });
      const detail = `profile ${name}: ${error instanceof Error ? error.message : String(error)}`;
      publishMailEvent({ kind: 'alarm', name: 'profile-secret', detail });
      return undefined;
    }
  }

  #readable(name: string): void {
    if (this.#unreadable.has(name)) this.#unreadable.set(name, false);
  }
}
