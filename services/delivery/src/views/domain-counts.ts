/** How many recipients wait, by the number of their domain: four octets a domain. */
export class DomainCounts {
  #counts = new Uint32Array(64);

  /** A count never falls below zero. */
  add(domain: number, by: number): void {
    if (domain >= this.#counts.length) {
      const larger = new Uint32Array(Math.max(domain + 1, Math.ceil(this.#counts.length * 1.5)));
      larger.set(this.#counts);
      this.#counts = larger;
    }
    this.#counts[domain]! += by;
  }

  /** All counts above zero; none are left here. */
  *take(): Iterable<readonly [domain: number, count: number]> {
    const counts = this.#counts;
    this.#counts = new Uint32Array(64);
    for (const [domain, count] of counts.entries()) if (count > 0) yield [domain, count];
  }
}
