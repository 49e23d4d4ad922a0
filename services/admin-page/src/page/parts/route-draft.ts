import type { Edit, Fault, MatchingMode, Route } from '../api/values.ts';
import { type DestinationRow, emptyRow, isBlank, readRow, writeRow } from './destination-row.ts';

/** Where the mail of an entry goes; `nothing` is the default's alone. */
export type Target = 'hosts' | 'usedns' | 'null' | 'nothing';

/** An entry as it is typed. */
export interface RouteDraft {
  readonly receivingDomain: string;
  readonly target: Target;
  readonly rows: readonly DestinationRow[];
  readonly authProfile: string;
  /** R38: `.example.com USEDNS` beside it, or the dotted twin. */
  readonly hasTwin: boolean;
}

export function emptyDraft(): RouteDraft {
  return { receivingDomain: '', target: 'hosts', rows: [emptyRow()], authProfile: '', hasTwin: false };
}

export function draftOf({ receivingDomain, destinations, authProfile }: Route): RouteDraft {
  const [first] = destinations;
  const target =
    first === undefined ? 'nothing' : first === 'USEDNS' ? 'usedns' : first === '/dev/null' ? 'null' : 'hosts';
  return {
    receivingDomain,
    target,
    rows: target === 'hosts' ? destinations.map(readRow) : [emptyRow()],
    authProfile: authProfile ?? '',
    hasTwin: false,
  };
}

/** The rows that say something; those left blank are no destinations. */
export function filledRows({ rows }: RouteDraft): readonly DestinationRow[] {
  return rows.filter((row) => !isBlank(row));
}

/** The entry that a draft means. */
export function routeOf(draft: RouteDraft): Route {
  const receivingDomain = draft.receivingDomain.trim();
  if (draft.target === 'usedns') return { receivingDomain, destinations: ['USEDNS'] };
  if (draft.target === 'null') return { receivingDomain, destinations: ['/dev/null'] };
  if (draft.target === 'nothing') return { receivingDomain, destinations: [] };
  const route = { receivingDomain, destinations: filledRows(draft).map(writeRow) };
  return draft.authProfile === '' ? route : { ...route, authProfile: draft.authProfile };
}

/**
 * What is submitted.
 *
 * @param editing the receiving domain of the entry that is edited; absent for a new one
 */
export function editsOf(draft: RouteDraft, mode: MatchingMode, editing: string | undefined): readonly Edit[] {
  const route = routeOf(draft);
  if (editing === undefined) {
    const edits: Edit[] = [{ kind: 'set', route, expect: 'absent' }];
    if (draft.hasTwin) {
      const receivingDomain = `.${route.receivingDomain}`;
      const twin = mode === 'covering' ? { receivingDomain, destinations: ['USEDNS'] } : { ...route, receivingDomain };
      edits.push({ kind: 'set', route: twin, expect: 'absent' });
    }
    return edits;
  }
  if (editing === route.receivingDomain) return [{ kind: 'set', route, expect: 'present' }];
  return [{ kind: 'set', route, expect: 'absent', replaces: editing }];
}

const FIELD = /(receivingDomain|authProfile|destinations)(?:\[(\d+)\])?$/;

/** The faults of a field; `destinations` of a row are under the row's place among the filled ones. */
export function faultsOf(faults: readonly Fault[], field: string): readonly Fault[] {
  return faults.filter((fault) => {
    const match = FIELD.exec(fault.field ?? '');
    if (match === null) return field === 'receivingDomain';
    return field === (match[2] === undefined ? match[1] : `${match[1]}[${match[2]}]`);
  });
}
