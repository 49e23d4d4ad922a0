/** Change sets between core and wire: as the configuration log keeps them and as programs send them. */
import type {
  ChangeSet,
  ConfigurationFault,
  ConfigurationState,
  Kept,
  Operation,
  SectionName,
  Sections,
} from '@mailyard/configuration';
import { DEFAULTS, initialState, keyOf, SECTION_NAMES } from '@mailyard/configuration';
import { MtaError } from '@mailyard/mail';
import {
  type MatchingMode,
  type ReceivingDomain,
  readReceivingDomain,
  readRoute,
  type RouteRules,
  type SmtpRoute,
  TargetPool,
  writeRoute,
} from '@mailyard/smtp-routes';
import * as wire from './gen/mailyard/routing/v1/change_set.ts';
import { readAccessItem, readPlainItem, writeItemOf } from './configuration-item-codec.ts';
import { readBounceKeyItem } from './bounce-key-codec.ts';
import { readDkimProfileItem } from './dkim-codec.ts';
import { readHostItem } from './host-access-codec.ts';
import { readRewritingItem } from './rewriting-codec.ts';
import { readUnsubscribedItem } from './unsubscribed-codec.ts';
import { readSuspensionItem } from './suspension-codec.ts';

/** What a log may hold besides what is taken now: rules may have been wider when it was written. */
const AS_WRITTEN: RouteRules = {
  maxRoutes: Infinity,
  maxDestinations: Infinity,
  allowSingleLabel: true,
  allowReserved: true,
};

/** Of what logs hold. */
const POOL = new TargetPool();

const SECTION_NUMBERS: { readonly [S in SectionName]: wire.Section } = {
  routes: wire.Section.SECTION_ROUTES,
  rat: wire.Section.SECTION_RECIPIENT_ACCESS,
  policies: wire.Section.SECTION_MAIL_POLICIES,
  authProfiles: wire.Section.SECTION_AUTH_PROFILES,
  destinationControls: wire.Section.SECTION_DESTINATION_CONTROLS,
  bounceProfiles: wire.Section.SECTION_BOUNCE_PROFILES,
  hat: wire.Section.SECTION_HOST_ACCESS,
  mailFlowPolicies: wire.Section.SECTION_MAIL_FLOW_POLICIES,
  outgoingPolicies: wire.Section.SECTION_OUTGOING_MAIL_POLICIES,
  virtualGateways: wire.Section.SECTION_VIRTUAL_GATEWAYS,
  suspensions: wire.Section.SECTION_SUSPENSIONS,
  domainMap: wire.Section.SECTION_DOMAIN_MAP,
  aliases: wire.Section.SECTION_ALIASES,
  bounceKeys: wire.Section.SECTION_BOUNCE_KEYS,
  globalUnsubscribe: wire.Section.SECTION_GLOBAL_UNSUBSCRIBE,
  dkimProfiles: wire.Section.SECTION_DKIM_PROFILES,
};

const SECTIONS_BY_NUMBER: ReadonlyMap<wire.Section, SectionName> = new Map(
  SECTION_NAMES.map((name) => [SECTION_NUMBERS[name], name]),
);

export function writeSection(section: SectionName): wire.Section {
  return SECTION_NUMBERS[section];
}

/** @returns undefined when there is no such section */
export function readSection(section: wire.Section): SectionName | undefined {
  return SECTIONS_BY_NUMBER.get(section);
}

export function writeMode(mode: MatchingMode): wire.MatchingMode {
  return mode === 'covering' ? wire.MatchingMode.MATCHING_MODE_COVERING : wire.MatchingMode.MATCHING_MODE_DOTTED;
}

/** @returns undefined when it is not said */
export function readMode(mode: wire.MatchingMode): MatchingMode | undefined {
  if (mode === wire.MatchingMode.MATCHING_MODE_COVERING) return 'covering';
  return mode === wire.MatchingMode.MATCHING_MODE_DOTTED ? 'dotted' : undefined;
}

export function writeItem<S extends SectionName>(section: S, item: Sections[S]): wire.Item {
  if (section !== 'routes') return writeItemOf(section, item);
  return { item: { $case: 'route', value: writeSmtpRoute(item as Sections['routes']) } };
}

export function writeSmtpRoute(route: SmtpRoute): wire.SmtpRoute {
  const { receivingDomain, destinations, authProfile } = writeRoute(route);
  return { receivingDomain, destinations: [...destinations], authProfile };
}

export function writeOperation(operation: Operation): wire.Operation {
  switch (operation.kind) {
    case 'set': {
      const { section, item, expect, before } = operation;
      const expectation = expect === undefined ? 0 : expect === 'absent' ? 1 : 2;
      return { operation: { $case: 'set', value: { item: writeItem(section, item), expectation, before } } };
    }
    case 'remove': {
      return {
        operation: { $case: 'remove', value: { section: writeSection(operation.section), key: operation.key } },
      };
    }
    case 'replace': {
      const items = operation.items.map((item) => writeItem(operation.section, item));
      return { operation: { $case: 'replace', value: { section: writeSection(operation.section), items } } };
    }
    case 'matchingMode': {
      return { operation: { $case: 'setMatchingMode', value: { mode: writeMode(operation.mode) } } };
    }
  }
}

