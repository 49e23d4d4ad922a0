import { comparableLocalPart } from '@mailyard/mail';
import type { AddressPattern, Subject } from './address-pattern.ts';

/** Places in the list by key, of one kind of pattern. */
type Places = Map<string, number>;

/**
 * A list of patterns in which the first that names an address is found without walking the list: one probe for the
 * address, one for the local part, one for the domain and one a label, and the lowest place wins. Order decides, as
 * R111 and R133 have it, and cost does not grow with the list. What no pattern of the list looks at is not probed for.
 */
export class PatternIndex {
  readonly #places: Readonly<Record<AddressPattern['kind'], Places>> = {
    all: new Map(),
    address: new Map(),
    localPart: new Map(),
    addressBelow: new Map(),
    domain: new Map(),
    below: new Map(),
  };

  constructor(patterns: Iterable<{ readonly pattern: AddressPattern; readonly place: number }>) {
    for (const { pattern, place } of patterns) {
      const places = this.#places[pattern.kind];
      const key = keyOf(pattern);
      const known = places.get(key);
      if (known === undefined || place < known) places.set(key, place);
    }
  }

  /** The lowest place of a pattern that names the address; undefined when none does. */
  first({ localPart, domain }: Subject): number | undefined {
    const { all, address, localPart: locals, addressBelow, domain: domains, below } = this.#places;
    let best = all.get('') ?? Infinity;
    const probe = (places: Places, key: string): void => {
      const place = places.get(key);
      if (place !== undefined && place < best) best = place;
    };
    if (locals.size > 0) probe(locals, comparableLocalPart(localPart));
    if (domain !== '') {
      if (address.size > 0) probe(address, `${comparableLocalPart(localPart)}@${domain}`);
      if (domains.size > 0) probe(domains, domain);
      if ((below.size > 0 || addressBelow.size > 0) && !domain.startsWith('[')) {
        const local = addressBelow.size > 0 ? comparableLocalPart(localPart) : '';
        for (let dot = domain.indexOf('.'); dot >= 0; dot = domain.indexOf('.', dot + 1)) {
          probe(below, domain.slice(dot + 1));
          if (local !== '') probe(addressBelow, `${local}@${domain.slice(dot + 1)}`);
        }
      }
    }
    return best === Infinity ? undefined : best;
  }
}

function keyOf(pattern: AddressPattern): string {
  switch (pattern.kind) {
    case 'all':
      return '';
    case 'address':
    case 'addressBelow':
      return `${pattern.localPart}@${pattern.domain}`;
    case 'localPart':
      return pattern.localPart;
    case 'domain':
    case 'below':
      return pattern.domain;
  }
}
