import { keyOf, RedisLink, type RedisLocation } from './redis-link.ts';

const EVERY_MS = 2_000;

/**
 * Up to where the tracker has read each partition, as one hash of Redis: owners keep the log until then (I6). What was
 * read once stays good while Redis is away, since positions only rise.
 */
export class RedisTrackerPositions {
  readonly #key: string;
  readonly #link: RedisLink;
  readonly #partitionCount: number;
  readonly #timer: NodeJS.Timeout;
  readonly #seen = new Map<number, number>();
  #own: ((partition: number) => number) | undefined;
  #exchanging = false;

  constructor(location: RedisLocation, partitionCount: number) {
    this.#key = keyOf(location, 'tracker');
    this.#partitionCount = partitionCount;
    this.#link = new RedisLink(location);
    this.#link.onReady(() => void this.#exchange());
    this.#timer = setInterval(() => void this.#exchange(), EVERY_MS);
    this.#timer.unref();
    this.#link.open();
  }

  /** The position that was last heard of; undefined when no tracker ever told one. */
  read(partition: number): number | undefined {
    return this.#seen.get(partition);
  }

  /** From now on tells these positions to the others. */
  share(position: (partition: number) => number): void {
    this.#own = position;
    void this.#exchange();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#link.close();
  }

  async #exchange(): Promise<void> {
    if (this.#exchanging || !this.#link.isReady) return;
    this.#exchanging = true;
    try {
      const client = await this.#link.ready();
      if (this.#own !== undefined) {
        const fields: [string, number][] = [];
        for (let partition = 0; partition < this.#partitionCount; partition++)
          fields.push([String(partition), this.#own(partition)]);
        await client.hset(this.#key, ...fields.flat());
      }
      for (const [partition, position] of Object.entries(await client.hgetall(this.#key)))
        this.#seen.set(Number(partition), Number(position));
    } catch {
      // The next exchange tries again; until then the last figures stand.
    } finally {
      this.#exchanging = false;
    }
  }
}
