import type { MatchingMode, ReceivingDomain, RouteChange, SmtpRoute } from '@mailyard/smtp-routes';
import type { ChangeSet, Operation } from './change-set.ts';
import { DEFAULTS, keyOf, SECTION_NAMES, type SectionName, type Sections } from './sections.ts';
import { type ConfigurationState, isSameItem, itemsOf, type Kept } from './state.ts';

/** What a change set did to the routes, for the table that lookups are answered from. */
export interface RouteEffect {
  readonly changes: readonly RouteChange[];
  readonly mode: MatchingMode;
}

/** How many removed routes are remembered; beyond it the oldest half is forgotten (I11 then errs towards "concerned"). */
const REMOVED_LIMIT = 100_000;

type AnySection = Map<string, Kept<Sections[SectionName]>>;

/**
 * Folds change sets into a state. It copies a section at its first change and works on the copy afterwards, so that a
 * long history costs what its operations cost.
 */
export class ConfigurationFold {
  #state: ConfigurationState;
  #owned = new Map<SectionName, AnySection>();
  #removed: Map<ReceivingDomain, number> | undefined;

  constructor(state: ConfigurationState) {
    this.#state = state;
  }

  /**
   * Goes on by one change set, which was committed: it is a fact and is not judged again.
   *
   * @param hash of the change set as the log has it
   */
  apply(changeSet: ChangeSet, hash: string): RouteEffect {
    const { version } = changeSet;
    let { mode } = this.#state;
    const before = new Map<ReceivingDomain, Kept<SmtpRoute> | undefined>();
    for (const operation of changeSet.operations) {
      if (operation.kind === 'matchingMode') mode = operation.mode;
      else this.#edit(operation, version, before);
    }
    const modeSince = mode === this.#state.mode ? this.#state.modeSince : version;
    this.#state = { ...this.#state, version, hash, mode, modeSince };
    return { changes: this.#settleRoutes(before, version), mode };
  }

  /** The state so far. The fold may go on; what it gave out does not change. */
  finish(): ConfigurationState {
    const sections = { ...this.#state.sections, ...Object.fromEntries(this.#owned) } as ConfigurationState['sections'];
    this.#state = { ...this.#state, sections, removedRoutes: this.#removed ?? this.#state.removedRoutes };
    this.#owned = new Map();
    this.#removed = undefined;
    return this.#state;
  }

  #own(section: SectionName): AnySection {
    let owned = this.#owned.get(section);
    if (owned === undefined) {
      owned = new Map<string, Kept<Sections[SectionName]>>(this.#state.sections[section] as AnySection);
      this.#owned.set(section, owned);
    }
    return owned;
  }

  #edit(
    operation: Exclude<Operation, { kind: 'matchingMode' }>,
    version: number,
    before: Map<ReceivingDomain, Kept<SmtpRoute> | undefined>,
  ): void {
    const { section } = operation;
    const items = this.#own(section);
    const note = (key: string): void => {
      if (section !== 'routes' || before.has(key as ReceivingDomain)) return;
      before.set(key as ReceivingDomain, items.get(key) as Kept<SmtpRoute> | undefined);
    };
    if (operation.kind === 'set') {
      const key = keyOf(section, operation.item);
      note(key);
      this.#put(section, key, operation.item, version, operation.before);
    } else if (operation.kind === 'remove') {
      note(operation.key);
      this.#drop(section, operation.key, version);
    } else {
      for (const key of items.keys()) note(key);
      const old = new Map(items);
      items.clear();
      for (const item of operation.items) {
        const key = keyOf(section, item);
        note(key);
        items.set(key, keepSince(section, old.get(key), item, version));
      }
      const ending = DEFAULTS[section];
      if (ending === undefined || items.has(keyOf(section, ending))) return;
      items.set(keyOf(section, ending), keepSince(section, old.get(keyOf(section, ending)), ending, version));
    }
  }

  #put(section: SectionName, key: string, item: Sections[SectionName], version: number, before?: string): void {
    const items = this.#own(section);
    const kept = keepSince(section, items.get(key), item, version);
    if (before === undefined || before === key || !items.has(before)) {
      items.set(key, kept);
      return;
    }
    items.delete(key);
    const rest = [...items];
    items.clear();
    for (const [other, value] of rest) {
      if (other === before) items.set(key, kept);
      items.set(other, value);
    }
  }