/**
 * Reads operations and finds all faults of their items.
 *
 * @param faults takes what is wrong, with the field it is in
 */
export function readOperations(
  operations: readonly wire.Operation[],
  rules: RouteRules,
  faults: ConfigurationFault[],
): Operation[] {
  const read: Operation[] = [];
  for (const [index, { operation }] of operations.entries()) {
    const one = readOperation(operation, `operations[${index}]`, rules, faults);
    if (one !== undefined) read.push(one);
  }
  return read;
}

function readOperation(
  operation: wire.Operation['operation'],
  field: string,
  rules: RouteRules,
  faults: ConfigurationFault[],
): Operation | undefined {
  switch (operation?.$case) {
    case 'set': {
      const { item, expectation, before } = operation.value;
      const read = readItem(item, `${field}.set.item`, rules, faults);
      if (read === undefined) return undefined;
      const expect = expectation === 1 ? { expect: 'absent' } : expectation === 2 ? { expect: 'present' } : {};
      return {
        kind: 'set',
        ...read,
        ...expect,
        ...(before === undefined ? {} : { before: canonicalKey(read.section, before) }),
      } as Operation;
    }
    case 'remove': {
      const section = readSection(operation.value.section);
      if (section !== undefined) return { kind: 'remove', section, key: canonicalKey(section, operation.value.key) };
      faults.push(unknownSection(`${field}.remove.section`, operation.value.section));
      return undefined;
    }
    case 'replace': {
      return readReplace(operation.value, `${field}.replace`, rules, faults);
    }
    case 'setMatchingMode': {
      const mode = readMode(operation.value.mode);
      if (mode !== undefined) return { kind: 'matchingMode', mode };
      faults.push({
        code: 'ITEM_INVALID',
        token: String(operation.value.mode),
        field: `${field}.set_matching_mode.mode`,
        message: 'is no mode of matching',
      });
      return undefined;
    }
    case undefined: {
      faults.push({ code: 'ITEM_INVALID', token: '', field, message: 'says nothing that is known here' });
      return undefined;
    }
  }
}

function readReplace(
  value: wire.ReplaceSection,
  field: string,
  rules: RouteRules,
  faults: ConfigurationFault[],
): Operation | undefined {
  const section = readSection(value.section);
  if (section === undefined) {
    faults.push(unknownSection(`${field}.section`, value.section));
    return undefined;
  }
  const items: Sections[SectionName][] = [];
  const seen = new Map<string, number>();
  for (const [index, item] of value.items.entries()) {
    const place = `${field}.items[${index}]`;
    const read = readItem(item, place, rules, faults);
    if (read === undefined) continue;
    const key = keyOf(read.section, read.item);
    const earlier = seen.get(key);
    if (read.section !== section)
      faults.push({
        code: 'ITEM_INVALID',
        token: read.section,
        field: place,
        message: `does not belong into ${section}`,
      });
    else if (earlier !== undefined) {
      const code = section === 'routes' ? 'ROUTE_DUPLICATE' : 'ITEM_DUPLICATE';
      faults.push({ code, token: key, field: place, message: `stands in items[${earlier}] already` });
    }
    seen.set(key, index);
    items.push(read.item);
  }
  return { kind: 'replace', section, items } as Operation;
}

export interface ReadItem {
  readonly section: SectionName;
  readonly item: Sections[SectionName];
}

function readItem(
  item: wire.Item | undefined,
  field: string,
  rules: RouteRules,
  faults: ConfigurationFault[],
): ReadItem | undefined {
  const value = item?.item;
  if (value?.$case === 'route') {
    const { receivingDomain, destinations, authProfile } = value.value;
    const written = { receivingDomain, destinations, ...(authProfile === undefined ? {} : { authProfile }) };
    const read = readRoute(written, rules, rules === AS_WRITTEN ? POOL : undefined);
    if ('route' in read) return { section: 'routes', item: read.route };
    for (const fault of read.faults) faults.push({ ...fault, field: `${field}.route.${fault.field}` });
    return undefined;
  }
  const read =
    readAccessItem(value) ??
    readPlainItem(value) ??
    readHostItem(value) ??
    readSuspensionItem(value) ??
    readRewritingItem(value) ??
    readBounceKeyItem(value) ??
    readUnsubscribedItem(value) ??
    readDkimProfileItem(value);
  if (read === undefined)
    faults.push({
      code: 'ITEM_INVALID',
      token: value?.$case ?? '',
      field,
      message: 'is no item that is known here, or lacks a part',
    });
  return read;
}

/** An item and its section. @returns undefined when it is of a later release, or lacks a part */
export function readConfigurationItem(item: wire.Item): ReadItem | undefined {
  return readItem(item, '', AS_WRITTEN, []);
}

