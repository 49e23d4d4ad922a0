/** Delivery or receiving that rests (R211); where neither domain, destination nor listener is said, all of it. */
export interface Suspension {
  readonly part: 'delivery' | 'receiving';
  readonly domain?: string;
  /** As queues name it. */
  readonly destination?: string;
  readonly listener?: string;
  /** Ends by itself then, in milliseconds of the epoch. */
  readonly until?: number;
  readonly reason: string;
  readonly author: string;
}

/** The suspensions as they stand in the configuration now (R211). */
export interface SuspensionSource {
  /** Undefined while they are not known. */
  current(): readonly Suspension[] | undefined;
  /** Calls back when they say something else. */
  onChange(listener: () => void): void;
}

/** Names a suspension: `delivery ALL`, `delivery domain example.com`, `receiving listener public`. */
export function suspensionKey({ part, domain, destination, listener }: Suspension): string {
  if (domain !== undefined) return `${part} domain ${domain}`;
  if (destination !== undefined) return `${part} destination ${destination}`;
  return listener === undefined ? `${part} ALL` : `${part} listener ${listener}`;
}

/** What is suspended at one moment (R211); those whose end has come are left out. */
export class Suspensions {
  readonly items: readonly Suspension[];
  /** When the next of them ends; Infinity for none. */
  readonly nextEnd: number;
  readonly #keys: ReadonlySet<string>;

  /** @param now milliseconds of the epoch */
  constructor(all: readonly Suspension[], now: number) {
    this.items = all.filter(({ until }) => until === undefined || until > now);
    this.nextEnd = Math.min(Infinity, ...this.items.map(({ until }) => until ?? Infinity));
    this.#keys = new Set(this.items.map(suspensionKey));
  }

  /** @param destination its key as queues name it; undefined where it is not known */
  isDeliverySuspended(domain: string, destination: string | undefined): boolean {
    const keys = this.#keys;
    if (keys.size === 0) return false;
    if (keys.has('delivery ALL') || keys.has(`delivery domain ${domain}`)) return true;
    return destination !== undefined && keys.has(`delivery destination ${destination}`);
  }

  isReceivingSuspended(listener: string): boolean {
    return this.#keys.size > 0 && (this.#keys.has('receiving ALL') || this.#keys.has(`receiving listener ${listener}`));
  }
}
