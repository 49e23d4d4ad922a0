import type { DestinationKey } from '@mailyard/delivery-rules';
import type { Destination } from './destination.ts';
import { WaitingForHost } from './waiting-for-host.ts';

/** A destination without mail is forgotten so long after it last had some. */
const UNUSED_MS = 600_000;
/** How often the time is looked at. */
const LOOK_EVERY = 16;
/** Destinations whose hosts are down that are kept in mind; of the others their hosts are, and when they are due. */
const MOST_DOWN = 10_000;

/** The destinations that are known: by key, by the host that they wait for, and those where something goes on. */
export class Destinations implements Iterable<Destination> {
  readonly #byKey = new Map<DestinationKey, Destination>();
  /** Those with something ready, a connection or one being opened: the others need no look by the second. */
  readonly #live = new Set<Destination>();
  /** Those that are to hand out what they have in this turn. */
  readonly #called = new Set<Pick<Destination, 'pump'>>();
  readonly #waiting = new WaitingForHost<Destination>();
  /** Those that wait for a host, the longest first. */
  readonly #down = new Set<Destination>();

  get(key: DestinationKey): Destination | undefined {
    return this.#byKey.get(key);
  }

  add(destination: Destination): void {
    this.#byKey.set(destination.key, destination);
  }

  delete(destination: Destination): void {
    this.unblocked(destination);
    this.#live.delete(destination);
    this.#byKey.delete(destination.key);
  }

  [Symbol.iterator](): IterableIterator<Destination> {
    return this.#byKey.values();
  }

  values(): IterableIterator<Destination> {
    return this.#byKey.values();
  }

  /** It has got something to do, in this turn and from now on. */
  woke(destination: Destination): void {
    this.#live.add(destination);
    this.#called.add(destination);
  }

  /** It is its turn to open a connection. */
  call(destination: Pick<Destination, 'pump'>): void {
    this.#called.add(destination);
  }

  /**
   * Has those that woke or were called hand out what is ready. False when some are left for the next turn.
   *
   * @param until not longer than until then, by `performance.now()`
   */
  pump(until: number): boolean {
    let i = 0;
    for (const destination of this.#called) {
      i += 1;
      if (i % LOOK_EVERY === 0 && performance.now() >= until) return false;
      this.#called.delete(destination);
      destination.pump();
    }
    return true;
  }

  /** By the second. */
  tick(monotonic: number): void {
    for (const destination of this.#live) {
      destination.tick(monotonic);
      if (!destination.isLive) this.#live.delete(destination);
    }
  }

  /** From now on it waits for its hosts. */
  blocked(destination: Destination): void {
    this.#waiting.add(destination, destination.hosts.keys);
    this.#down.delete(destination);
    this.#down.add(destination);
  }

  unblocked(destination: Destination): void {
    this.#waiting.delete(destination, destination.hosts.keys);
    this.#down.delete(destination);
  }

  /** Those that waited for a host which answers now. */
  takeWaitingFor(host: string): readonly Destination[] {
    return this.#waiting.take(host);
  }

  /** Those that are down beyond what is kept in mind, the longest first. */
  *beyondMind(now: number): Iterable<Destination> {
    for (const destination of this.#down) {
      if (this.#down.size <= MOST_DOWN) return;
      this.#down.delete(destination);
      if (destination.isIdle(now)) yield destination;
    }
  }

  /** Those that had nothing to do for long. */
  *unused(now: number, monotonic: number): Iterable<Destination> {
    for (const destination of this.#byKey.values())
      if (destination.isIdle(now) && !destination.hosts.isBlocked(now) && monotonic - destination.usedAt > UNUSED_MS)
        yield destination;
  }
}
