/** The items of a section as the pages list them: in their order, with what is pending in them. */
import {
  type ConfigurationState,
  isSameItem,
  itemsOf,
  type Kept,
  keyOf,
  reorderedSections,
  type SectionName,
  type Sections,
} from '@mailyard/configuration';
import type { Draft } from './draft-store.ts';
import type { ItemSection } from './item-sections.ts';

type Item = Sections[SectionName];

export interface ItemRow {
  readonly key: string;
  readonly item: Item;
  /** The version that last changed it; 0 = never committed. */
  readonly since: number;
  /** From 1, among the rows of its list, where order decides; none for the one that stands last. */
  readonly place?: number;
  readonly isFixed?: true;
  readonly pending?: 'added' | 'changed' | 'moved' | 'removed';
}

/** What stands in a section, in the order in which it is shown. */
export function orderedItems(kind: ItemSection, state: ConfigurationState): readonly Kept<Item>[] {
  const kept = [...itemsOf(state, kind.section)];
  for (const item of kind.unwritten)
    if (!state.sections[kind.section].has(keyOf(kind.section, item))) kept.push({ item, since: 0 });
  if (!kind.isOrdered) {
    const keyed = kept.map((each) => ({ each, key: keyOf(kind.section, each.item) }));
    keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
    kept.splice(0, kept.length, ...keyed.map(({ each }) => each));
  }
  return [...kept.filter(({ item }) => !kind.isLast(item)), ...kept.filter(({ item }) => kind.isLast(item))];
}

/** Keys of the items of a list that have a place in it, in their order. */
export function placedKeys(kind: ItemSection, state: ConfigurationState, list: string): string[] {
  return orderedItems(kind, state).flatMap(({ item }) =>
    kind.isLast(item) || kind.listOf(item) !== list ? [] : [keyOf(kind.section, item)],
  );
}

/** The rows of a section; what is to go stands where it stood. */
export function itemRows(
  kind: ItemSection,
  before: ConfigurationState,
  after: ConfigurationState,
  draft: Draft,
): readonly ItemRow[] {
  const { section } = kind;
  const [old, now] = [before.sections[section], after.sections[section]];
  const moved = movedKeys(section, before, after, draft);
  const removed = new Map<string, ItemRow[]>();
  let above = '';
  for (const { item, since } of orderedItems(kind, before)) {
    const key = keyOf(section, item);
    if (now.has(key) || !old.has(key)) above = key;
    else removed.set(above, [...(removed.get(above) ?? []), { key, item, since, pending: 'removed' }]);
  }
  const places = new Map<string, number>();
  const rows: ItemRow[] = [...(removed.get('') ?? [])];
  for (const { item, since } of orderedItems(kind, after)) {
    const key = keyOf(section, item);
    const list = kind.listOf(item);
    const isPlaced = kind.isOrdered && !kind.isLast(item);
    const place = (places.get(list) ?? 0) + 1;
    if (isPlaced) places.set(list, place);
    const was = old.get(key);
    const pending =
      before === after || (was === undefined && !now.has(key))
        ? undefined
        : was === undefined
          ? 'added'
          : !isSameItem(section, was.item, item)
            ? 'changed'
            : moved.has(key)
              ? 'moved'
              : undefined;
    rows.push({
      key,
      item,
      since: was?.since ?? (before === after ? since : 0),
      ...(isPlaced ? { place } : {}),
      ...(kind.isFixed(item) ? { isFixed: true } : {}),
      ...(pending === undefined ? {} : { pending }),
    });
    rows.push(...(removed.get(key) ?? []));
  }
  return rows;
}

/** What a draft put elsewhere without changing what it says. */
function movedKeys(
  section: SectionName,
  before: ConfigurationState,
  after: ConfigurationState,
  { operations }: Draft,
): ReadonlySet<string> {
  const keys = new Set<string>();
  if (!reorderedSections(before, after).includes(section)) return keys;
  for (const operation of operations)
    if (operation.kind === 'set' && operation.section === section) keys.add(keyOf(section, operation.item));
  return keys;
}
