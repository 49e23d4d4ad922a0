import type { Domain } from '@mailyard/mail';
import { addressNumber, type HostPattern } from './host-pattern.ts';

/** Addresses, cut where the first pattern that names them changes. */
interface Pieces {
  /** First address of each piece, rising; each ends where the next begins. */
  readonly starts: readonly bigint[];
  /** Lowest place that names the addresses of a piece; Infinity for none. */
  readonly places: readonly number[];
}

/**
 * A list of host patterns in which the first that names a client is found without walking the list: a binary search for
 * its address, and one probe a label for its name. The lowest place wins (R120).
 */
export class HostIndex {
  readonly #pieces: Readonly<Record<4 | 6, Pieces>>;
  readonly #names = new Map<string, number>();
  readonly #below = new Map<string, number>();
  readonly #all: number;
  /** The lowest place of a pattern that asks for the client's name. */
  readonly #firstName: number;

  constructor(patterns: Iterable<{ readonly pattern: HostPattern; readonly place: number }>) {
    const ranges: Record<4 | 6, Range[]> = { 4: [], 6: [] };
    let [all, firstName] = [Infinity, Infinity];
    for (const { pattern, place } of patterns) {
      if (pattern.kind === 'range') ranges[pattern.family].push({ ...pattern, place });
      else if (pattern.kind === 'all') all = Math.min(all, place);
      else if (pattern.kind !== 'unserved') {
        const names = pattern.kind === 'name' ? this.#names : this.#below;
        names.set(pattern.domain, Math.min(place, names.get(pattern.domain) ?? Infinity));
        firstName = Math.min(firstName, place);
      }
    }
    this.#pieces = { 4: cut(ranges[4]), 6: cut(ranges[6]) };
    this.#all = all;
    this.#firstName = firstName;
  }

  /** Whether the names of a client can change who it is found to be: no pattern of its address stands above them. */
  asksForNames(address: string): boolean {
    return this.#firstName < this.#byAddress(address);
  }

  /**
   * The lowest place of a pattern that names the client; undefined when none does.
   *
   * @param names that were verified to be the client's (R123)
   */
  first(address: string, names: readonly Domain[]): number | undefined {
    let best = this.#byAddress(address);
    for (const name of names) {
      best = Math.min(best, this.#names.get(name) ?? Infinity);
      for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1))
        best = Math.min(best, this.#below.get(name.slice(dot + 1)) ?? Infinity);
    }
    return best === Infinity ? undefined : best;
  }

  #byAddress(address: string): number {
    // The system tells the zone of a link-local client behind a percent sign (RFC 4007 §11).
    const client = addressNumber(address.split('%', 1)[0]!);
    if (client === undefined) return this.#all;
    const { starts, places } = this.#pieces[client.family];
    let [low, high] = [0, starts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= client.value) low = middle + 1;
      else high = middle;
    }
    return Math.min(this.#all, low === 0 ? Infinity : places[low - 1]!);
  }
}

interface Range {
  readonly first: bigint;
  readonly last: bigint;
  readonly place: number;
}

/** Walks the ends of all ranges in order and notes who stands first between them. */
function cut(ranges: readonly Range[]): Pieces {
  const ends = ranges.flatMap(({ first, last, place }) => [
    { at: first, place, opens: true },
    { at: last + 1n, place, opens: false },
  ]);
  ends.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const open = new OpenPlaces();
  const starts: bigint[] = [];
  const places: number[] = [];
  for (const [index, { at, place, opens }] of ends.entries()) {
    if (opens) open.add(place);
    else open.delete(place);
    if (ends[index + 1]?.at === at) continue;
    const first = open.first();
    if (first === (places.at(-1) ?? Infinity)) continue;
    starts.push(at);
    places.push(first);
  }
  return { starts, places };
}

/** A set of places whose lowest is at hand: a binary heap in which what is gone stays until it comes to the top. */
class OpenPlaces {
  readonly #heap: number[] = [];
  readonly #open = new Set<number>();

  add(place: number): void {
    this.#open.add(place);
    const heap = this.#heap;
    let at = heap.push(place) - 1;
    for (let parent = (at - 1) >> 1; at > 0 && heap[parent]! > place; parent = (at - 1) >> 1) {
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = place;
  }

  delete(place: number): void {
    this.#open.delete(place);
  }

  first(): number {
    while (this.#heap.length > 0 && !this.#open.has(this.#heap[0]!)) this.#takeTop();
    return this.#heap[0] ?? Infinity;
  }

  #takeTop(): void {
    const heap = this.#heap;
    const moved = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child += 1;
      if (child >= heap.length || heap[child]! >= moved) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = moved;
  }
}
