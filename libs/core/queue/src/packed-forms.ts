/** The dictionary never forgets, so it is bounded; what finds no place is written in full. */
const MOST = 4_096;
const LONGEST = 256;
/** Twice as many places as forms: a search ends soon. */
const PLACES = 2 * MOST;

/**
 * The forms that packed objects have: all that many have alike, tags and lists of keys, in the order in which they are
 * read. A message that waits has some fifty octets of that, and most have the same.
 */
export class PackedForms {
  readonly #forms: Uint8Array[] = [];
  /** Form + 1 by hash; 0 where there is none. Made when there is a first one. */
  #places: Uint16Array | undefined;

  /** The number of the form that lies there; undefined when it finds no place. */
  numberOf(octets: Uint8Array, from: number, to: number): number | undefined {
    this.#places ??= new Uint16Array(PLACES);
    const places = this.#places;
    let place = hashOf(octets, from, to) % PLACES;
    for (; places[place] !== 0; place = (place + 1) % PLACES)
      if (isSame(this.#forms[places[place]! - 1]!, octets, from, to)) return places[place]! - 1;
    if (this.#forms.length === MOST || to - from > LONGEST) return undefined;
    places[place] = this.#forms.push(octets.slice(from, to));
    return this.#forms.length - 1;
  }

  at(number: number): Uint8Array {
    return this.#forms[number]!;
  }
}

function isSame(form: Uint8Array, octets: Uint8Array, from: number, to: number): boolean {
  if (form.length !== to - from) return false;
  for (let i = 0; i < form.length; i++) if (form[i] !== octets[from + i]) return false;
  return true;
}

/** FNV-1a, its bits mixed. */
function hashOf(octets: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ octets[i]!, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
