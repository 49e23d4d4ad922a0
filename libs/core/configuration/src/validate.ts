import {
  type AccessFault,
  AliasTable,
  DomainMap,
  GlobalUnsubscribe,
  HostAccessTable,
  LISTENER,
  MailPolicyTable,
  RecipientAccessTable,
  VirtualGatewayMap,
} from '@mailyard/access';
import { parseAddressLiteral, parseDomain } from '@mailyard/mail';
import { readReceivingDomain, type RouteFault, type RouteRules, routeFault } from '@mailyard/smtp-routes';
import { accessRowsOf, rewritingRowsOf } from './access-tables.ts';
import type { Operation } from './change-set.ts';
import { checkDkimProfile, type DkimProfile } from './dkim-profiles.ts';
import { applyOperations } from './fold.ts';
import { type BounceProfile, DEFAULTS, type DestinationControl, keyOf, type SectionName } from './sections.ts';
import type { Suspension } from './suspensions.ts';
import { isSameSecret } from './secret-reference.ts';
import type { ConfigurationState, Kept } from './state.ts';

export type ConfigurationFaultCode =
  | RouteFault['code']
  | AccessFault['code']
  | 'ITEM_DUPLICATE'
  | 'ITEM_NOT_FOUND'
  | 'ITEM_UNDELETABLE'
  | 'ITEM_IN_USE'
  | 'ITEM_UNKNOWN'
  | 'DKIM_SELECTOR_DUPLICATE';

/** Why a change set is refused; all faults are found at once (R23). */
export interface ConfigurationFault {
  readonly code: ConfigurationFaultCode;
  readonly message: string;
  readonly token: string;
  /**
   * Where: `operations[2].set.route.destinations[0]`, or a part of it when there are no operations; `operations` for all of
   * them; for what they make together the item in its place, such as `hat[2].sources[0]` or
   * `destinationControls[1].maxConnections`.
   */
  readonly field: string;
  /** Line of an imported file. */
  readonly line?: number;
}

/** Judges operations against a state: each one for itself, then what they make together. */
export function validateOperations(
  state: ConfigurationState,
  operations: readonly Operation[],
  rules: RouteRules,
): ConfigurationFault[] {
  const faults: ConfigurationFault[] = [];
  const present = new Presence(state);
  for (const [index, operation] of operations.entries()) {
    const field = `operations[${index}]`;
    if (operation.kind === 'set') checkSet(operation, present, field, faults);
    else if (operation.kind === 'remove') checkRemove(operation, present, field, faults);
    else if (operation.kind === 'replace')
      present.replace(
        operation.section,
        operation.items.map((item) => keyOf(operation.section, item)),
      );
  }
  if (faults.length > 0) return faults;
  const after = applyOperations(state, operations);
  checkWhole(state, after, operations, rules, faults);
  return faults;
}

/** Which items there are while the operations take effect one after the other. */
class Presence {
  readonly #state: ConfigurationState;
  readonly #edited = new Map<SectionName, Map<string, boolean>>();
  readonly #replaced = new Set<SectionName>();

  constructor(state: ConfigurationState) {
    this.#state = state;
  }

