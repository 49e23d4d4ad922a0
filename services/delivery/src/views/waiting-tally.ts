const NONE = -1;

/**
 * Recipients that wait by destination, counted from those by recipient domain: told of a domain that changed, it moves
 * that domain alone. Domains and rows are small numbers; those of a row are linked, so that each step is one of a few.
 * 16 octets a domain, and some eighty a destination.
 */
export class WaitingTally {
  // By domain.
  #rowOf = new Int32Array(64).fill(NONE);
  #counted = new Uint32Array(64);
  #next = new Int32Array(64).fill(NONE);
  #previous = new Int32Array(64).fill(NONE);
  // By row.
  readonly #keys: string[] = [];
  #first = new Int32Array(64).fill(NONE);
  #last = new Int32Array(64).fill(NONE);
  #waiting = new Float64Array(64);
  #domains = new Uint32Array(64);
  readonly #rows = new Map<string, number>();
  readonly #vacant: number[] = [];

  /** Destinations with waiting recipients. */
  get size(): number {
    return this.#rows.size;
  }

  /** Rows have numbers below this one; some of these may be vacant. */
  get rowLimit(): number {
    return this.#keys.length;
  }

  /** @param recipients of the domain that wait; with none it leads nowhere */
  set(domain: number, key: string, recipients: number): void {
    if (domain >= this.#rowOf.length) this.#growDomains(domain + 1);
    const old = this.#rowOf[domain]!;
    if (old !== NONE && recipients > 0 && this.#keys[old] === key) {
      this.#waiting[old]! += recipients - this.#counted[domain]!;
      this.#counted[domain] = recipients;
      return;
    }
    if (old !== NONE) this.#leave(domain, old);
    if (recipients > 0) this.#enter(domain, this.#rowFor(key), recipients);
  }

  #enter(domain: number, row: number, recipients: number): void {
    const last = this.#last[row]!;
    this.#rowOf[domain] = row;
    this.#counted[domain] = recipients;
    this.#next[domain] = NONE;
    this.#previous[domain] = last;
    if (last === NONE) this.#first[row] = domain;
    else this.#next[last] = domain;
    this.#last[row] = domain;
    this.#waiting[row]! += recipients;
    this.#domains[row]! += 1;
  }

  #leave(domain: number, row: number): void {
    const [next, previous] = [this.#next[domain]!, this.#previous[domain]!];
    if (next === NONE) this.#last[row] = previous;
    else this.#previous[next] = previous;
    if (previous === NONE) this.#first[row] = next;
    else this.#next[previous] = next;
    this.#rowOf[domain] = NONE;
    this.#waiting[row]! -= this.#counted[domain]!;
    this.#domains[row]! -= 1;
    if (this.#domains[row] !== 0) return;
    this.#rows.delete(this.#keys[row]!);
    this.#keys[row] = '';
    this.#vacant.push(row);
  }

  #rowFor(key: string): number {
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const row = this.#vacant.pop() ?? this.#keys.length;
    if (row >= this.#first.length) this.#growRows();
    this.#keys[row] = key;
    this.#first[row] = NONE;
    this.#last[row] = NONE;
    this.#waiting[row] = 0;
    this.#domains[row] = 0;
    this.#rows.set(key, row);
    return row;
  }

  /** The row of a destination; undefined when nothing waits there. */
  find(key: string): number | undefined {
    return this.#rows.get(key);
  }

  /** Empty where the row is vacant. */
  keyOf(row: number): string {
    return this.#keys[row]!;
  }

  waitingOf(row: number): number {
    return this.#waiting[row]!;
  }

  domainCountOf(row: number): number {
    return this.#domains[row]!;
  }

  /** The first domain of a row, and the one after a domain; below zero where there is none. */
  firstOf(row: number): number {
    return this.#first[row]!;
  }

  after(domain: number): number {
    return this.#next[domain]!;
  }

  /** The first domains of a row, in the order in which they came. */
  domainsOf(row: number, most = Infinity): number[] {
    const domains: number[] = [];
    for (let domain = this.#first[row]!; domain !== NONE && domains.length < most; domain = this.#next[domain]!)
      domains.push(domain);
    return domains;
  }

  #growDomains(needed: number): void {
    const length = Math.max(needed, Math.ceil(this.#rowOf.length * 1.5));
    this.#rowOf = grown(this.#rowOf, length);
    this.#next = grown(this.#next, length);
    this.#previous = grown(this.#previous, length);
    const counted = new Uint32Array(length);
    counted.set(this.#counted);
    this.#counted = counted;
  }

  #growRows(): void {
    const length = Math.ceil(this.#first.length * 1.5);
    this.#first = grown(this.#first, length);
    this.#last = grown(this.#last, length);
    const waiting = new Float64Array(length);
    waiting.set(this.#waiting);
    this.#waiting = waiting;
    const domains = new Uint32Array(length);
    domains.set(this.#domains);
    this.#domains = domains;
  }
}

function grown(from: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(length).fill(NONE);
  to.set(from);
  return to;
}
