/** What the set-up wizard commits: for each row a recipient access entry and a route, in one change set (R170 to R172). */
import type { changeSetWire as wire } from '@mailyard/contracts';
import type { AdministrationClient } from '@mailyard/grpc';
import { readReceivingDomain } from '@mailyard/smtp-routes';

/** A row of the wizard: a domain to take mail for, and the hosts that take it. None: no route, the DNS decides. */
export interface SetupRow {
  readonly domain: string;
  readonly destinations: readonly string[];
}

export interface SetupPlan {
  /** The version that it was made on. */
  readonly version: number;
  readonly operations: readonly wire.Operation[];
  /** What the person should know of it. */
  readonly hints: readonly string[];
}

/** Change sets of the wizard are told by their id; what they set and nobody changed since, it may replace. */
export const SETUP_ID = 'setup-';

const ROUTES: wire.Section = 1;
const ACCESS: wire.Section = 2;
const HISTORY_PAGE = 500;

/** Makes the plan: what is new is added, what an earlier run made and is no longer wanted goes, all else stays. */
export async function planSetup(client: AdministrationClient, rows: readonly SetupRow[]): Promise<SetupPlan> {
  const [table, access, made] = await Promise.all([client.table(), client.getAccess(), findMade(client)]);
  const routes = new Map(table.routes.map((route) => [keyOf(route.receivingDomain), route]));
  const accepted = new Map(access.recipientAccess.map((entry) => [keyOf(entry.recipient), entry]));
  const isMadeRoute = (key: string): boolean => isSame(made.routes.get(key), routes.get(key));
  const operations: wire.Operation[] = [];
  const hints: string[] = [];
  const wanted = new Map(rows.map((row) => [keyOf(row.domain), row]));
  for (const [key, { domain, destinations }] of wanted) {
    if (!accepted.has(key))
      operations.push(setItem({ $case: 'recipientAccess', value: { recipient: domain, action: 1, reply: undefined } }));
    const route: wire.SmtpRoute = { receivingDomain: domain, destinations: [...destinations], authProfile: undefined };
    const existing = routes.get(key);
    if (destinations.length === 0) {
      hints.push(`${domain}: no hosts given, so no route is made; its mail goes to the hosts that the DNS names`);
      if (existing !== undefined && isMadeRoute(key)) operations.push(removeItem(ROUTES, key));
    } else if (existing === undefined || (isMadeRoute(key) && !isSame(existing, route)))
      operations.push(setItem({ $case: 'route', value: route }));
    else if (!isSame(existing, route))
      hints.push(
        `${domain}: there is a route that the wizard did not make; it stays (mailyard smtproutes edit ${domain})`,
      );
  }
  for (const key of made.routes.keys())
    if (!wanted.has(key) && isMadeRoute(key)) operations.push(removeItem(ROUTES, key));
  for (const [key, entry] of accepted) {
    if (made.accepted.has(key) && !wanted.has(key) && entry.action === 1 && entry.reply === undefined)
      operations.push(removeItem(ACCESS, key));
  }
  return { version: table.version, operations, hints };
}

interface Made {
  readonly routes: ReadonlyMap<string, wire.SmtpRoute>;
  readonly accepted: ReadonlySet<string>;
}

/** What earlier runs of the wizard set last. */
async function findMade(client: AdministrationClient): Promise<Made> {
  const routes = new Map<string, wire.SmtpRoute>();
  const accepted = new Set<string>();
  const seen = new Set<string>();
  for (let before = 0; ; ) {
    const page = await client.history({
      pageSize: HISTORY_PAGE,
      beforeVersion: before,
      section: 0,
      key: '',
      withOperations: true,
      id: '',
    });
    for (const { change, operations } of page.entries) {
      if (change?.id.startsWith(SETUP_ID) !== true) continue;
      for (const { operation } of operations.toReversed()) note(operation, seen, routes, accepted);
    }
    if (page.nextBeforeVersion === 0) return { routes, accepted };
    before = page.nextBeforeVersion;
  }
}

/** Notes the newest word of the wizard on each item. */
function note(
  operation: wire.Operation['operation'],
  seen: Set<string>,
  routes: Map<string, wire.SmtpRoute>,
  accepted: Set<string>,
): void {
  const isNew = (section: wire.Section, key: string): boolean => {
    const name = `${section} ${key}`;
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  };
  if (operation?.$case === 'remove') isNew(operation.value.section, operation.value.key);
  if (operation?.$case !== 'set') return;
  const item = operation.value.item?.item;
  if (item?.$case === 'route') {
    const key = keyOf(item.value.receivingDomain);
    if (isNew(ROUTES, key)) routes.set(key, item.value);
  } else if (item?.$case === 'recipientAccess') {
    const key = keyOf(item.value.recipient);
    if (isNew(ACCESS, key)) accepted.add(key);
  }
}

function setItem(item: NonNullable<wire.Item['item']>): wire.Operation {
  return { operation: { $case: 'set', value: { item: { item }, expectation: 0, before: undefined } } };
}

function removeItem(section: wire.Section, key: string): wire.Operation {
  return { operation: { $case: 'remove', value: { section, key } } };
}

function isSame(a: wire.SmtpRoute | undefined, b: wire.SmtpRoute | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.destinations.join() === b.destinations.join() && a.authProfile === b.authProfile;
}

function keyOf(domain: string): string {
  const read = readReceivingDomain(domain);
  return 'code' in read ? domain.toLowerCase() : read.receivingDomain;
}
