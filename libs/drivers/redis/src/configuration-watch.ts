import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { RedisLink, type RedisLocation } from './redis-link.ts';

/** How long one wait for news lasts. After each the end of the stream is looked at, for it may have gone back. */
const BLOCK_MS = 2_000;
/** An answer that is later than this never comes: the connection is dead. */
const SILENCE_LIMIT_MS = BLOCK_MS + 5_000;
const PAUSE_MS = 500;

/**
 * Waits for news of a stream, on a connection of its own, as long as anyone listens. Listeners are told too often
 * rather than too seldom: after each connection that is made, and when the stream ends before where it ended.
 */
export class ConfigurationWatch {
  readonly #location: RedisLocation;
  readonly #stream: string;
  readonly #listeners = new Set<() => void>();
  #stopping: AbortController | undefined;

  constructor(location: RedisLocation, stream: string) {
    this.#location = location;
    this.#stream = stream;
  }

  /** @returns what ends it */
  add(listener: () => void): () => void {
    // One of its own for each call, so that one function may listen twice.
    const own = (): void => listener();
    this.#listeners.add(own);
    if (this.#stopping === undefined) {
      this.#stopping = new AbortController();
      void this.#run(this.#stopping.signal);
    }
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size === 0) this.close();
    };
  }

  close(): void {
    this.#listeners.clear();
    this.#stopping?.abort();
    this.#stopping = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const link = new RedisLink(this.#location, SILENCE_LIMIT_MS);
      const close = (): void => link.close();
      signal.addEventListener('abort', close);
      await this.#follow(link, signal).catch(() => undefined); // away: a connection anew
      signal.removeEventListener('abort', close);
      link.close();
      if (!signal.aborted) await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #follow(link: RedisLink, signal: AbortSignal): Promise<void> {
    const client = await link.ready();
    let end = await this.#end(client);
    this.#tell();
    while (!signal.aborted) {
      const news = await client.xread('COUNT', 1, 'BLOCK', BLOCK_MS, 'STREAMS', this.#stream, end);
      const now = await this.#end(client);
      if (news !== null || now !== end) this.#tell();
      end = now;
    }
  }

  async #end(client: Redis): Promise<string> {
    const [last] = await client.xrevrange(this.#stream, '+', '-', 'COUNT', 1);
    return last?.[0] ?? '0-0';
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
