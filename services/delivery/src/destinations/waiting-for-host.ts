/** Who waits for a host to come back, by host. Mostly one waits for each, so that no set is made for it. */
export class WaitingForHost<T extends object> {
  readonly #waiting = new Map<string, T | Set<T>>();

  add(who: T, hosts: readonly string[]): void {
    for (const host of hosts) {
      const known = this.#waiting.get(host);
      if (known === undefined) this.#waiting.set(host, who);
      else if (known instanceof Set) known.add(who);
      else if (known !== who) this.#waiting.set(host, new Set([known, who]));
    }
  }

  delete(who: T, hosts: readonly string[]): void {
    for (const host of hosts) {
      const known = this.#waiting.get(host);
      if (known instanceof Set) {
        known.delete(who);
        if (known.size === 0) this.#waiting.delete(host);
      } else if (known === who) {
        this.#waiting.delete(host);
      }
    }
  }

  /** Those that wait for a host: from now on they do not. */
  take(host: string): readonly T[] {
    const known = this.#waiting.get(host);
    this.#waiting.delete(host);
    if (known === undefined) return [];
    return known instanceof Set ? [...known] : [known];
  }
}
