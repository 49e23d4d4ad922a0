import { type ConfigurationState, itemsOf } from '@mailyard/configuration';
import { isSameTarget, type SmtpRoute, writeRoute } from '@mailyard/smtp-routes';
import type { Draft } from './draft-store.ts';
import { DraftViews } from './draft-views.ts';

/** An entry as the page lists it. */
export interface RouteRow {
  readonly receivingDomain: string;
  readonly destinations: readonly string[];
  readonly authProfile?: string;
  readonly since: number;
  readonly pending?: 'added' | 'changed' | 'removed';
}

export type RouteSort =
  | 'table'
  | 'receivingDomain'
  | '-receivingDomain'
  | 'destination'
  | '-destination'
  | 'since'
  | '-since';

interface Rows {
  readonly after: ConfigurationState;
  readonly rows: readonly RouteRow[];
  readonly sorted: Map<RouteSort, readonly RouteRow[]>;
}

/** The rows of a table with what is pending in it; sorted once for each order. */
export class RouteRows {
  readonly #views = new DraftViews<Rows>((state, after) => ({
    after,
    rows: [...rowsOf(state, after)],
    sorted: new Map(),
  }));

  /** The state with the draft done to it, and its rows. */
  of(state: ConfigurationState, draft?: Draft): Rows {
    return this.#views.of(state, draft);
  }

  list(rows: Rows, sort: RouteSort, search: string): readonly RouteRow[] {
    let sorted = sort === 'table' ? rows.rows : rows.sorted.get(sort);
    if (sorted === undefined) {
      sorted = sortRows(rows.rows, sort);
      rows.sorted.set(sort, sorted);
    }
    if (search === '') return sorted;
    const wanted = search.toLowerCase();
    return sorted.filter(
      ({ receivingDomain, destinations }) =>
        receivingDomain.toLowerCase().includes(wanted) ||
        destinations.some((text) => text.toLowerCase().includes(wanted)),
    );
  }
}

/** Entries in the order of the table, those that are to go among them, the default last. */
function* rowsOf(before: ConfigurationState, after: ConfigurationState): Iterable<RouteRow> {
  const [old, now] = [before.sections.routes, after.sections.routes];
  for (const { item, since } of itemsOf(before, 'routes')) {
    if (item.receivingDomain === 'ALL') continue;
    const other = before === after ? item : now.get(item.receivingDomain)?.item;
    yield rowOf(item, other, since);
  }
  if (before !== after)
    for (const { item } of itemsOf(after, 'routes'))
      if (!old.has(item.receivingDomain)) yield { ...writeRoute(item), since: 0, pending: 'added' };
  const ending = old.get('ALL')!;
  yield rowOf(ending.item, now.get('ALL')!.item, ending.since);
}

function rowOf(item: SmtpRoute, other: SmtpRoute | undefined, since: number): RouteRow {
  if (other === undefined) return { ...writeRoute(item), since, pending: 'removed' };
  if (isSameTarget(item.target, other.target)) return { ...writeRoute(other), since };
  return { ...writeRoute(other), since, pending: 'changed' };
}

function sortRows(rows: readonly RouteRow[], sort: RouteSort): RouteRow[] {
  const sign = sort.startsWith('-') ? -1 : 1;
  const by = sort.replace('-', '');
  const keyOf = (row: RouteRow): string | number =>
    by === 'since' ? row.since : by === 'destination' ? (row.destinations[0] ?? '') : row.receivingDomain;
  const keyed = rows.map((row) => ({ row, key: keyOf(row) }));
  keyed.sort((a, b) => (a.key < b.key ? -sign : a.key > b.key ? sign : 0));
  return keyed.map(({ row }) => row);
}
