import { type ClientReadableStream } from '@grpc/grpc-js';
import { readMode, type routingWire as wire } from '@mailyard/contracts';
import { type ReceivingDomain, RouteChanges } from '@mailyard/smtp-routes';
import type { Channels } from './channels.ts';

/** What a watch tells. */
export interface WatchListener {
  /** The table stands here now; whatever was known of other versions and not told of is still right. */
  position(version: number): void;
  /** Nothing that was known is of use. */
  reset(version: number): void;
  changed(changes: RouteChanges, sections: readonly number[]): void;
}

/** A stream that says nothing for so long is dead: the server repeats its position more often. */
const SILENCE_MS = 15_000;
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;

/** Follows the committed versions of a routing process, over lost connections and from one address to the next. */
export class RouteWatch {
  readonly #channels: Channels<wire.RoutingServiceClient>;
  readonly #listener: WatchListener;
  #version = 0;
  #hash = '';
  #waitMs = FIRST_WAIT_MS;
  #stream: ClientReadableStream<wire.WatchResponse> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(channels: Channels<wire.RoutingServiceClient>, listener: WatchListener) {
    this.#channels = channels;
    this.#listener = listener;
    this.#open();
  }

  /** Whether a routing process is heard now. */
  get isConnected(): boolean {
    return this.#waitMs === FIRST_WAIT_MS && this.#version > 0;
  }

  #open(): void {
    if (this.#isClosed) return;
    const client = this.#channels.current;
    const stream = client.watch({ version: this.#version, hash: this.#hash }, this.#channels.metadata);
    this.#stream = stream;
    this.#expect();
    stream.on('data', ({ event }) => {
      this.#waitMs = FIRST_WAIT_MS;
      this.#expect();
      if (event !== undefined) this.#take(event);
    });
    const fail = (): void => {
      if (this.#stream !== stream) return;
      this.#stream = undefined;
      clearTimeout(this.#timer);
      this.#channels.leave(client);
      if (this.#isClosed) return;
      this.#timer = setTimeout(() => this.#open(), this.#waitMs);
      this.#waitMs = Math.min(LONGEST_WAIT_MS, this.#waitMs * 2);
    };
    stream.on('error', fail);
    stream.on('end', fail);
  }

  #expect(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#stream?.cancel(), SILENCE_MS);
  }

  #take(event: NonNullable<wire.WatchResponse['event']>): void {
    const { version, hash } = event.value;
    [this.#version, this.#hash] = [version, hash];
    if (event.$case === 'position') this.#listener.position(version);
    else if (event.$case === 'reset') this.#listener.reset(version);
    else {
      const { receivingDomains, mode, allDomains, sections } = event.value;
      const changes = new RouteChanges(
        version,
        receivingDomains as ReceivingDomain[],
        readMode(mode) ?? 'covering',
        allDomains,
      );
      this.#listener.changed(changes, sections);
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#stream?.cancel();
  }
}