  #drop(section: SectionName, key: string, version: number): void {
    const items = this.#own(section);
    const ending = DEFAULTS[section];
    if (ending !== undefined && keyOf(section, ending) === key)
      items.set(key, keepSince(section, items.get(key), ending, version));
    else items.delete(key);
  }

  /** Compares the routes that were touched with what they were, all operations together. */
  #settleRoutes(before: ReadonlyMap<ReceivingDomain, Kept<SmtpRoute> | undefined>, version: number): RouteChange[] {
    const changes: RouteChange[] = [];
    for (const [receivingDomain, old] of before) {
      const routes = this.#own('routes');
      const kept = routes.get(receivingDomain) as Kept<SmtpRoute> | undefined;
      if (kept === undefined) {
        if (old === undefined) continue;
        this.#ownRemoved().set(receivingDomain, version);
        changes.push({ receivingDomain });
        continue;
      }
      if (this.#removedRoutes.has(receivingDomain)) this.#ownRemoved().delete(receivingDomain);
      // There and back again within one change set is no change.
      if (old !== undefined && isSameItem('routes', old.item, kept.item)) routes.set(receivingDomain, old);
      else changes.push({ receivingDomain, entry: { item: kept.item, since: version } });
    }
    this.#forget();
    return changes;
  }

  get #removedRoutes(): ReadonlyMap<ReceivingDomain, number> {
    return this.#removed ?? this.#state.removedRoutes;
  }

  #ownRemoved(): Map<ReceivingDomain, number> {
    this.#removed ??= new Map(this.#state.removedRoutes);
    return this.#removed;
  }

  #forget(): void {
    if (this.#removedRoutes.size <= REMOVED_LIMIT) return;
    const removed = this.#ownRemoved();
    const oldest = [...removed].sort(([, a], [, b]) => a - b).slice(0, REMOVED_LIMIT / 2);
    for (const [receivingDomain] of oldest) removed.delete(receivingDomain);
    this.#state = { ...this.#state, knownSince: Math.max(this.#state.knownSince, oldest.at(-1)![1]) };
  }
}

/** An item that says what it said before keeps the version that first said it. */
function keepSince<S extends SectionName>(
  section: S,
  old: Kept<Sections[SectionName]> | undefined,
  item: Sections[S],
  version: number,
): Kept<Sections[S]> {
  const isSame = old !== undefined && isSameItem(section, old.item as Sections[S], item);
  return isSame ? (old as Kept<Sections[S]>) : { item, since: version };
}

/** The state after one change set. */
export function applyChangeSet(state: ConfigurationState, changeSet: ChangeSet, hash: string): ConfigurationState {
  const fold = new ConfigurationFold(state);
  fold.apply(changeSet, hash);
  return fold.finish();
}

/** What would be there after the operations, as a draft: the version does not count. */
export function applyOperations(state: ConfigurationState, operations: readonly Operation[]): ConfigurationState {
  const { lineage, version, hash } = state;
  return applyChangeSet(
    state,
    { id: '', lineage, version: version + 1, previousHash: hash, author: '', reason: '', at: 0, operations },
    '',
  );
}

/** One place in which two states differ. */
export type Difference = {
  [S in SectionName]: {
    readonly section: S;
    readonly key: string;
    readonly before?: Sections[S];
    readonly after?: Sections[S];
  };
}[SectionName];

/** What stands in `b` and not in `a`, and the other way round, section by section; order is not looked at. */
export function* differences(a: ConfigurationState, b: ConfigurationState): Iterable<Difference> {
  for (const section of SECTION_NAMES) {
    const [old, now] = [a.sections[section], b.sections[section]] as [AnySection, AnySection];
    if (old === now) continue;
    for (const [key, { item }] of old) {
      const other = now.get(key)?.item;
      if (other === undefined) yield { section, key, before: item } as Difference;
      else if (!isSameItem(section, item, other)) yield { section, key, before: item, after: other } as Difference;
    }
    for (const [key, { item }] of now) if (!old.has(key)) yield { section, key, after: item } as Difference;
  }
}

/** Sections in which what stands in both is in another order. The default item stands last, wherever it is kept. */
export function reorderedSections(a: ConfigurationState, b: ConfigurationState): SectionName[] {
  return SECTION_NAMES.filter((section) => {
    if (a.sections[section] === b.sections[section]) return false;
    const common = keysInOrder(section, b).filter((key) => a.sections[section].has(key));
    return keysInOrder(section, a)
      .filter((key) => b.sections[section].has(key))
      .some((key, place) => key !== common[place]);
  });
}

function keysInOrder(section: SectionName, state: ConfigurationState): string[] {
  return Array.from(itemsOf(state, section), ({ item }) => keyOf(section, item));
}

/**
 * Operations that make `from` say what `to` says, in the same order: single edits where these are enough, else the
 * whole section.
 */
export function operationsBetween(from: ConfigurationState, to: ConfigurationState): Operation[] {
  const operations: Operation[] = [];
  for (const { section, key, after } of differences(from, to)) {
    operations.push(
      (after === undefined ? { kind: 'remove', section, key } : { kind: 'set', section, item: after }) as Operation,
    );
  }
  const reached = applyOperations(from, operations);
  const wrong = SECTION_NAMES.filter((section) => !isSameOrder(section, reached, to));
  const kept = operations.filter(
    (operation) => operation.kind === 'matchingMode' || !wrong.includes(operation.section),
  );
  for (const section of wrong) {
    kept.push({ kind: 'replace', section, items: Array.from(itemsOf(to, section), ({ item }) => item) } as Operation);
  }
  if (from.mode !== to.mode) kept.push({ kind: 'matchingMode', mode: to.mode });
  return kept;
}

function isSameOrder(section: SectionName, a: ConfigurationState, b: ConfigurationState): boolean {
  const others = itemsOf(b, section)[Symbol.iterator]();
  for (const { item } of itemsOf(a, section)) {
    const other = others.next();
    if (other.done === true || keyOf(section, item) !== keyOf(section, other.value.item)) return false;
  }
  return others.next().done === true;
}
