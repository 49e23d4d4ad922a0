import { comparableLocalPart } from '@mailyard/mail';
import type { AddressPattern, Subject } from './address-pattern.ts';

/**
 * A list of patterns in which the first that names an address is found without walking the list: one probe for the
 * address, one for the local part, one for the domain and one a label, and the lowest place wins. Order decides, as
 * R111 and R133 have it, and cost does not grow with the list.
 */
export class PatternIndex {
  /** Place in the list of the first pattern of each key. */
  readonly #places = new Map<string, number>();

  constructor(patterns: Iterable<{ readonly pattern: AddressPattern; readonly place: number }>) {
    for (const { pattern, place } of patterns) {
      const key = keyOf(pattern);
      const known = this.#places.get(key);
      if (known === undefined || place < known) this.#places.set(key, place);
    }
  }

  /** The lowest place of a pattern that names the address; undefined when none does. */
  first({ localPart, domain }: Subject): number | undefined {
    const local = comparableLocalPart(localPart);
    let best = Infinity;
    const probe = (key: string): void => {
      const place = this.#places.get(key);
      if (place !== undefined && place < best) best = place;
    };
    probe('*');
    probe(`${local}@`);
    if (domain !== '') {
      probe(`${local}@${domain}`);
      probe(`@${domain}`);
      if (!domain.startsWith('['))
        for (let dot = domain.indexOf('.'); dot >= 0; dot = domain.indexOf('.', dot + 1))
          probe(`@${domain.slice(dot)}`);
    }
    return best === Infinity ? undefined : best;
  }
}

function keyOf(pattern: AddressPattern): string {
  switch (pattern.kind) {
    case 'all':
      return '*';
    case 'address':
      return `${pattern.localPart}@${pattern.domain}`;
    case 'localPart':
      return `${pattern.localPart}@`;
    case 'domain':
      return `@${pattern.domain}`;
    case 'below':
      return `@.${pattern.domain}`;
  }
}
