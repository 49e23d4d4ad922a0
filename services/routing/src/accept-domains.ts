import { type ConfigurationState, keyOf, type Operation } from '@mailyard/configuration';
import { MtaError } from '@mailyard/mail';
import { readRoute, type RouteRules } from '@mailyard/smtp-routes';

/** One row of the setup wizard, or one `--accept` (R171). */
export interface AcceptedDomain {
  readonly domain: string;
  readonly destinations: readonly string[];
}

/**
 * The operations that take mail for these domains and route it, for those that are not there yet (R170, R171): an entry
 * of the recipient access table and a route each; a partial domain gives a partial route.
 *
 * @throws MtaError `CONFIGURATION_INVALID` with every fault
 */
export function acceptOperations(
  state: ConfigurationState,
  rows: readonly AcceptedDomain[],
  rules: RouteRules,
): Operation[] {
  const operations: Operation[] = [];
  const faults: string[] = [];
  for (const { domain, destinations } of rows) {
    const read = readRoute({ receivingDomain: domain, destinations }, rules);
    if ('faults' in read) {
      faults.push(...read.faults.map(({ code, message, token }) => `${domain}: ${code}: ${token} ${message}`));
      continue;
    }
    const { route } = read;
    // It would make an open relay of the gateway, which nobody means by naming a domain.
    if (route.receivingDomain === 'ALL') {
      faults.push('ALL: is no domain; name those whose mail is to be taken');
      continue;
    }
    const entry = { recipient: route.receivingDomain, action: 'ACCEPT' } as const;
    if (!state.sections.rat.has(keyOf('rat', entry))) operations.push({ kind: 'set', section: 'rat', item: entry });
    if (!state.sections.routes.has(route.receivingDomain))
      operations.push({ kind: 'set', section: 'routes', item: route });
  }
  if (faults.length > 0) throw new MtaError('CONFIGURATION_INVALID', faults.join('\n'));
  return operations;
}
