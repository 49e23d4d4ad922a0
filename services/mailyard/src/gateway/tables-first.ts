import type { RouteLookup } from '@mailyard/smtp-routes';

/**
 * Knows no answer until the tables have come: a route alone does not say under which terms mail may go there, and
 * without its row a domain that demands TLS would get what the settings say (R144).
 */
export function tablesFirst(routes: RouteLookup, areHere: () => boolean): RouteLookup {
  return {
    peek: (domain) => (areHere() ? routes.peek(domain) : undefined),
    lookup: async (domain) => (areHere() ? routes.lookup(domain) : 'unknown'),
    onChange: (listener) => routes.onChange(listener),
    get version() {
      return areHere() ? routes.version : 0;
    },
  };
}
