import type { PressureBoard } from '@mailyard/queue';
import { keyOf, RedisLink, type RedisLocation } from './redis-link.ts';

export interface PressureBoardOptions extends RedisLocation {
  readonly partitionCount: number;
  /** How often figures go out and come in; 2 s. */
  readonly everyMs?: number;
}

const EVERY_MS = 2_000;
/** How long a figure says something. */
const FRESH_MS = 10_000;
/** What a partition without a fresh figure counts as. */
const UNKNOWN_SHARE = 0.7;

/** A figure as it was read, with when it was first seen. `text` differs between two publications of one share. */
interface Seen {
  readonly text: string;
  readonly share: number;
  readonly at: number;
}

/**
 * How full the partitions are, by keys of Redis that run out: owners' figures go out together every two seconds, and
 * readers look at a copy that is renewed as often. No clock is compared with another machine's.
 */
export class RedisPressureBoard implements PressureBoard {
  readonly #keys: readonly string[];
  readonly #link: RedisLink;
  readonly #timer: NodeJS.Timeout;
  readonly #seen: (Seen | undefined)[];
  readonly #published = new Map<number, number>();
  #turn = 0;
  #exchanging = false;

  constructor(options: PressureBoardOptions) {
    this.#keys = Array.from({ length: options.partitionCount }, (_, partition) =>
      keyOf(options, 'pressure', String(partition)),
    );
    this.#seen = this.#keys.map(() => undefined);
    this.#link = new RedisLink(options);
    this.#timer = setInterval(() => void this.#exchange(), options.everyMs ?? EVERY_MS);
    this.#timer.unref();
    this.#link.onReady(() => void this.#exchange());
    this.#link.open();
  }

  publish(partition: number, share: number): void {
    this.#published.set(partition, share);
  }

  read(partition: number): number {
    const seen = this.#seen[partition];
    return seen === undefined || performance.now() - seen.at > FRESH_MS ? UNKNOWN_SHARE : seen.share;
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
      if (this.#published.size > 0) {
        const pipeline = client.pipeline();
        this.#turn += 1;
        for (const [partition, share] of this.#published)
          pipeline.set(this.#keys[partition]!, `${share} ${this.#turn}`, 'PX', FRESH_MS);
        this.#published.clear();
        await pipeline.exec();
      }
      const texts = await client.mget(...this.#keys);
      for (const [partition, text] of texts.entries()) this.#saw(partition, text);
    } catch {
      // Away: what was seen grows old, and figures that did not go out are out of date by the next time.
    } finally {
      this.#exchanging = false;
    }
  }

  #saw(partition: number, text: string | null): void {
    const share = text === null ? Number.NaN : Number.parseFloat(text);
    if (text === null || Number.isNaN(share)) this.#seen[partition] = undefined;
    else if (this.#seen[partition]?.text !== text) this.#seen[partition] = { text, share, at: performance.now() };
  }
}
