import { type EventEmitter, once } from 'node:events';
import type { ConnectionOptions } from 'node:tls';
import { Redis } from 'ioredis';

export interface RedisLocation {
  /** `redis://user:password@host:port/db`, or `rediss://` for TLS. */
  readonly url: string;
  /** Certificates and the like, for `rediss://`. */
  readonly tls?: ConnectionOptions;
  /** What every key begins with; `mailyard`. */
  readonly prefix?: string;
  /** Told of a connection that failed. */
  readonly onTrouble?: (error: Error) => void;
}

const CONNECT_WITHIN_MS = 3_000;
const COMMAND_TIMEOUT_MS = 3_000;
const LONGEST_PAUSE_MS = 2_000;

/**
 * One connection to Redis that is made anew whenever it ends, and hides nothing: a command is sent at once or fails at
 * once, and one whose connection ended before the answer fails too. None is ever kept for later or sent again, for a
 * commit that went out twice or a minute late would be worse than one that failed.
 */
export class RedisLink {
  readonly #client: Redis;
  #opened = false;

  /** @param commandTimeoutMs undefined for a connection whose commands block */
  constructor(location: RedisLocation, commandTimeoutMs: number | undefined = COMMAND_TIMEOUT_MS) {
    this.#client = new Redis(location.url, {
      lazyConnect: true,
      connectTimeout: CONNECT_WITHIN_MS,
      ...(commandTimeoutMs === undefined ? {} : { commandTimeout: commandTimeoutMs }),
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: true,
      maxRetriesPerRequest: 0,
      keepAlive: 10_000,
      retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), LONGEST_PAUSE_MS),
      ...(location.tls === undefined ? {} : { tls: location.tls }),
    });
    this.#client.on('error', (error) => location.onTrouble?.(error));
  }

  /** For what has nothing to say while there is no connection. */
  get isReady(): boolean {
    return this.#client.status === 'ready';
  }

  /** Calls back at each connection that is made, from now on. */
  onReady(listener: () => void): void {
    this.#client.on('ready', listener);
  }

  /** The connection, once it takes commands. @throws Error when it does not in 3 s, or was closed */
  async ready(): Promise<Redis> {
    if (this.isReady) return this.#client;
    if (this.#client.status === 'end') throw new Error('the connection was closed');
    this.open();
    await once(this.#client as unknown as EventEmitter, 'ready', {
      signal: AbortSignal.timeout(CONNECT_WITHIN_MS),
    }).catch((error: unknown) => {
      if (!this.isReady) throw new Error('Redis does not answer', { cause: error });
    });
    return this.#client;
  }

  /** Begins to connect; harmless to repeat. */
  open(): void {
    if (this.#opened) return;
    this.#opened = true;
    this.#client.connect().catch(() => undefined); // told by `onTrouble`, and tried again
  }

  close(): void {
    this.#client.disconnect();
  }
}

/** The key of something, under the prefix of the location. */
export function keyOf(location: RedisLocation, ...parts: readonly string[]): string {
  return [location.prefix ?? 'mailyard', ...parts].join(':');
}

/** Whether Redis itself said no: then it did nothing. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}
