/** Edits as the pages submit them, made into operations, and faults of operations told as faults of their edits. */
import {
  applyOperations,
  type ConfigurationFault,
  type ConfigurationState,
  DEFAULTS,
  itemsOf,
  keyOf,
  type Operation,
  type SectionName,
  type Sections,
} from '@mailyard/configuration';
import { canonicalKey, readWritten } from '@mailyard/contracts';
import { readRoute, type RouteRules } from '@mailyard/smtp-routes';
import { placedKeys } from './item-rows.ts';
import { type ItemSection, itemSection } from './item-sections.ts';
import type { Edit } from './shape.ts';

/** What edits are made on. */
export interface EditBase {
  /** The newest state. */
  readonly state: ConfigurationState;
  /** The one that was seen when they were made, without what is pending: places are counted in it. */
  readonly seen: ConfigurationState;
  /** What is pending already. */
  readonly pending: readonly Operation[];
  readonly rules: RouteRules;
}

export interface ReadEdits {
  readonly operations: readonly Operation[];
  /** Of each operation, the edit that it came from. */
  readonly owners: readonly number[];
  /** Of edits that cannot be read: `edits[1].route.destinations[0]`. */
  readonly faults: readonly ConfigurationFault[];
}

type Item = Sections[SectionName];
type ItemEdit = Extract<Edit, { kind: 'setItem' | 'removeItem' | 'moveItem' }>;

export function readEdits(edits: readonly Edit[], base: EditBase): ReadEdits {
  const operations: Operation[] = [];
  const owners: number[] = [];
  const faults: ConfigurationFault[] = [];
  for (const [index, edit] of edits.entries()) {
    const before = [...base.pending, ...operations];
    for (const operation of operationsOf(edit, `edits[${index}]`, { ...base, pending: before }, faults)) {
      operations.push(operation);
      owners.push(index);
    }
  }
  return { operations, owners, faults };
}

function* operationsOf(edit: Edit, place: string, base: EditBase, faults: ConfigurationFault[]): Iterable<Operation> {
  switch (edit.kind) {
    case 'remove': {
      yield { kind: 'remove', section: 'routes', key: canonicalKey('routes', edit.receivingDomain) };
      return;
    }
    case 'removeAll': {
      const ending = lastDefault(base.state, base.pending);
      yield { kind: 'replace', section: 'routes', items: [ending] };
      return;
    }
    case 'matchingMode': {
      yield { kind: 'matchingMode', mode: edit.mode };
      return;
    }
    case 'set': {
      const { authProfile, ...written } = edit.route;
      const read = readRoute(authProfile === undefined ? written : { ...written, authProfile }, base.rules);
      if ('faults' in read) {
        for (const fault of read.faults) faults.push({ ...fault, field: `${place}.route.${fault.field}` });
        return;
      }
      const { route } = read;
      const old = edit.replaces === undefined ? undefined : canonicalKey('routes', edit.replaces);
      const isRenamed = old !== undefined && old !== keyOf('routes', route);
      if (isRenamed) yield { kind: 'remove', section: 'routes', key: old };
      yield { kind: 'set', section: 'routes', item: route, expect: isRenamed ? 'absent' : edit.expect };
      return;
    }
    default:
      yield* itemOperations(edit, place, base, faults);
  }
}

function* itemOperations(
  edit: ItemEdit,
  place: string,
  base: EditBase,
  faults: ConfigurationFault[],
): Iterable<Operation> {
  const kind = itemSection(edit.section);
  const { section } = kind;
  if (edit.kind === 'removeItem') {
    yield { kind: 'remove', section, key: canonicalKey(section, edit.key) };
    return;
  }
  const say = (code: 'ITEM_INVALID' | 'ITEM_NOT_FOUND', token: string, field: string, message: string): void => {
    faults.push({ code, token: token.slice(0, 120), field: `${place}.${field}`, message });
  };
  if (edit.kind === 'moveItem') {
    const key = canonicalKey(section, edit.key);
    const item = seenState(base).sections[section].get(key)?.item;
    if (item === undefined) say('ITEM_NOT_FOUND', edit.key, 'key', 'is not there');
    else {
      const target = placeOf(kind, item, edit.place, undefined, base);
      if (target !== undefined) yield* put(kind, item, 'present', target);
    }
    return;
  }
  const item = readWritten(section, edit.item as Item);
  if (item === undefined) {
    const name = kind.nameField(edit.item as Item);
    const token = (edit.item as Readonly<Record<string, unknown>>)[name];
    say('ITEM_INVALID', typeof token === 'string' ? token : '', `item.${name}`, 'is no name that is taken here');
    return;
  }
  const old = edit.replaces === undefined ? undefined : canonicalKey(section, edit.replaces);
  const replaced = old === keyOf(section, item) ? undefined : old;
  const target =
    edit.place !== undefined
      ? placeOf(kind, item, edit.place, replaced, base)
      : replaced === undefined
        ? undefined
        : { before: replaced };
  yield* put(kind, item, replaced === undefined ? edit.expect : 'absent', target);
  if (replaced !== undefined) yield { kind: 'remove', section, key: replaced };
}

