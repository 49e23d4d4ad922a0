import { flowPolicyText, hostRowKey, hostRowText } from '@mailyard/access';
import { suspensionKey } from '@mailyard/configuration';
import {
  type changeSetWire,
  type configurationWire,
  readDaneUse,
  readMtaStsUse,
  readHostAccess,
  readMailFlowPolicy,
  readSection,
  readSuspension,
  readTlsUse,
} from '@mailyard/contracts';
import { printable } from '@mailyard/telemetry';
import { destinationText } from './route-text.ts';
import { withoutUnknownFields } from './server-command.ts';

type Difference = configurationWire.Difference;
type Item = changeSetWire.Item;

const RED = '\u{1B}[31m';
const GREEN = '\u{1B}[32m';
const PLAIN = '\u{1B}[0m';
const ACTIONS = ['', 'ACCEPT', 'REJECT'] as const;
const IP_PREFERENCES = ['', 'preferV6', 'requireV6', 'preferV4', 'requireV4'] as const;
const UNSUBSCRIBED = ['', 'drop', 'bounce'] as const;
const MODES = ['', 'covering', 'dotted'] as const;

/** Differences as lines: `-` what was, `+` what is. In colour where that is wanted, and nothing else that a terminal would obey. */
export function differenceText(differences: readonly Difference[], isColoured: boolean): string {
  const lines: string[] = [];
  const put = (sign: string, colour: string, text: string): void => {
    const line = `${sign} ${printable(text)}`;
    lines.push(isColoured ? `${colour}${line}${PLAIN}` : line);
  };
  const minus = (text: string): void => put('-', RED, text);
  const plus = (text: string): void => put('+', GREEN, text);
  for (const { section, key, before, after, modeBefore, modeAfter, isReordered } of differences) {
    const name = readSection(section) ?? 'unknown';
    const label = name === 'routes' ? (key === 'ALL' ? 'ALL:' : key) : `${name} ${key}`;
    if (isReordered) {
      lines.push(`~ ${name} in another order`);
      continue;
    }
    if (modeAfter > 0) {
      minus(`mode ${MODES[modeBefore]}`);
      plus(`mode ${MODES[modeAfter]}`);
      continue;
    }
    if (before !== undefined) minus(`${label}  ${itemText(before, after)}`.trimEnd());
    if (after !== undefined) plus(`${label}  ${itemText(after, before)}`.trimEnd());
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** A difference for programs. */
export function plainDifference({
  section,
  key,
  before,
  after,
  modeBefore,
  modeAfter,
  isReordered,
}: Difference): unknown {
  if (isReordered) return { section: readSection(section), isReordered };
  if (modeAfter > 0) return { section: 'mode', before: MODES[modeBefore], after: MODES[modeAfter] };
  return { section: readSection(section), key, before: plainItem(before), after: plainItem(after) };
}

function plainItem(whole: Item | undefined): unknown {
  const item = whole?.item;
  return item?.$case === 'destinationControl' ? plainControl(item.value) : item?.value;
}

function itemText({ item }: Item, beside?: Item): string {
  if (item === undefined) return '';
  if (item.$case === 'hostAccess') {
    const other = beside?.item?.$case === 'hostAccess' ? readHostAccess(beside.item.value) : undefined;
    const row = readHostAccess(item.value);
    return row === undefined ? 'of a later release' : hostRowText(row, other);
  }
  if (item.$case === 'mailFlowPolicy') {
    const policy = readMailFlowPolicy(item.value);
    return policy === undefined ? 'of a later release' : flowPolicyText(policy);
  }
  if (item.$case === 'route') return destinationText(item.value);
  if (item.$case === 'recipientAccess') {
    const { action, reply } = item.value;
    return `${ACTIONS[action]}${reply === undefined ? '' : ` ${reply.code} ${reply.text}`}`;
  }
  if (item.$case === 'destinationControl') {
    const { domain: _key, ...rest } = plainControl(item.value);
    return wordsOf(rest);
  }
  if (item.$case === 'suspension') {
    const { reason, author, until } = item.value;
    return `${reason}, ${author}${until === undefined ? '' : `, until ${new Date(until).toISOString()}`}`;
  }
  if (item.$case === 'bounceProfile') {
    const { name: _key, ...rest } = item.value;
    return wordsOf(rest);
  }
  if (item.$case === 'virtualGateway') return item.value.gateway;
  if (item.$case === 'domainMapping') return item.value.to;
  if (item.$case === 'unsubscribed') return UNSUBSCRIBED[item.value.action] ?? 'of a later release';
  if (item.$case === 'bounceKey') return `${item.value.secret?.$case ?? ''} ${item.value.secret?.value ?? ''}`;
  if (item.$case === 'alias') return item.value.to.join(', ');
  if (item.$case === 'dkimProfile') {
    const { name: _name, domain, selector, key, senders, headers, allowUnsigned, ...rest } = item.value;
    const lists = Object.entries({ senders, headers }).flatMap(([name, list]) =>
      list.length === 0 ? [] : [[name, list.join(' ')]],
    );
    const said = { domain, selector, [`key ${key?.$case}`]: key?.value, ...Object.fromEntries(lists), ...rest };
    return wordsOf({ ...said, ...(allowUnsigned ? { allowUnsigned } : {}) });
  }
  return JSON.stringify(item.value, withoutUnknownFields);
}

/** What is said of an item, in words: `maxConnections 2, tls required`. */
function wordsOf({ _unknownFields, ...said }: Readonly<Record<string, unknown>>): string {
  return Object.entries(said)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}

/** A row without what stands as a number on the wire, which follows in words. */
function plainControl(control: changeSetWire.DestinationControl): Readonly<Record<string, unknown>> {
  const { tls: _tls, verifyCertificate: _verify, dane: _dane, mtaSts: _mtaSts, ...others } = control;
  const { ipPreference: _preference, ...rest } = others;
  return { ...rest, ...wordsOfControl(control) };
}

/** What stands as a number on the wire, in the words of the file; left out where nothing is said. */
function wordsOfControl(control: changeSetWire.DestinationControl): Readonly<Record<string, string>> {
  const { ipPreference } = control;
  const uses = { tls: readTlsUse(control), dane: readDaneUse(control), mtaSts: readMtaStsUse(control) };
  const said = Object.entries(uses).flatMap(([name, use]) =>
    use === undefined ? [] : [[name, use === 'unknown' ? 'of a later release' : use]],
  );
  return {
    ...Object.fromEntries(said),
    ...(ipPreference === 0 ? {} : { ipPreference: IP_PREFERENCES[ipPreference] ?? 'of a later release' }),
  };
}

/** What an item is called by, with a blank behind it, where its text does not say it. */
function nameOf({ item }: Item): string {
  if (item?.$case === 'route') return `${item.value.receivingDomain} `;
  if (item?.$case === 'destinationControl') return `destinationControls ${item.value.domain} `;
  if (item?.$case === 'virtualGateway') return `virtualGateways ${item.value.key} `;
  if (item?.$case === 'domainMapping') return `domainMap ${item.value.key} `;
  if (item?.$case === 'unsubscribed') return `globalUnsubscribe ${item.value.recipient} `;
  if (item?.$case === 'bounceKey') return `bounceKeys ${item.value.number} `;
  if (item?.$case === 'alias') return `aliases ${item.value.key} `;
  if (item?.$case === 'dkimProfile') return `dkimProfiles ${item.value.name} `;
  if (item?.$case === 'bounceProfile') return `bounceProfiles ${item.value.name} `;
  if (item?.$case === 'hostAccess') {
    const row = readHostAccess(item.value);
    return row === undefined ? 'hat ' : `hat ${hostRowKey(row)} `;
  }
  if (item?.$case === 'suspension') {
    const suspension = readSuspension(item.value);
    return `suspended ${suspension === undefined ? '' : `${suspensionKey(suspension)} `}`;
  }
  if (item?.$case === 'mailFlowPolicy') return `mailFlowPolicies $${item.value.name} `;
  return item?.$case === 'recipientAccess' ? `rat ${item.value.recipient} ` : '';
}

/** One operation of a change set, in a line. */
export function operationText({ operation }: changeSetWire.Operation): string {
  switch (operation?.$case) {
    case 'set': {
      const item = operation.value.item ?? { item: undefined };
      return `set ${nameOf(item)}${itemText(item)}`.trimEnd();
    }
    case 'remove':
      return `remove ${readSection(operation.value.section)} ${operation.value.key}`;
    case 'replace':
      return `replace all ${readSection(operation.value.section)} by ${operation.value.items.length}`;
    case 'setMatchingMode':
      return `mode ${MODES[operation.value.mode]}`;
    default:
      return 'an operation of a later release';
  }
}
