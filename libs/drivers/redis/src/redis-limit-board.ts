import {
  LEASE_MS,
  type LimitAnswer,
  type LimitBoard,
  type LimitClaim,
  type RecipientStatement,
  RESET_REST_MS,
  type SlotStatement,
} from '@mailyard/delivery-rules';
import { EXCHANGE } from './limit-script.ts';
import { keyOf, RedisLink, type RedisLocation } from './redis-link.ts';

/** An exchange that takes longer is taken for none: the worker goes by what it has, and asks again. */
const EXCHANGE_WITHIN_MS = 1_000;

type Reply = [
  isNew: number,
  now: string,
  awaited: string[],
  slots: [held: number, ...others: (string | number)[]][],
  windows: [granted: number, window: string, endsInMs: number][],
];

/**
 * The account of limits that all workers share (R140), in Redis: who lives, what each has leased of each limit, and the
 * windows of recipients. Redis' clock is the only one that counts.
 */
export class RedisLimitBoard implements LimitBoard {
  readonly #location: RedisLocation;
  readonly #who: string;
  readonly #workers: string;
  readonly #awaited: string;
  readonly #link: RedisLink;
  #since = '0';

  /** @param who this process's incarnation */
  constructor(location: RedisLocation, who: string) {
    this.#location = location;
    this.#who = who;
    this.#workers = keyOf(location, 'limits', 'workers');
    this.#awaited = keyOf(location, 'limits', 'awaited');
    this.#link = new RedisLink(location, EXCHANGE_WITHIN_MS);
    this.#link.open();
  }

  get isReady(): boolean {
    return this.#link.isReady;
  }

  async exchange(slots: readonly SlotStatement[], recipients: readonly RecipientStatement[]): Promise<LimitAnswer> {
    if (!this.#link.isReady) throw new Error('Redis is away');
    const client = await this.#link.ready();
    const keys = [
      this.#workers,
      this.#awaited,
      ...slots.map(({ key }) => keyOf(this.#location, 'limits', 'slots', key)),
      ...recipients.map(({ key, windowMs }) =>
        keyOf(this.#location, 'limits', 'recipients', String(windowMs / 1000), key),
      ),
    ];
    const words = [
      this.#who,
      LEASE_MS,
      this.#since,
      RESET_REST_MS,
      slots.length,
      ...slots.flatMap(({ key, limit, inUse, want, hold }) => [key, limit, inUse, want, hold]),
      ...recipients.flatMap(({ most, windowMs, ask, least, back, spent, isReset }) => [
        most,
        windowMs,
        ask,
        least,
        back?.window ?? 'none',
        back?.count ?? 0,
        spent,
        isReset ? 1 : 0,
      ]),
    ];
    const reply = (await client.eval(EXCHANGE, keys.length, ...keys, ...words)) as Reply;
    const [isNew, now, awaited, held, windows] = reply;
    this.#since = now;
    return {
      isNew: isNew === 1,
      now: Number(now),
      awaited,
      slots: held.map(([mine, ...others]) => ({ held: mine, others: claimsOf(others) })),
      recipients: windows.map(([granted, window, endsInMs]) => ({ granted, window, endsInMs })),
    };
  }

  async leave(): Promise<void> {
    if (!this.#link.isReady) return;
    const client = await this.#link.ready();
    await client.zrem(this.#workers, this.#who).catch(() => undefined); // it runs out by itself
  }

  close(): void {
    this.#link.close();
  }
}

function claimsOf(words: readonly (string | number)[]): LimitClaim[] {
  const claims: LimitClaim[] = [];
  for (let i = 0; i < words.length; i += 3)
    claims.push({ who: String(words[i]), want: Number(words[i + 1]), held: Number(words[i + 2]) });
  return claims;
}
