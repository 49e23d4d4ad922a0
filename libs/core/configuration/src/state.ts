import {
  isSameTarget,
  type MatchingMode,
  type ReceivingDomain,
  RouteTable,
  type SmtpRoute,
} from '@mailyard/smtp-routes';
import { DEFAULTS, keyOf, SECTION_NAMES, type SectionName, type Sections } from './sections.ts';

/** An item and the version that last changed it. */
export interface Kept<T> {
  readonly item: T;
  readonly since: number;
}

export type Section<S extends SectionName> = ReadonlyMap<string, Kept<Sections[S]>>;

/** The configuration as of one version. A value: a later version is another one. */
export interface ConfigurationState {
  readonly lineage: string;
  /** 0 = nothing was committed yet, and this is no configuration to serve. */
  readonly version: number;
  /** Hash of the change set that made it; '' for version 0. */
  readonly hash: string;
  readonly mode: MatchingMode;
  readonly modeSince: number;
  readonly sections: { readonly [S in SectionName]: Section<S> };
  /** Routes that are gone, and the version that removed each (I11), as far back as `knownSince`. */
  readonly removedRoutes: ReadonlyMap<ReceivingDomain, number>;
  readonly knownSince: number;
}

/** The state before the first change set: no routes but an empty ALL, and a recipient access table that refuses all. */
export function initialState(lineage: string): ConfigurationState {
  return {
    lineage,
    version: 0,
    hash: '',
    mode: 'covering',
    modeSince: 0,
    sections: {
      routes: withDefault('routes', 0),
      rat: withDefault('rat', 0),
      policies: withDefault('policies', 0),
      authProfiles: new Map(),
      destinationControls: new Map(),
      bounceProfiles: new Map(),
      hat: new Map(),
      mailFlowPolicies: new Map(),
      outgoingPolicies: new Map(),
      virtualGateways: new Map(),
      suspensions: new Map(),
      domainMap: new Map(),
      aliases: new Map(),
      bounceKeys: new Map(),
      globalUnsubscribe: new Map(),
      dkimProfiles: new Map(),
    },
    removedRoutes: new Map(),
    knownSince: 0,
  };
}

function withDefault<S extends SectionName>(section: S, since: number): Map<string, Kept<Sections[S]>> {
  const item = DEFAULTS[section];
  return item === undefined ? new Map() : new Map([[keyOf(section, item), { item, since }]]);
}

/** The items of a section in their order, the default last. */
export function* itemsOf<S extends SectionName>(state: ConfigurationState, section: S): Iterable<Kept<Sections[S]>> {
  const kept = state.sections[section] as Section<S>;
  const ending = DEFAULTS[section];
  const last = ending === undefined ? undefined : keyOf(section, ending);
  for (const [key, item] of kept) if (key !== last) yield item;
  if (last !== undefined) yield kept.get(last)!;
}

/** Builds the table that lookups are answered from. */
export function routeTableOf(state: ConfigurationState): RouteTable {
  return new RouteTable(state.version, state.mode, state.sections.routes.values(), {
    modeSince: state.modeSince,
    knownSince: state.knownSince,
    removed: state.removedRoutes,
  });
}

/** Whether two items of a section say the same. */
export function isSameItem<S extends SectionName>(section: S, a: Sections[S], b: Sections[S]): boolean {
  if (section === 'routes') {
    const [one, other] = [a as SmtpRoute, b as SmtpRoute];
    return one.typedDomain === other.typedDomain && isSameTarget(one.target, other.target);
  }
  return isSameValue(a, b);
}

function isSameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [one, other] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  if (one.size !== other.size) return false;
  for (const [key, value] of one) if (!other.has(key) || !isSameValue(value, other.get(key))) return false;
  return true;
}

/** Whether two states say the same in the same order, whatever their versions. */
export function isSameConfiguration(a: ConfigurationState, b: ConfigurationState): boolean {
  return a.mode === b.mode && SECTION_NAMES.every((section) => isSameSection(section, a, b));
}

/** Whether a section says the same in the same order in both. */
export function isSameSection(section: SectionName, a: ConfigurationState, b: ConfigurationState): boolean {
  if (a.sections[section] === b.sections[section]) return true;
  if (a.sections[section].size !== b.sections[section].size) return false;
  const others = itemsOf(b, section)[Symbol.iterator]();
  for (const { item } of itemsOf(a, section)) {
    const other = (others.next().value as Kept<Sections[SectionName]>).item;
    if (keyOf(section, item) !== keyOf(section, other) || !isSameItem(section, item, other)) return false;
  }
  return true;
}
