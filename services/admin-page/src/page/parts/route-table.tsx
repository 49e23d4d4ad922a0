import type { ListedRoute, RoutePage } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { addressOf } from './address.ts';
import { CheckedTable, PendingTag, type Selection, SinceCell } from './checked-table.tsx';
import { SortHeader } from './sort-header.tsx';

export interface RouteTableProps {
  readonly page: RoutePage;
  readonly isSearched: boolean;
  readonly mayChange: boolean;
  readonly sort: string;
  readonly onSort: (sort: string) => void;
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
  readonly onDelete: () => void;
}

/** The route table: the receiving domain opens edit (R200, R201). */
export function RouteTable({ page, isSearched, sort, onSort, ...table }: RouteTableProps) {
  const { routes: words } = useWords();
  return (
    <CheckedTable
      {...table}
      rows={page.routes}
      reachesAll={!isSearched}
      keyOf={({ receivingDomain }) => receivingDomain}
      nameOf={({ receivingDomain }) => receivingDomain}
      pendingOf={({ pending }) => pending}
      mayGo={({ receivingDomain }) => receivingDomain !== 'ALL'}
      head={
        <>
          <SortHeader name="receivingDomain" title={words.receivingDomain} sort={sort} onSort={onSort} />
          <SortHeader name="destination" title={words.destinationHosts} sort={sort} onSort={onSort} />
          <SortHeader name="since" title={words.changedIn} sort={sort} onSort={onSort} isNumber />
        </>
      }
      cells={(route) => <RouteCells route={route} mayChange={table.mayChange} />}
    />
  );
}

function RouteCells({ route, mayChange }: { readonly route: ListedRoute; readonly mayChange: boolean }) {
  const { routes: words } = useWords();
  const { receivingDomain, destinations, authProfile, since, pending } = route;
  const name = receivingDomain === 'ALL' ? words.default : receivingDomain;
  return (
    <>
      <th scope="row" class="break">
        {mayChange ? <a href={addressOf(['network', 'smtp-routes', 'edit', receivingDomain])}>{name}</a> : name}
        <PendingTag pending={pending} />
      </th>
      <td class="break">
        {destinations.length === 0 ? <span class="quiet">{words.byMx}</span> : destinations.join(', ')}
        {authProfile === undefined ? null : <small> ({words.auth(authProfile)})</small>}
      </td>
      <SinceCell since={since} />
    </>
  );
}