  has(section: SectionName, key: string): boolean {
    const edited = this.#edited.get(section)?.get(key);
    return edited ?? (!this.#replaced.has(section) && this.#state.sections[section].has(key));
  }

  put(section: SectionName, key: string, isThere: boolean): void {
    let edited = this.#edited.get(section);
    if (edited === undefined) {
      edited = new Map();
      this.#edited.set(section, edited);
    }
    edited.set(key, isThere);
  }

  replace(section: SectionName, keys: readonly string[]): void {
    this.#replaced.add(section);
    const ending = DEFAULTS[section];
    const always = ending === undefined ? [] : [keyOf(section, ending)];
    this.#edited.set(section, new Map([...always, ...keys].map((key) => [key, true])));
  }
}

function checkSet(
  operation: Extract<Operation, { kind: 'set' }>,
  present: Presence,
  field: string,
  faults: ConfigurationFault[],
): void {
  const { section, item, expect, before } = operation;
  const key = keyOf(section, item);
  const isThere = present.has(section, key);
  if (expect === 'absent' && isThere) {
    const code = section === 'routes' ? 'ROUTE_DUPLICATE' : 'ITEM_DUPLICATE';
    faults.push({ code, token: key, field, message: 'is there already; edit it instead' });
  }
  if (expect === 'present' && !isThere) faults.push(notFound(section, key, field));
  if (before !== undefined && !present.has(section, before)) faults.push(notFound(section, before, `${field}.before`));
  present.put(section, key, true);
}

function checkRemove(
  { section, key }: Extract<Operation, { kind: 'remove' }>,
  present: Presence,
  field: string,
  faults: ConfigurationFault[],
): void {
  const ending = DEFAULTS[section];
  if (ending !== undefined && keyOf(section, ending) === key) {
    const code = section === 'routes' ? 'ROUTE_DEFAULT_UNDELETABLE' : 'ITEM_UNDELETABLE';
    faults.push({
      code,
      token: key,
      field,
      message: 'is the default and cannot be deleted; edit it to empty or change it',
    });
  } else if (present.has(section, key)) present.put(section, key, false);
  else faults.push(notFound(section, key, field));
}

function notFound(section: SectionName, key: string, field: string): ConfigurationFault {
  const code = section === 'routes' ? 'ROUTE_NOT_FOUND' : 'ITEM_NOT_FOUND';
  return { code, token: key, field, message: 'is not there' };
}

function checkWhole(
  before: ConfigurationState,
  after: ConfigurationState,
  operations: readonly Operation[],
  rules: RouteRules,
  faults: ConfigurationFault[],
): void {
  const { size } = after.sections.routes;
  // A table over its limit (the limit was lowered) may still be edited as long as it does not grow.
  if (size > rules.maxRoutes && size > before.sections.routes.size) {
    const message = `would make ${size} entries, ALL counted; the table takes ${rules.maxRoutes}`;
    faults.push({ ...routeFault('ROUTE_LIMIT', 'operations', String(size), message) });
  }
  checkAccess(before, after, faults);
  const { routes, authProfiles, destinationControls, bounceProfiles, suspensions, bounceKeys, dkimProfiles } =
    after.sections;
  const areProfilesTouched = operations.some(
    (operation) => operation.kind !== 'matchingMode' && operation.section === 'authProfiles',
  );
  for (const { item, since } of routes.values()) {
    if (
      item.target.kind !== 'hosts' ||
      item.target.authProfile === undefined ||
      authProfiles.has(item.target.authProfile)
    )
      continue;
    const isNew = since > before.version;
    if (!isNew && !areProfilesTouched) continue;
    faults.push(
      isNew
        ? {
            code: 'ROUTE_AUTH_PROFILE_UNKNOWN',
            token: item.target.authProfile,
            field: 'operations',
            message: `is no profile; ${item.receivingDomain} names it`,
          }
        : {
            code: 'ITEM_IN_USE',
            token: item.target.authProfile,
            field: 'operations',
            message: `is used by the route of ${item.receivingDomain}`,
          },
    );
  }
  for (const [place, { item, since }] of [...destinationControls.values()].entries()) {
    const field = `destinationControls[${place}]`;
    if (since > before.version) checkControl(item, field, faults);
    if (item.bounceProfile === undefined || bounceProfiles.has(item.bounceProfile)) continue;
    faults.push({
      code: 'ITEM_UNKNOWN',
      token: item.bounceProfile,
      field: `${field}.bounceProfile`,
      message: `is no bounce profile; ${item.domain} names it`,
    });
  }
  for (const [place, { item, since }] of [...destinationControls.values()].entries()) {
    const wasThere = before.sections.bounceKeys.size > 0;
    if (item.bounceVerification !== true || bounceKeys.size > 0 || (since <= before.version && !wasThere)) continue;
    const message = `wants a key in bounceKeys; ${item.domain} says bounceVerification`;
    const field = `destinationControls[${place}].bounceVerification`;
    faults.push({ code: 'ITEM_UNKNOWN', token: 'bounceKeys', field, message });
  }
  for (const [place, { item, since }] of [...bounceProfiles.values()].entries())
    if (since > before.version) checkBounceProfile(item, `bounceProfiles[${place}]`, faults);
  for (const { item, since } of suspensions.values()) if (since > before.version) checkSuspension(item, faults);
  checkDkimProfiles([...dkimProfiles.values()], before.version, faults);
}

function checkAccess(before: ConfigurationState, after: ConfigurationState, faults: ConfigurationFault[]): void {
  const { entries, policies, outgoing, hosts, flows, gateways, unsubscribed } = accessRowsOf(after);
  const take = (read: object): void => {
    if (Array.isArray(read)) faults.push(...(read as AccessFault[]));
  };
  take(RecipientAccessTable.read(entries));
  take(MailPolicyTable.read(policies));
  take(MailPolicyTable.read(outgoing, 'outgoingPolicies'));
  take(VirtualGatewayMap.read(gateways));
  const [old, now] = [before.sections, after.sections];
  // Ten thousand networks, or aliases, are not read again for a route.
  if (old.globalUnsubscribe !== now.globalUnsubscribe) take(GlobalUnsubscribe.read(unsubscribed));
  if (old.domainMap !== now.domainMap) take(DomainMap.read(rewritingRowsOf(after).domainMap));
  if (old.aliases !== now.aliases) take(AliasTable.read(rewritingRowsOf(after).aliases));
  if (old.hat === now.hat && old.mailFlowPolicies === now.mailFlowPolicies) return;
  const table = HostAccessTable.read(hosts, flows);
  take(table instanceof HostAccessTable ? table.findOpenRelays() : table);
}

/** R140, R146: a domain in the form in which it is compared, and numbers with which mail still goes. */
function checkControl(control: DestinationControl, place: string, faults: ConfigurationFault[]): void {
  const { domain, maxConnections, maxMessagesPerConnection, maxRecipients, windowMinutes, tls, dane, mtaSts } = control;
  const say = (field: keyof DestinationControl, message: string): void => {
    faults.push({ code: 'ITEM_INVALID', token: domain, field: `${place}.${field}`, message });
  };
  if (domain !== 'DEFAULT') {
    const read = readReceivingDomain(domain);
    if ('code' in read || read.receivingDomain === 'ALL')
      say('domain', 'is no recipient domain: a row is for a domain, what is below it with a leading dot, or DEFAULT');
    else if (read.receivingDomain !== domain) say('domain', `is to be written ${read.receivingDomain}`);
  }
  for (const [name, value] of Object.entries({ maxConnections, maxMessagesPerConnection, maxRecipients }))
    if (value !== undefined && value < 1) say(name as keyof DestinationControl, `${name} is at least 1`);
  if (tls === 'none' && dane !== undefined && dane !== 'none') say('dane', 'DANE goes with TLS: tls is not none');
  if (tls === 'none' && mtaSts !== undefined && mtaSts !== 'none')
    say('mtaSts', 'MTA-STS goes with TLS: tls is not none');
  if (windowMinutes !== undefined && (windowMinutes < 1 || windowMinutes > 60))
    say('windowMinutes', 'windowMinutes is 1 to 60');
}

/** As the HTTP API takes them. */
const DESTINATION_LIMIT = 2_000;

/** R211: a domain stands in the form in which it is compared. */
function checkSuspension({ domain, destination, listener, reason }: Suspension, faults: ConfigurationFault[]): void {
  const say = (token: string, message: string): void => {
    faults.push({ code: 'ITEM_INVALID', token, field: 'operations', message });
  };
  if (domain !== undefined && parseDomain(domain) !== domain && parseAddressLiteral(domain) !== domain)
    say(domain, 'is no domain as it is compared: lower case, A-labels');
  if (destination !== undefined && destination.length > DESTINATION_LIMIT)
    say(destination.slice(0, 120), `is longer than any destination: ${DESTINATION_LIMIT} characters`);
  if (listener !== undefined && (listener === '' || !LISTENER.test(listener)))
    say(listener.slice(0, 120), 'is no name of a listener');
  if (reason.trim() === '') say('reason', 'is needed');
}

function checkBounceProfile(
  { name, initialWaitSeconds, maxWaitSeconds, delayWarningSeconds }: BounceProfile,
  place: string,
  faults: ConfigurationFault[],
): void {
  const say = (field: keyof BounceProfile, message: string): void => {
    faults.push({ code: 'ITEM_INVALID', token: name, field: `${place}.${field}`, message });
  };
  // With no wait at all a host would be asked as fast as it answers.
  if (initialWaitSeconds !== undefined && initialWaitSeconds < 1)
    say('initialWaitSeconds', 'initialWaitSeconds is at least 1');
  if (maxWaitSeconds !== undefined && maxWaitSeconds < (initialWaitSeconds ?? 1))
    say('maxWaitSeconds', 'maxWaitSeconds is not below initialWaitSeconds');
  if (delayWarningSeconds !== undefined && delayWarningSeconds < 1)
    say('delayWarningSeconds', 'delayWarningSeconds is at least 1');
}

function checkDkimProfiles(
  profiles: readonly Kept<DkimProfile>[],
  version: number,
  faults: ConfigurationFault[],
): void {
  const changed = profiles.filter(({ since }) => since > version).map(({ item }) => item);
  if (changed.length === 0) return;
  const placeOf = ({ domain, selector }: DkimProfile): string => `${selector.toLowerCase()}._domainkey.${domain}`;
  const byPlace = Map.groupBy(profiles, ({ item }) => placeOf(item));
  for (const profile of changed) {
    const field = `dkimProfiles.${profile.name}`;
    checkDkimProfile(profile, (token, message) => faults.push({ code: 'ITEM_INVALID', token, field, message }));
    const other = byPlace.get(placeOf(profile))!.find(({ item }) => !isSameSecret(item.key, profile.key));
    if (other === undefined) continue;
    const message = `${placeOf(profile)} holds one key, and ${other.item.name} has another there`;
    faults.push({ code: 'DKIM_SELECTOR_DUPLICATE', token: profile.selector, field, message });
  }
}
