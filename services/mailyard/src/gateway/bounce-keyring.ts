import { createHmac } from 'node:crypto';
import type { BounceKey } from '@mailyard/configuration';
import type { BounceKeys } from '@mailyard/mail';
import { publishMailEvent } from '@mailyard/telemetry';
import { readConfiguredSecret } from './configured-secret.ts';

/** How long a secret that was read is taken for the same. */
const FRESH_MS = 10_000;
/** And how long one that could not be is not looked at again. */
const AGAIN_MS = 1_000;

interface Kept {
  readonly secret: string | undefined;
  readonly until: number;
}

/**
 * The keys of bounce verification (R140), their secrets read from where the configuration says that they stand. A secret
 * that cannot be read is told by one alarm until it can.
 */
export class BounceKeyring implements BounceKeys {
  readonly #keys: () => readonly BounceKey[];
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept>();
  readonly #told = new Set<string>();

  /** @param keys those of the configuration, as of now */
  constructor(
    keys: () => readonly BounceKey[],
    environment: Readonly<Record<string, string | undefined>>,
    now: () => number = Date.now,
  ) {
    this.#keys = keys;
    this.#environment = environment;
    this.#now = now;
  }

  get isThere(): boolean {
    return this.#keys().length > 0;
  }

  get signing(): number | undefined {
    const [first] = this.#keys();
    return first === undefined || this.#secretOf(first) === undefined ? undefined : first.number;
  }

  has(number: number): boolean {
    return this.#keys().some((key) => key.number === number);
  }

  sign(number: number, text: string): string | undefined {
    const key = this.#keys().find((one) => one.number === number);
    const secret = key === undefined ? undefined : this.#secretOf(key);
    if (secret === undefined) return undefined;
    return createHmac('sha1', secret).update(text, 'utf8').digest('hex').slice(0, 6).toUpperCase();
  }

  #secretOf({ number, secret }: BounceKey): string | undefined {
    const place = JSON.stringify(secret);
    const now = this.#now();
    const kept = this.#kept.get(place);
    if (kept !== undefined && kept.until > now) return kept.secret;
    try {
      const value = readConfiguredSecret(secret, this.#environment);
      this.#kept.set(place, { secret: value, until: now + FRESH_MS });
      this.#told.delete(place);
      return value;
    } catch (error) {
      this.#kept.set(place, { secret: undefined, until: now + AGAIN_MS });
      const detail = `key ${number}: ${error instanceof Error ? error.message : String(error)}`;
      if (!this.#told.has(place)) publishMailEvent({ kind: 'alarm', name: 'bounce-key', detail });
      this.#told.add(place);
      return undefined;
    }
  }
}
