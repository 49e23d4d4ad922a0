import type { SuspensionScope } from '../api/values.ts';
import type { Words } from '../words/words.ts';

/** What is meant, in words: `Delivery to the domain example.com`. */
export function suspensionText({ part, domain, destination, listener }: SuspensionScope, words: Words): string {
  const { scopes } = words.suspensions;
  if (domain !== undefined) return scopes.domain(domain);
  if (destination !== undefined) return scopes.destination(destination);
  if (listener !== undefined) return scopes.listener(listener);
  return part === 'delivery' ? scopes.delivery : scopes.receiving;
}
