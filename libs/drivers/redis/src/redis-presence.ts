import type { Presence } from '@mailyard/queue';
import { keyOf, RedisLink, type RedisLocation } from './redis-link.ts';

/** What a process says of itself while it lives. */
export interface PresenceCard {
  readonly worker: string;
  /** Where its gRPC services are, `host:port`. */
  readonly grpc: string;
  /** Partitions that it reads. */
  readonly partitions: readonly number[];
  /** Names of its listeners; absent from a release that does not tell them. */
  readonly listeners?: readonly string[];
}

const LASTS_MS = 15_000;
const RENEW_MS = 5_000;

/** Who is alive, as keys of Redis that their owners renew (I5). */
export class RedisPresence implements Presence {
  readonly #location: RedisLocation;
  readonly #link: RedisLink;
  #renewal: NodeJS.Timeout | undefined;
  #announced: string | undefined;

  constructor(location: RedisLocation) {
    this.#location = location;
    this.#link = new RedisLink(location);
  }

  async read(incarnation: string): Promise<'present' | 'absent' | 'unknown'> {
    try {
      const client = await this.#link.ready();
      return (await client.exists(this.#key(incarnation))) === 1 ? 'present' : 'absent';
    } catch {
      return 'unknown';
    }
  }

  /**
   * Makes this process present, at once and until {@link withdraw}. Redis away is no error: it is tried again at each
   * renewal, and nobody takes a missing presence alone for a death.
   *
   * @param card asked at each renewal
   */
  async announce(incarnation: string, card: () => PresenceCard): Promise<void> {
    clearInterval(this.#renewal);
    this.#announced = incarnation;
    const renew = async (): Promise<void> => {
      try {
        const client = await this.#link.ready();
        if (this.#announced === incarnation)
          await client.set(this.#key(incarnation), JSON.stringify(card()), 'PX', LASTS_MS);
      } catch {
        // The next renewal tries again.
      }
    };
    this.#renewal = setInterval(() => void renew(), RENEW_MS);
    this.#renewal.unref();
    this.#link.onReady(() => void renew());
    await renew();
  }

  /** In order: others need not wait until the presence has run out. */
  async withdraw(): Promise<void> {
    clearInterval(this.#renewal);
    const incarnation = this.#announced;
    this.#announced = undefined;
    if (incarnation === undefined || !this.#link.isReady) return;
    const client = await this.#link.ready();
    await client.del(this.#key(incarnation)).catch(() => undefined); // it runs out by itself
  }

  /** Everyone who is present, by incarnation; undefined when Redis is away. */
  async list(): Promise<ReadonlyMap<string, PresenceCard> | undefined> {
    try {
      const client = await this.#link.ready();
      const start = this.#key('');
      const keys: string[] = [];
      for await (const page of client.scanStream({ match: `${start}*`, count: 500 }) as AsyncIterable<string[]>)
        keys.push(...page);
      const values = keys.length === 0 ? [] : await client.mget(keys);
      const cards = new Map<string, PresenceCard>();
      for (const [at, value] of values.entries()) {
        const card = value === null ? undefined : cardOf(value);
        if (card !== undefined) cards.set(keys[at]!.slice(start.length), card);
      }
      return cards;
    } catch {
      return undefined;
    }
  }

  async close(): Promise<void> {
    await this.withdraw();
    this.#link.close();
  }

  #key(incarnation: string): string {
    return keyOf(this.#location, 'presence', incarnation);
  }
}

function cardOf(text: string): PresenceCard | undefined {
  try {
    const { worker, grpc, partitions, listeners } = JSON.parse(text) as Partial<Record<keyof PresenceCard, unknown>>;
    if (typeof worker !== 'string' || typeof grpc !== 'string' || !Array.isArray(partitions)) return undefined;
    return {
      ...{ worker, grpc, partitions: partitions.filter((partition) => Number.isInteger(partition)) },
      ...(Array.isArray(listeners) ? { listeners: listeners.filter((name) => typeof name === 'string') } : {}),
    };
  } catch {
    return undefined;
  }
}