/** Where an item is put: before another, at the end, or, undefined, where it stands. */
type Target = { readonly before: string } | 'end' | undefined;

function* put(
  { section }: ItemSection,
  item: Item,
  expect: 'absent' | 'present' | undefined,
  target: Target,
): Iterable<Operation> {
  if (target === 'end') {
    yield { kind: 'remove', section, key: keyOf(section, item) };
    yield { kind: 'set', section, item } as Operation;
    return;
  }
  yield { kind: 'set', section, item, ...(expect === undefined ? {} : { expect }), ...target } as Operation;
}

/** Reads a place, from 1, among the rows of the item's list as they were seen. */
function placeOf(kind: ItemSection, item: Item, place: number, replaced: string | undefined, base: EditBase): Target {
  const key = keyOf(kind.section, item);
  const own = replaced ?? key;
  const keys = placedKeys(kind, seenState(base), kind.listOf(item));
  const others = keys.filter((each) => each !== own);
  const at = keys.indexOf(own);
  const before = others[place - 1];
  if (before !== undefined)
    return keys[at + 1] === before && at >= 0 && replaced === undefined ? undefined : { before };
  // What is new comes to the end by itself.
  return at < 0 || replaced !== undefined || at === keys.length - 1 ? undefined : 'end';
}

function seenState({ seen, pending }: EditBase): ConfigurationState {
  return pending.length === 0 ? seen : applyOperations(seen, pending);
}

/** The value that ALL has after some operations: deleting all leaves it untouched (R201). */
function lastDefault(state: ConfigurationState, operations: readonly Operation[]) {
  let ending = state.sections.routes.get('ALL')!.item;
  for (const operation of operations) {
    if (operation.kind === 'set' && operation.section === 'routes' && operation.item.receivingDomain === 'ALL')
      ending = operation.item;
    if (operation.kind === 'replace' && operation.section === 'routes')
      ending = operation.items.find(({ receivingDomain }) => receivingDomain === 'ALL') ?? DEFAULTS.routes!;
  }
  return ending;
}

const NO_ITEM_FIELD: ReadonlySet<string> = new Set(['ROUTE_AUTH_PROFILE_UNKNOWN']);

/** Tells a fault of all that is pending as one of the edit that it came from. */
export function placeFault(
  fault: ConfigurationFault,
  { owners, operations }: ReadEdits,
  edits: readonly Edit[],
  base: EditBase,
): ConfigurationFault {
  const number = /^operations\[(\d+)\]/.exec(fault.field)?.[1];
  const owner = number === undefined ? undefined : owners[Number(number) - base.pending.length];
  if (owner !== undefined) return { ...fault, field: `edits[${owner}].${nameFieldOf(edits[owner]!)}` };
  const guilty = edits.findIndex((edit) => edit.kind === 'set' && edit.route.authProfile === fault.token);
  if (NO_ITEM_FIELD.has(fault.code) && guilty >= 0) return { ...fault, field: `edits[${guilty}].route.authProfile` };
  const [, name, index, rest] = /^(\w+)\[(\d+)\]\.(.+)$/.exec(fault.field) ?? [];
  if (name !== undefined) {
    const after = applyOperations(base.state, [...base.pending, ...operations]);
    for (const [place, edit] of edits.entries()) {
      if (edit.kind !== 'setItem') continue;
      const { section, faultName } = itemSection(edit.section);
      const at = faultName === name ? [...itemsOf(after, section)][Number(index)] : undefined;
      const item = readWritten(section, edit.item as Item);
      if (at !== undefined && item !== undefined && keyOf(section, at.item) === keyOf(section, item))
        return { ...fault, field: `edits[${place}].item.${rest!}` };
    }
  }
  const [only, ...more] = edits;
  return { ...fault, field: more.length === 0 && only !== undefined ? `edits[0].${nameFieldOf(only)}` : 'edits' };
}

/** The field of an edit by which its item is named. */
function nameFieldOf(edit: Edit): string {
  switch (edit.kind) {
    case 'set':
      return 'route.receivingDomain';
    case 'setItem':
      return `item.${itemSection(edit.section).nameField(edit.item as Item)}`;
    case 'removeItem':
    case 'moveItem':
      return 'key';
    default:
      return 'receivingDomain';
  }
}
