import type { MatchingMode } from '@mailyard/smtp-routes';
import { keyOf, type SectionName, type Sections } from './sections.ts';

/** Puts an item into its section: in the place of the one with its key, else at the end, or before another. */
export interface SetOperation<S extends SectionName> {
  readonly kind: 'set';
  readonly section: S;
  readonly item: Sections[S];
  /** `absent`: it must be new (NEW). `present`: it must be there (EDIT). */
  readonly expect?: 'absent' | 'present';
  /** Key of the item to stand before, where order matters. */
  readonly before?: string;
}

export interface RemoveOperation<S extends SectionName> {
  readonly kind: 'remove';
  readonly section: S;
  readonly key: string;
}

/** Puts these items in the place of all that the section has, in this order (R192). */
export interface ReplaceOperation<S extends SectionName> {
  readonly kind: 'replace';
  readonly section: S;
  readonly items: readonly Sections[S][];
}

export interface MatchingModeOperation {
  readonly kind: 'matchingMode';
  readonly mode: MatchingMode;
}

/** One edit of a change set. Operations take effect in order, all of them or none. */
export type Operation =
  | { [S in SectionName]: SetOperation<S> | RemoveOperation<S> | ReplaceOperation<S> }[SectionName]
  | MatchingModeOperation;

/** What is committed: many edits, one version. */
export interface ChangeSet {
  /** Chosen by whoever commits. The same id again is the same change. */
  readonly id: string;
  readonly lineage: string;
  /** 1, 2, 3 … without a gap. */
  readonly version: number;
  /** Hash of the change set before, as the log has it; '' for the first. */
  readonly previousHash: string;
  readonly author: string;
  readonly reason: string;
  /** UTC milliseconds. */
  readonly at: number;
  readonly operations: readonly Operation[];
}

/** The keys that operations touch: `section key`, or `section *` for all of it. */
export function touchedBy(operations: readonly Operation[]): ReadonlySet<string> {
  const touched = new Set<string>();
  for (const operation of operations) {
    if (operation.kind === 'set') touched.add(`${operation.section} ${keyOf(operation.section, operation.item)}`);
    else if (operation.kind === 'remove') touched.add(`${operation.section} ${operation.key}`);
    else touched.add(operation.kind === 'replace' ? `${operation.section} *` : 'routes *');
  }
  return touched;
}

/** What operations touch, and the items that they stand before: where these are not as they were seen, somebody is to look. */
export function reliedOn(operations: readonly Operation[]): ReadonlySet<string> {
  const relied = new Set(touchedBy(operations));
  for (const operation of operations)
    if (operation.kind === 'set' && operation.before !== undefined)
      relied.add(`${operation.section} ${operation.before}`);
  return relied;
}

/**
 * Whether a change may follow another that its author did not know of: the two touch nothing in common.
 *
 * @param ours what the change relies on ({@link reliedOn})
 * @param theirs what the other one touched ({@link touchedBy})
 *
 * A change of the mode of matching touches every route.
 */
export function isDisjoint(ours: ReadonlySet<string>, theirs: ReadonlySet<string>): boolean {
  for (const key of theirs) {
    const section = key.slice(0, key.indexOf(' '));
    if (ours.has(key) || ours.has(`${section} *`)) return false;
    if (key.endsWith(' *')) for (const own of ours) if (own.startsWith(`${section} `)) return false;
  }
  return true;
}
