import { type AcceptedDomain, type Operation, readAcceptedDomain } from '@mailyard/configuration';
import type { Administration, ChangeRequest } from './administration.ts';
import type { CommitOutcome } from './commit.ts';

export type AcceptOutcome = CommitOutcome | { readonly kind: 'unchanged'; readonly version: number };

/**
 * Adds, in one change set, what is not there yet of the recipient access entry and the route of each domain (R171).
 * What is there stays as it is.
 */
export async function acceptDomains(
  administration: Administration,
  domains: readonly AcceptedDomain[],
  request: ChangeRequest,
): Promise<AcceptOutcome> {
  for (;;) {
    const { state, rules } = administration;
    const operations: Operation[] = [];
    for (const domain of domains) {
      const read = readAcceptedDomain(domain, rules);
      if ('faults' in read) return { kind: 'refused', version: state.version, faults: read.faults };
      const { route } = read;
      const recipient = route.receivingDomain;
      if (!state.sections.rat.has(recipient)) {
        operations.push({ kind: 'set', section: 'rat', item: { recipient, action: 'ACCEPT' }, expect: 'absent' });
      }
      if (!state.sections.routes.has(recipient))
        operations.push({ kind: 'set', section: 'routes', item: route, expect: 'absent' });
    }
    if (operations.length === 0) return { kind: 'unchanged', version: state.version };
    const outcome = await administration.commit(operations, request);
    const wasQuicker =
      outcome.kind === 'refused' &&
      outcome.faults.every(({ code }) => code === 'ROUTE_DUPLICATE' || code === 'ITEM_DUPLICATE');
    if (!wasQuicker || outcome.version === state.version) return outcome;
  }
}
