/** What kafkajs names the event of a request that was answered. */
const ANSWERED = 'network.request';

/** How many requests brokers answered, by their names in the protocol. */
export class RequestCounts {
  readonly #counts = new Map<string, number>();

  get byName(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  count(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  /** What the connections of kafkajs call with each of their events. */
  emit(event: string, { apiName }: { readonly apiName?: string }): void {
    if (event === ANSWERED && apiName !== undefined) this.count(apiName);
  }
}
