import { ChannelCredentials, type ClientOptions, Metadata } from '@grpc/grpc-js';
import { isAway } from './refusal.ts';

/** Where servers are and how to speak to them. Any of the addresses serves. */
export interface GrpcTarget {
  /** `host:port` each. */
  readonly addresses: readonly string[];
  /**
   * Absent: in clear. Contents of PEM files; `authority` absent = the system's. `name` is what their certificates must
   * be for, if not for the host of the address.
   */
  readonly tls?: {
    readonly authority?: Buffer;
    readonly certificate?: Buffer;
    readonly key?: Buffer;
    readonly name?: string;
  };
  readonly token?: string;
}

/** What a generated client class is to us. */
export interface ClientClass<C> {
  new (address: string, credentials: ChannelCredentials, options?: Partial<ClientOptions>): C;
}

const OPTIONS: Partial<ClientOptions> = {
  'grpc.max_receive_message_length': 64 * 1024 * 1024,
  'grpc.max_send_message_length': 16 * 1024 * 1024,
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
};

/** Clients of one service at several addresses: calls go to one of them until it is away, then to the next. */
export class Channels<C extends { close(): void }> {
  readonly metadata = new Metadata();
  readonly #clients: readonly C[];
  #index = 0;

  constructor(type: ClientClass<C>, { addresses, tls, token }: GrpcTarget) {
    const credentials =
      tls === undefined
        ? ChannelCredentials.createInsecure()
        : ChannelCredentials.createSsl(tls.authority ?? null, tls.key ?? null, tls.certificate ?? null);
    const options =
      tls?.name === undefined
        ? OPTIONS
        : { ...OPTIONS, 'grpc.ssl_target_name_override': tls.name, 'grpc.default_authority': tls.name };
    this.#clients = addresses.map((address) => new type(address, credentials, options));
    if (token !== undefined) this.metadata.set('authorization', `Bearer ${token}`);
  }

  get count(): number {
    return this.#clients.length;
  }

  get current(): C {
    return this.#clients[this.#index]!;
  }

  /** Leaves a client that failed, unless another call has done so already. */
  leave(client: C): void {
    if (client === this.current) this.#index = (this.#index + 1) % this.#clients.length;
  }

  /** Makes a call, at the next address if nobody answers at the first, and so on once around. */
  async call<A>(make: (client: C) => Promise<A>): Promise<A> {
    for (let tried = 1; ; tried++) {
      const client = this.current;
      try {
        return await make(client);
      } catch (error) {
        if (!isAway(error)) throw error;
        this.leave(client);
        if (tried >= this.#clients.length) throw error;
      }
    }
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}
