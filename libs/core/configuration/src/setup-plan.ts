/** What the set-up wizard commits: for each row a recipient access entry and a route, in one change set (R170 to R172). */
import { makeRemark, type Remark } from '@mailyard/mail';
import { isSameTarget, type RouteRules, type RouteTarget, type SmtpRoute, writeRoute } from '@mailyard/smtp-routes';
import { type AcceptedDomain, readAcceptedDomain } from './accepted-domain.ts';
import type { ChangeSet, Operation } from './change-set.ts';
import type { ConfigurationState } from './state.ts';
import type { ConfigurationFault } from './validate.ts';

/** A row of the wizard; one without destinations makes no route, the DNS decides. */
export type SetupRow = AcceptedDomain;

export interface SetupPlan {
  readonly operations: readonly Operation[];
  /** What the person should know of it. */
  readonly hints: readonly Remark[];
  /** What is wrong with the rows; then there are no operations. */
  readonly faults: readonly ConfigurationFault[];
}

/** Change sets of the wizard are told by their id; what they set and nobody changed since, it may replace. */
export const SETUP_ID = 'setup-';

/** What runs of the wizard set last. */
export interface SetupMade {
  readonly routes: ReadonlyMap<string, RouteTarget>;
  readonly accepted: ReadonlySet<string>;
}

/** Finds what earlier runs of the wizard set. @param newestFirst all change sets, those of others are passed over */
export function findSetupMade(newestFirst: Iterable<Pick<ChangeSet, 'id' | 'operations'>>): SetupMade {
  const routes = new Map<string, RouteTarget>();
  const accepted = new Set<string>();
  const seen = new Set<string>();
  const isNew = (name: string): boolean => !seen.has(name) && seen.add(name) !== undefined;
  for (const { id, operations } of newestFirst) {
    if (!id.startsWith(SETUP_ID)) continue;
    for (const operation of operations.toReversed()) {
      if (operation.kind === 'remove') isNew(`${operation.section} ${operation.key}`);
      if (operation.kind !== 'set') continue;
      if (operation.section === 'routes') {
        const { receivingDomain, target } = operation.item;
        if (isNew(`routes ${receivingDomain}`)) routes.set(receivingDomain, target);
      } else if (operation.section === 'rat') {
        const key = operation.item.recipient.toLowerCase();
        if (isNew(`rat ${key}`)) accepted.add(key);
      }
    }
  }
  return { routes, accepted };
}

/** Makes the plan: what is new is added, what an earlier run made and is no longer wanted goes, all else stays. */
export function planSetup(
  state: ConfigurationState,
  made: SetupMade,
  rows: readonly SetupRow[],
  rules: RouteRules,
): SetupPlan {
  const faults: ConfigurationFault[] = [];
  const wanted = new Map<string, { readonly row: SetupRow; readonly route: SmtpRoute }>();
  for (const [index, row] of rows.entries()) {
    const route = readRow(row, index, rules, faults);
    if (route === undefined) continue;
    const { receivingDomain } = route;
    if (wanted.has(receivingDomain)) {
      // The hosts of the one or the other would be lost.
      const message = 'stands in a row above; give all its hosts in one row';
      faults.push({ code: 'ROUTE_DUPLICATE', token: row.domain, field: `rows[${index}].domain`, message });
    } else wanted.set(receivingDomain, { row, route });
  }
  if (faults.length > 0) return { operations: [], hints: [], faults };
  const operations: Operation[] = [];
  const hints: Remark[] = [];
  const { routes, rat } = state.sections;
  const isMadeRoute = (key: string): boolean => {
    const [ours, now] = [made.routes.get(key), routes.get(key)];
    return ours !== undefined && now !== undefined && isSameTarget(ours, now.item.target);
  };
  for (const [key, { row, route }] of wanted) {
    if (!rat.has(key.toLowerCase()))
      operations.push({ kind: 'set', section: 'rat', item: { recipient: key, action: 'ACCEPT' } });
    const existing = routes.get(key)?.item;
    const isSame = existing !== undefined && isSameTarget(existing.target, route.target);
    if (row.destinations.length === 0) {
      hints.push(makeRemark('SETUP_WITHOUT_HOSTS', { domain: row.domain }));
      if (existing !== undefined && isMadeRoute(key)) operations.push({ kind: 'remove', section: 'routes', key });
    } else if (existing === undefined || (isMadeRoute(key) && !isSame))
      operations.push({ kind: 'set', section: 'routes', item: route });
    else if (!isSame) hints.push(makeRemark('SETUP_ROUTE_STAYS', { domain: row.domain }));
  }
  for (const key of made.routes.keys())
    if (!wanted.has(key) && isMadeRoute(key)) operations.push({ kind: 'remove', section: 'routes', key });
  for (const [key, { item }] of rat) {
    const isPlain = item.action === 'ACCEPT' && item.reply === undefined;
    if (isPlain && made.accepted.has(key) && !wanted.has(key)) operations.push({ kind: 'remove', section: 'rat', key });
  }
  return { operations, hints, faults };
}

/** The rows that the wizard made and that still stand, for it to be run again. */
export function setupRowsOf(state: ConfigurationState, made: SetupMade): SetupRow[] {
  const rows: SetupRow[] = [];
  for (const [key, { item }] of state.sections.rat) {
    if (item.action !== 'ACCEPT' || !made.accepted.has(key)) continue;
    const route = state.sections.routes.get(key)?.item;
    rows.push({
      domain: route?.typedDomain ?? key,
      destinations: route === undefined ? [] : writeRoute(route).destinations,
    });
  }
  return rows;
}

/** A row without destinations is read as one by the DNS: only its domain is judged. */
function readRow(
  { domain, destinations }: SetupRow,
  index: number,
  rules: RouteRules,
  faults: ConfigurationFault[],
): SmtpRoute | undefined {
  const read = readAcceptedDomain(
    { domain, destinations: destinations.length === 0 ? ['USEDNS'] : destinations },
    rules,
  );
  if (!('faults' in read)) return read.route;
  for (const fault of read.faults) {
    const field = fault.field === 'receivingDomain' ? 'domain' : fault.field;
    faults.push({ ...fault, field: `rows[${index}].${field}` });
  }
  return undefined;
}
