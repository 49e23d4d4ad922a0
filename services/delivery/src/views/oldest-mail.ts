import { domainOf } from '@mailyard/mail';
import { Pace } from '@mailyard/telemetry';
import type { Bindings } from '../destinations/bindings.ts';
import type { Partition } from '../partitions/partition.ts';

/** Open messages that are looked at for the oldest of each destination. */
const MESSAGES_LOOKED_AT = 2_000;
/** What was found is kept for so many times as long as finding it took. */
const KEPT_FACTOR = 1_000;
const KEPT_MOST_MS = 10_000;

/** When the oldest message of a destination was accepted, where it is among the oldest of all. */
export class OldestMail {
  readonly #bindings: Bindings;
  readonly #owned: () => Iterable<Partition>;
  #found: { readonly by: ReadonlyMap<string, number>; readonly until: number } | undefined;
  #finding: Promise<ReadonlyMap<string, number>> | undefined;

  constructor(bindings: Bindings, owned: () => Iterable<Partition>) {
    this.#bindings = bindings;
    this.#owned = owned;
  }

  /** By the key of the destination. */
  get(): Promise<ReadonlyMap<string, number>> {
    if (this.#found !== undefined && performance.now() < this.#found.until) return Promise.resolve(this.#found.by);
    this.#finding ??= this.#find().finally(() => {
      this.#finding = undefined;
    });
    return this.#finding;
  }

  /** Open messages come oldest first; one look at the first of them finds the oldest of most destinations. */
  async #find(): Promise<ReadonlyMap<string, number>> {
    const oldest = new Map<string, number>();
    const pace = new Pace();
    let left = MESSAGES_LOOKED_AT;
    look: for (const { owner } of this.#owned())
      for (const { recipients, envelope } of owner.state.messages) {
        if (left-- <= 0) break look;
        if (pace.isOver) await pace.rest();
        for (const { forwardPath } of recipients.values()) {
          const binding = this.#bindings.find(domainOf(forwardPath), envelope.gateway);
          const key = binding === undefined ? undefined : this.#bindings.keyOf(binding);
          if (key !== undefined && envelope.at < (oldest.get(key) ?? Infinity)) oldest.set(key, envelope.at);
        }
      }
    const keptMs = Math.min(pace.workedMs * KEPT_FACTOR, KEPT_MOST_MS);
    this.#found = { by: oldest, until: performance.now() + keptMs };
    return oldest;
  }
}
