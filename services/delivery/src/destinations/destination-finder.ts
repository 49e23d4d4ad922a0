import { type DestinationKey, destinationKey } from '@mailyard/delivery-rules';
import type { RouteDecision } from '@mailyard/smtp-routes';
import type { Binding } from './binding.ts';
import { Destination, type DestinationTools } from './destination.ts';
import type { Destinations } from './destinations.ts';

/** Which destination a decision of the route table leads a domain to, by the terms of that domain (R100, A9). */
export class DestinationFinder {
  readonly #destinations: Destinations;
  readonly #tools: DestinationTools;

  constructor(destinations: Destinations, tools: DestinationTools) {
    this.#destinations = destinations;
    this.#tools = tools;
  }

  /** Without making an object of it. */
  keyOf({ target }: RouteDecision, { domain, gateway }: Binding): DestinationKey | '/dev/null' {
    const { settings, terms } = this.#tools.context;
    return destinationKey(target, domain, settings.batchBy, terms.of(domain), gateway) ?? '/dev/null';
  }

  /** The destination of that key, which from now on goes by these terms; none for `/dev/null`. */
  find(decision: RouteDecision, binding: Binding): Destination | undefined {
    const { domain, gateway } = binding;
    const { target } = decision;
    const key = this.keyOf(decision, binding);
    if (key === '/dev/null' || target.kind === 'null') return undefined;
    const terms = this.#tools.context.terms.of(domain);
    let destination = this.#destinations.get(key);
    if (destination === undefined) {
      destination = new Destination(key, target, domain, gateway, terms, this.#tools);
      this.#destinations.add(destination);
    } else destination.follow(terms);
    return destination;
  }
}
