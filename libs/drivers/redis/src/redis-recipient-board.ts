import type { RecipientBoard, RecipientNews, RecipientTotal } from '@mailyard/access';
import { keyOf, RedisLink, type RedisLocation } from './redis-link.ts';

/** An hour is looked at until the end of the next one. */
const KEEP_SECONDS = 3 * 3600;

/** Recipients of clients by the hour, in one hash an hour (R128): a batch of commands tells and learns. */
export class RedisRecipientBoard implements RecipientBoard {
  readonly #location: RedisLocation;
  readonly #link: RedisLink;

  constructor(location: RedisLocation) {
    this.#location = location;
    this.#link = new RedisLink(location);
    this.#link.open();
  }

  /** @throws Error while Redis is away: then nothing was told, or it is not known */
  async share(news: readonly RecipientNews[]): Promise<readonly RecipientTotal[]> {
    if (news.length === 0) return [];
    if (!this.#link.isReady) throw new Error('Redis is away');
    const client = await this.#link.ready();
    const pipeline = client.pipeline();
    for (const { client: address, hour, recipients } of news)
      pipeline.hincrby(this.#key(hour), address, recipients).hget(this.#key(hour - 1), address);
    for (const hour of new Set(news.map((each) => each.hour))) pipeline.expire(this.#key(hour), KEEP_SECONDS);
    const answers = (await pipeline.exec()) ?? [];
    return news.flatMap(({ client: address, hour }, place) => {
      const [sum, before] = [answers[2 * place], answers[2 * place + 1]];
      if (sum === undefined || sum[0] !== null || before === undefined || before[0] !== null) return [];
      return [{ client: address, hour, recipients: Number(sum[1]), before: Number(before[1] ?? 0) }];
    });
  }

  close(): void {
    this.#link.close();
  }

  #key(hour: number): string {
    return keyOf(this.#location, 'recipients', String(hour));
  }
}
