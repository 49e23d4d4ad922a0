import { Suspensions, type SuspensionSource } from '@mailyard/configuration';
import type { DeliverySuspension } from '@mailyard/delivery-rules';

type Listener = (concerns: (domain: string, destination: string | undefined) => boolean) => void;

/** A timer waits no longer than this, in milliseconds: what is set for weeks is looked at again. */
const LOOK_MS = 3_600_000;

/** What is suspended now, as the configuration has it and as the end of each comes (R211). */
export class FollowedSuspensions implements DeliverySuspension {
  readonly #source: SuspensionSource;
  readonly #listeners: Listener[] = [];
  /** Undefined until they are known: then nothing may begin that may be suspended. */
  #now: Suspensions | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: SuspensionSource) {
    this.#source = source;
    this.#now = this.#read();
    this.#wait();
    source.onChange(() => this.#look());
  }

  /** Those in force. */
  get items(): Suspensions['items'] {
    return this.#now?.items ?? [];
  }

  isSuspended(domain: string, destination: string | undefined): boolean {
    return isSuspendedIn(this.#now, domain, destination);
  }

  isReceivingSuspended(listener: string): boolean {
    return this.#now?.isReceivingSuspended(listener) ?? false;
  }

  onChange(listener: Listener): void {
    this.#listeners.push(listener);
  }

  #read(): Suspensions | undefined {
    const items = this.#source.current();
    return items && new Suspensions(items, Date.now());
  }

  #look(): void {
    const before = this.#now;
    const after = this.#read();
    this.#now = after;
    this.#wait();
    for (const listener of this.#listeners)
      listener(
        (domain, destination) =>
          isSuspendedIn(before, domain, destination) !== isSuspendedIn(after, domain, destination),
      );
  }

  #wait(): void {
    clearTimeout(this.#timer);
    const nextEnd = this.#now?.nextEnd ?? Infinity;
    if (nextEnd === Infinity) return;
    this.#timer = setTimeout(() => this.#look(), Math.min(LOOK_MS, Math.max(1, nextEnd - Date.now()))).unref();
  }
}

function isSuspendedIn(suspensions: Suspensions | undefined, domain: string, destination: string | undefined): boolean {
  return suspensions?.isDeliverySuspended(domain, destination) ?? true;
}
