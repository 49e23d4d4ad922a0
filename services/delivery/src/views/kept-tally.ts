import { Pace } from '@mailyard/telemetry';
import type { Binding } from '../destinations/binding.ts';
import type { Bindings } from '../destinations/bindings.ts';
import { WaitingTally } from './waiting-tally.ts';

/** What stands for the destination of a domain while routing does not say. */
export const UNKNOWN = 'unknown';
/** So many domains take a millisecond or less, and need no slices. */
const FEW_DOMAINS = 1_000;
/** What nobody asked for in this time is let go. */
const LET_GO_MS = 60_000;

/**
 * The recipients that wait by destination, for views. It is counted when somebody looks, kept up to date by what has
 * changed since for as long as somebody does, and costs nothing but that: the mail itself only notes which domains
 * changed. Of very many it is taken in slices between which delivery goes on, and so is not of one instant.
 */
export class KeptTally {
  readonly #bindings: Bindings;
  #tally: WaitingTally | undefined;
  #renewing: Promise<WaitingTally> | undefined;
  #letGo: NodeJS.Timeout | undefined;

  constructor(bindings: Bindings) {
    this.#bindings = bindings;
  }

  /** As it is now; those who ask meanwhile share it. */
  get(): Promise<WaitingTally> {
    this.#stay();
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  /** Destinations with waiting recipients; while very many are being counted, as they were, and at first domains. */
  get destinationCount(): number {
    const tally = this.#tally;
    if (this.#renewing === undefined && this.#changes <= FEW_DOMAINS) {
      this.#stay();
      const counted = this.#tally ?? new WaitingTally();
      for (const binding of this.#take(counted)) this.#count(counted, binding);
      this.#tally = counted;
      return counted.size;
    }
    this.get().catch(() => undefined);
    return tally?.size ?? this.#bindings.size;
  }

  get #changes(): number {
    return this.#tally === undefined ? this.#bindings.size : this.#bindings.changeCount + this.#unknown(this.#tally);
  }

  #unknown(tally: WaitingTally): number {
    const row = tally.find(UNKNOWN);
    return row === undefined ? 0 : tally.domainCountOf(row);
  }

  /** What is to be looked at: changes, and what routing did not know when it was asked. */
  *#take(tally: WaitingTally): Iterable<Binding> {
    const row = tally.find(UNKNOWN);
    const unknown = row === undefined ? [] : tally.domainsOf(row);
    yield* this.#bindings.takeChanges();
    for (const number of unknown) {
      const binding = this.#bindings.numbered(number);
      if (binding !== undefined) yield binding;
    }
  }

  #count(tally: WaitingTally, binding: Binding): void {
    const { number, recipients } = binding;
    tally.set(number, recipients === 0 ? '' : (this.#bindings.keyOf(binding) ?? UNKNOWN), recipients);
  }

  async #renew(): Promise<WaitingTally> {
    const tally = this.#tally ?? new WaitingTally();
    const pace = new Pace();
    for (const binding of this.#take(tally)) {
      if (pace.isOver) await pace.rest();
      this.#count(tally, binding);
    }
    this.#tally = tally;
    return tally;
  }

  #stay(): void {
    clearTimeout(this.#letGo);
    this.#letGo = setTimeout(() => {
      if (this.#renewing !== undefined) return this.#stay();
      this.#tally = undefined;
      this.#bindings.endChanges();
    }, LET_GO_MS).unref();
  }
}
