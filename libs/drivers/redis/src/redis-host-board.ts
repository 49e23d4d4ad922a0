import type { HostBoard, HostReport } from '@mailyard/delivery-rules';
import { keyOf, RedisLink, type RedisLocation } from './redis-link.ts';

/** A report as it travels. `by` names who found out, so that nobody hears himself. */
interface Told extends HostReport {
  readonly host: string;
  readonly by: string;
}

/** A claim that takes longer is answered by leave to probe: mail must not wait for Redis. */
const CLAIM_WITHIN_MS = 500;
/** A host that nobody has spoken of since is forgotten this long after it could have been tried again. */
const FORGET_AFTER_MS = 7_200_000;

/**
 * What workers tell each other of hosts (R76): reports by publish and subscribe, the last report on each host that is
 * down in one hash, and a lease for each probe. Only ever a hint.
 */
export class RedisHostBoard implements HostBoard {
  readonly #location: RedisLocation;
  readonly #by: string;
  readonly #hash: string;
  readonly #channel: string;
  readonly #link: RedisLink;
  readonly #subscriber: RedisLink;
  readonly #listeners: ((host: string, report: HostReport) => void)[] = [];

  /** @param by this process's incarnation */
  constructor(location: RedisLocation, by: string) {
    this.#location = location;
    this.#by = by;
    this.#hash = keyOf(location, 'hosts');
    this.#channel = keyOf(location, 'hosts', 'news');
    this.#link = new RedisLink(location, CLAIM_WITHIN_MS);
    this.#subscriber = new RedisLink(location);
    this.#link.open();
  }

  publish(host: string, report: HostReport): void {
    void this.#publish(host, report).catch(() => undefined); // others find out for themselves
  }

  onReport(listener: (host: string, report: HostReport) => void): void {
    this.#listeners.push(listener);
    if (this.#listeners.length > 1) {
      void this.#readAll().catch(() => undefined);
      return;
    }
    this.#subscriber.onReady(() => void this.#subscribe().catch(() => undefined));
    this.#subscriber.open();
  }

  async claimProbe(host: string, forMs: number): Promise<boolean> {
    if (!this.#link.isReady) return true;
    try {
      const client = await this.#link.ready();
      return (await client.set(this.#lease(host), this.#by, 'PX', Math.max(1, Math.ceil(forMs)), 'NX')) === 'OK';
    } catch {
      return true;
    }
  }

  close(): void {
    this.#link.close();
    this.#subscriber.close();
  }

  async #publish(host: string, report: HostReport): Promise<void> {
    if (!this.#link.isReady) return;
    const client = await this.#link.ready();
    const text = JSON.stringify({ ...report, host, by: this.#by } satisfies Told);
    const pipeline = client.pipeline();
    if (report.state === 'down') pipeline.hset(this.#hash, host, text);
    else pipeline.hdel(this.#hash, host);
    // Whoever had leave to probe has now done so.
    await pipeline.del(this.#lease(host)).publish(this.#channel, text).exec();
  }

  async #subscribe(): Promise<void> {
    const client = await this.#subscriber.ready();
    client.removeAllListeners('message');
    client.on('message', (_channel: string, text: string) => this.#hear(text));
    await client.subscribe(this.#channel);
    await this.#readAll();
  }

  async #readAll(): Promise<void> {
    const client = await this.#link.ready();
    const now = Date.now();
    const all = await client.hgetall(this.#hash);
    const old: string[] = [];
    for (const [host, text] of Object.entries(all)) {
      const told = toldBy(text);
      if (told === undefined || told.downUntil < now - FORGET_AFTER_MS) old.push(host);
      else this.#hear(text);
    }
    if (old.length > 0) await client.hdel(this.#hash, ...old);
  }

  #hear(text: string): void {
    const told = toldBy(text);
    if (told === undefined || told.by === this.#by) return;
    const { host, state, downUntil, failures } = told;
    for (const listener of this.#listeners) listener(host, { state, downUntil, failures });
  }

  #lease(host: string): string {
    return keyOf(this.#location, 'probe', host);
  }
}

function toldBy(text: string): Told | undefined {
  try {
    const { host, by, state, downUntil, failures } = JSON.parse(text) as Partial<Record<keyof Told, unknown>>;
    if (typeof host !== 'string' || typeof by !== 'string' || (state !== 'up' && state !== 'down')) return undefined;
    if (typeof downUntil !== 'number' || typeof failures !== 'number') return undefined;
    return { host, by, state, downUntil, failures };
  } catch {
    return undefined;
  }
}
