import {
  type DeliveryTerms,
  type DestinationKey,
  type Host,
  type HostHealth,
  hostKey,
  type HostStates,
} from '@mailyard/delivery-rules';
import type { HostFailure } from '../connections/opening.ts';

/**
 * The hosts of one destination: those that its last plan named, and whether it waits because none of them takes a
 * connection. What each host is up to is in the {@link HostStates} that all destinations share.
 */
export class DestinationHosts {
  readonly #key: DestinationKey;
  readonly #gateway: string | undefined;
  readonly #states: HostStates;
  /** The hosts of the last plan; none before the first. */
  planned: readonly Host[] = [];
  #demand = '';
  #blockedUntil = 0;
  #lastFailure: HostFailure | undefined;

  constructor(key: DestinationKey, gateway: string | undefined, states: HostStates) {
    this.#key = key;
    this.#gateway = gateway;
    this.#states = states;
  }

  get keys(): readonly string[] {
    return this.planned.map((host) => this.keyOf(host));
  }

  /** Where the state of a host is kept, for mail that leaves as this does. */
  keyOf(host: Host): string {
    return hostKey(host, this.#gateway);
  }

  /** Not before this instant, in steady wall time; 0 when there is nothing to wait for. */
  get blockedUntil(): number {
    return this.#blockedUntil;
  }

  /** Why the last opening led to nothing; undefined once one has led to a connection. */
  get lastFailure(): HostFailure | undefined {
    return this.#lastFailure;
  }

  isBlocked(now: number): boolean {
    return this.#blockedUntil > now;
  }

  /** From now on there is something to wait for. Gives what is to be told of it. */
  block(until: number, failure: HostFailure | undefined): HostFailure {
    this.#blockedUntil = until;
    this.#lastFailure = failure ?? this.#lastFailure ?? NO_HOST;
    return this.#lastFailure;
  }

  /** A host has answered, or is to be tried whatever was. False when there was nothing to wait for. */
  unblock(): boolean {
    if (this.#blockedUntil === 0) return false;
    this.#blockedUntil = 0;
    this.#states.forget(this.#dnsState);
    return true;
  }

  connected(): void {
    this.#lastFailure = undefined;
  }

  /** The DNS does not say where they are: waited for like for a host (R63, R76). Gives until when. */
  dnsFailed({ reply }: HostFailure, now: number): number {
    this.#states.failed(this.#dnsState, reply, now);
    return this.#states.of(this.#dnsState).downUntil;
  }

  get #dnsState(): string {
    return `dns ${this.#key}`;
  }

  /**
   * Names where it is kept that a host does not do what this destination demands of TLS. Apart from the state of the
   * host: it may serve others who demand less, or accept its certificate under another name.
   */
  tlsState(host: Host): string {
    return `tls ${this.#key} ${this.#demand} ${this.keyOf(host)}`;
  }

  /** This is demanded of TLS from now on; what is known of other demands counts no more. */
  demandTls({ tls, dane, mtaSts }: Pick<DeliveryTerms, 'tls' | 'dane' | 'mtaSts'>): void {
    for (const host of this.planned) this.#states.forget(this.tlsState(host));
    this.#demand = `${tls} ${dane} ${mtaSts}`;
  }

  /** Whether one that is not known to be down is left. */
  hasOther(tried: readonly string[], now: number): boolean {
    return this.planned.some((host) => {
      const key = this.keyOf(host);
      const { downUntil } = this.healthOf(host);
      return !tried.includes(key) && !(downUntil > now);
    });
  }

  /** What is known of a host from here: of two reasons not to try it the one that lasts longer. */
  healthOf(host: Host): HostHealth {
    const [itself, tls] = [this.#states.of(this.keyOf(host)), this.#states.of(this.tlsState(host))];
    return tls.state === 'down' && tls.downUntil > itself.downUntil ? tls : itself;
  }

  /** What is known of their states counts no more: each may be tried. */
  forget(): void {
    for (const key of this.keys) this.#states.forget(key);
    for (const host of this.planned) this.#states.forget(this.tlsState(host));
  }
}

const NO_HOST: HostFailure = {
  reply: { code: 451, enhancedStatus: '4.4.1', text: 'no host takes a connection' },
  stage: 'connect',
  host: '',
};
