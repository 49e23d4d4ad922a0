import type { ClientDuplexStream } from '@grpc/grpc-js';
import { readDecision, type routingWire as wire } from '@mailyard/contracts';
import type { RouteDecision } from '@mailyard/smtp-routes';
import type { Channels } from './channels.ts';

/** Questions that came up in one turn of the event loop, and who waits for them. */
interface Batch {
  readonly recipients: string[];
  readonly waiting: ((decision: RouteDecision | undefined) => void)[];
  minVersion: number;
}

type Stream = ClientDuplexStream<wire.LookupBatchRequest, wire.LookupBatchResponse>;

/** Recipients of one message; a larger one would only wait longer for its first answer. */
const BATCH_LIMIT = 1000;

/**
 * Lookups over one stream: the questions of one turn of the event loop travel in one message, which costs a fraction of
 * a call each. Without an answer in time, or with the stream broken, an answer is undefined: not known.
 */
export class LookupStream {
  readonly #channels: Channels<wire.RoutingServiceClient>;
  readonly #timeoutMs: number;
  #next: Batch | undefined;
  #stream: Stream | undefined;
  #sent: Batch[] = [];
  #isClosed = false;

  constructor(channels: Channels<wire.RoutingServiceClient>, timeoutMs: number) {
    this.#channels = channels;
    this.#timeoutMs = timeoutMs;
  }

  ask(recipient: string, minVersion: number): Promise<RouteDecision | undefined> {
    if (this.#isClosed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      if (this.#next === undefined) {
        this.#next = { recipients: [], waiting: [], minVersion: 0 };
        setImmediate(() => this.#send());
      }
      const batch = this.#next;
      batch.recipients.push(recipient);
      batch.waiting.push(resolve);
      batch.minVersion = Math.max(batch.minVersion, minVersion);
      if (batch.recipients.length >= BATCH_LIMIT) this.#send();
    });
  }

  #send(): void {
    const batch = this.#next;
    this.#next = undefined;
    if (batch === undefined) return;
    this.#stream ??= this.#open();
    const stream = this.#stream;
    this.#sent.push(batch);
    stream.write({ recipients: batch.recipients, minVersion: batch.minVersion });
    // One answer late means that all behind it are: the stream is given up and its questions stay open.
    const timer = setTimeout(() => {
      if (this.#sent.includes(batch)) stream.cancel();
    }, this.#timeoutMs);
    batch.waiting.push(() => clearTimeout(timer));
  }

  #open(): Stream {
    const client = this.#channels.current;
    const stream = client.lookupBatch(this.#channels.metadata);
    stream.on('data', ({ decisions }) => {
      const batch = this.#sent.shift();
      if (batch === undefined) return;
      for (const [index, resolve] of batch.waiting.entries()) resolve(readDecision(decisions[index]));
    });
    const fail = (): void => {
      if (this.#stream !== stream) return;
      this.#stream = undefined;
      this.#channels.leave(client);
      const open = this.#sent;
      this.#sent = [];
      for (const { waiting } of open) for (const resolve of waiting) resolve(undefined);
    };
    stream.on('error', fail);
    stream.on('end', fail);
    return stream;
  }

  close(): void {
    this.#isClosed = true;
    this.#send();
    this.#stream?.cancel();
  }
}