/** An item as every way in takes it: what was written on the wire, read again. @returns undefined when it lacks a part */
export function readWritten<S extends SectionName>(section: S, item: Sections[S]): Sections[S] | undefined {
  return readItem(writeItem(section, item), '', AS_WRITTEN, [])?.item as Sections[S] | undefined;
}

/** A key as it is stored: a receiving domain in the form it is compared in. */
export function canonicalKey(section: SectionName, key: string): string {
  if (section === 'virtualGateways') return keyOf('virtualGateways', { from: key, gateway: '' });
  if (section === 'domainMap') return keyOf('domainMap', { from: key, to: '' });
  if (section === 'aliases') return keyOf('aliases', { alias: key, to: [] });
  if (section === 'globalUnsubscribe') return keyOf('globalUnsubscribe', { recipient: key, action: 'drop' });
  if (section === 'rat') return keyOf('rat', { recipient: key, action: 'ACCEPT' });
  if (section !== 'routes') return key;
  const read = readReceivingDomain(key);
  return 'code' in read ? key : read.receivingDomain;
}

function unknownSection(field: string, section: number): ConfigurationFault {
  return { code: 'ITEM_INVALID', token: String(section), field, message: 'is no section that is known here' };
}

/** Encodes a change set as the log keeps it; its hash is taken over these octets. */
export function encodeChangeSet(changeSet: ChangeSet): Uint8Array {
  const { id, lineage, version, previousHash, author, reason, at } = changeSet;
  const operations = changeSet.operations.map(writeOperation);
  return wire.ChangeSet.encode({
    id,
    lineage,
    version,
    previousHash,
    author,
    reason,
    committedAt: at,
    operations,
  }).finish();
}

/**
 * Decodes a change set of the log.
 *
 * @throws MtaError `CHANGE_SET_UNREADABLE` when it is damaged, or a later release wrote what is not known here: going
 * on without it would serve a table that nobody committed
 */
export function decodeChangeSet(payload: Uint8Array): ChangeSet {
  let decoded: wire.ChangeSet;
  try {
    decoded = wire.ChangeSet.decode(payload);
  } catch (cause) {
    throw new MtaError('CHANGE_SET_UNREADABLE', 'a change set of the configuration log cannot be decoded', { cause });
  }
  const { id, lineage, version, previousHash, author, reason, committedAt } = decoded;
  const faults: ConfigurationFault[] = [];
  const operations = readOperations(decoded.operations, AS_WRITTEN, faults);
  const [fault] = faults;
  if (fault !== undefined) {
    throw new MtaError(
      'CHANGE_SET_UNREADABLE',
      `version ${version} of the configuration: ${fault.field} ${JSON.stringify(fault.token)} ${fault.message}`,
    );
  }
  return { id, lineage, version, previousHash, author, reason, at: committedAt, operations };
}

/** Encodes a state as a snapshot. */
export function encodeSnapshot(state: ConfigurationState): Uint8Array {
  const items: wire.KeptItem[] = [];
  for (const section of SECTION_NAMES) {
    for (const { item, since } of state.sections[section].values())
      items.push({ item: writeItem(section, item), since });
  }
  const removedRoutes = Array.from(state.removedRoutes, ([receivingDomain, since]) => ({ receivingDomain, since }));
  const { lineage, version, hash, modeSince, knownSince } = state;
  return wire.Snapshot.encode({
    lineage,
    version,
    hash,
    mode: writeMode(state.mode),
    modeSince,
    knownSince,
    items,
    removedRoutes,
  }).finish();
}

/**
 * Decodes a snapshot.
 *
 * @returns undefined when it cannot be read: the change sets say the same
 */
export function decodeSnapshot(payload: Uint8Array): ConfigurationState | undefined {
  try {
    const { lineage, version, hash, mode, modeSince, knownSince, items, removedRoutes } = wire.Snapshot.decode(payload);
    const sections = Object.fromEntries(
      SECTION_NAMES.map((name) => [name, new Map<string, Kept<Sections[SectionName]>>()]),
    ) as unknown as Record<SectionName, Map<string, Kept<Sections[SectionName]>>>;
    const faults: ConfigurationFault[] = [];
    for (const { item, since } of items) {
      const read = readItem(item, '', AS_WRITTEN, faults);
      if (read === undefined) return undefined;
      sections[read.section].set(keyOf(read.section, read.item), { item: read.item, since });
    }
    const readableMode = readMode(mode);
    const isWhole = SECTION_NAMES.every(
      (name) => DEFAULTS[name] === undefined || sections[name].has(keyOf(name, DEFAULTS[name])),
    );
    if (readableMode === undefined || !isWhole) return undefined;
    const removed = new Map(
      removedRoutes.map(({ receivingDomain, since }) => [receivingDomain as ReceivingDomain, since]),
    );
    return {
      ...initialState(lineage),
      version,
      hash,
      mode: readableMode,
      modeSince,
      knownSince,
      sections: sections as unknown as ConfigurationState['sections'],
      removedRoutes: removed,
    };
  } catch {
    return undefined;
  }
}
