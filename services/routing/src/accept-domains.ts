import type { Operation } from '@mailyard/configuration';
import { readRoute, routeFault } from '@mailyard/smtp-routes';
import type { Administration, ChangeRequest } from './administration.ts';
import type { CommitOutcome } from './commit.ts';

/** A domain to take mail for, and where to send it; `.domain` works too. */
export interface Acceptance {
  readonly domain: string;
  readonly destinations: readonly string[];
}

export type AcceptOutcome = CommitOutcome | { readonly kind: 'unchanged'; readonly version: number };

/**
 * Adds, in one change set, what is not there yet of the recipient access entry and the route of each domain (R171).
 * What is there stays as it is.
 */
export async function acceptDomains(
  administration: Administration,
  acceptances: readonly Acceptance[],
  request: ChangeRequest,
): Promise<AcceptOutcome> {
  for (;;) {
    const { state, rules } = administration;
    const operations: Operation[] = [];
    for (const { domain, destinations } of acceptances) {
      const read = readRoute({ receivingDomain: domain, destinations }, rules);
      if ('faults' in read) return { kind: 'refused', version: state.version, faults: read.faults };
      const { route } = read;
      const recipient = route.receivingDomain;
      // It would make an open relay of the gateway, which nobody means by naming a domain.
      if (recipient === 'ALL') {
        const fault = routeFault(
          'ROUTE_DOMAIN_INVALID',
          'domain',
          'ALL',
          'is no domain; name those whose mail is to be taken',
        );
        return { kind: 'refused', version: state.version, faults: [fault] };
      }
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
