import { type HostAccessRow, idleParts, type MailFlowPolicy } from '@mailyard/access';
import {
  type ConfigurationState,
  type DkimProfile,
  isSameItem,
  type Operation,
  type SectionName,
  type Sections,
} from '@mailyard/configuration';
import { makeRemark, parseIpAddress, type Remark } from '@mailyard/mail';
import type { SmtpRoute } from '@mailyard/smtp-routes';

/** A listener of ours, as the settings have it. */
export interface OwnListener {
  readonly address: string;
  readonly port: number;
}

/** What to know of the key that a DKIM signing profile names. */
export type KeyRemarks = (profile: DkimProfile) => readonly Remark[];

/** Keys that are looked at for one change: each is read and parsed. */
const KEYS_AT_ONCE = 20;

/** What to know of the keys of signing profiles that are new or others now. */
export function remarksOnKeys(
  { sections }: ConfigurationState,
  operations: readonly Operation[],
  remarkOnKey: KeyRemarks,
): Remark[] {
  const changed = itemsSet(operations, 'dkimProfiles').filter((profile) => {
    const before = sections.dkimProfiles.get(profile.name)?.item;
    return before === undefined || !isSameItem('dkimProfiles', before, profile);
  });
  return changed.slice(0, KEYS_AT_ONCE).flatMap(remarkOnKey);
}

/** What is taken but looks wrong: destinations that are our own listeners (R67), and what is kept but not acted upon (R121, R126). */
export function findWarnings(operations: readonly Operation[], listeners: readonly OwnListener[]): Remark[] {
  const warnings: Remark[] = [];
  for (const operation of operations) {
    if (operation.kind === 'matchingMode' || operation.kind === 'remove' || operation.section !== 'routes') continue;
    for (const route of operation.kind === 'set' ? [operation.item] : operation.items) {
      const own = ownListenerOf(route, listeners);
      if (own !== undefined)
        warnings.push(makeRemark('ROUTE_TO_OWN_LISTENER', { receivingDomain: route.receivingDomain, host: own }));
    }
  }
  return [...warnings, ...idleWarnings(operations)];
}

/** Listeners that items name and that no process has: a name that is misspelt would be without any effect. */
export function unknownListeners(operations: readonly Operation[], known: ReadonlySet<string>): Remark[] {
  const named = new Set([
    ...itemsSet(operations, 'hat').map(({ listener }) => listener),
    ...itemsSet(operations, 'mailFlowPolicies').map(({ listener }) => listener),
    ...itemsSet(operations, 'suspensions').map(({ listener = '' }) => listener),
  ]);
  return [...named]
    .filter((listener) => listener !== '' && !known.has(listener))
    .map((listener) => makeRemark('LISTENER_UNKNOWN', { listener, known: [...known].toSorted().join(', ') }));
}

/** Whether any item is for a listener of a name: else nobody need be asked which there are. */
export function namesListeners(operations: readonly Operation[]): boolean {
  return unknownListeners(operations, new Set()).length > 0;
}

function idleWarnings(operations: readonly Operation[]): Remark[] {
  const rows: readonly HostAccessRow[] = itemsSet(operations, 'hat');
  const policies: readonly MailFlowPolicy[] = itemsSet(operations, 'mailFlowPolicies');
  const { sources, parameters } = idleParts(rows, policies);
  const told = sources.length > 10 ? [...sources.slice(0, 10), `and ${sources.length - 10} more`] : sources;
  return [
    ...(sources.length === 0 ? [] : [makeRemark('HAT_SOURCES_IDLE', { sources: told.join(', ') })]),
    ...(parameters.length === 0 ? [] : [makeRemark('FLOW_PARAMETERS_IDLE', { parameters: parameters.join(', ') })]),
  ];
}

function itemsSet<S extends SectionName>(operations: readonly Operation[], section: S): readonly Sections[S][] {
  return operations.flatMap((operation) => {
    if (operation.kind === 'matchingMode' || operation.kind === 'remove' || operation.section !== section) return [];
    return (operation.kind === 'set' ? [operation.item] : operation.items) as readonly Sections[S][];
  });
}

function ownListenerOf({ target }: SmtpRoute, listeners: readonly OwnListener[]): string | undefined {
  if (target.kind !== 'hosts') return undefined;
  for (const { host, port } of target.hosts) {
    const address = host === 'localhost' ? '127.0.0.1' : parseIpAddress(host);
    if (address === undefined) continue;
    for (const listener of listeners) {
      const isAnywhere = listener.address === '0.0.0.0' || listener.address === '::';
      const isHere = listener.address === address || (isAnywhere && (address === '::1' || address.startsWith('127.')));
      if (isHere && listener.port === port) return `${host}:${port}`;
    }
  }
  return undefined;
}
