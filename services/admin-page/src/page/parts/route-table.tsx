import type { ListedRoute, RoutePage } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { addressOf } from './address.ts';
import { SortHeader } from './sort-header.tsx';

/** What is to be deleted: these entries, or every one of the table. */
export type Selection = { readonly kind: 'all' } | { readonly kind: 'some'; readonly domains: ReadonlySet<string> };

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

const mayGo = ({ receivingDomain, pending }: ListedRoute): boolean =>
  receivingDomain !== 'ALL' && pending !== 'removed';

/** The route table: the receiving domain opens edit, a check box a row on the right, `All` in the head (R200, R201). */
export function RouteTable(props: RouteTableProps) {
  const { page, isSearched, mayChange, sort, onSort, selection, onSelect, onDelete } = props;
  const { routes: words, common } = useWords();
  const removable = page.routes.filter(mayGo);
  const isChosen = (domain: string): boolean => selection.kind === 'all' || selection.domains.has(domain);
  const areAll = removable.length > 0 && removable.every(({ receivingDomain }) => isChosen(receivingDomain));
  const shownDomains = (): Set<string> => new Set(removable.map(({ receivingDomain }) => receivingDomain));
  const chooseAll = (isOn: boolean): void => {
    if (!isOn) onSelect({ kind: 'some', domains: new Set() });
    else onSelect(isSearched ? { kind: 'some', domains: shownDomains() } : { kind: 'all' });
  };
  const choose = (domain: string, isOn: boolean): void => {
    const domains = selection.kind === 'all' ? shownDomains() : new Set(selection.domains);
    if (isOn) domains.add(domain);
    else domains.delete(domain);
    onSelect({ kind: 'some', domains });
  };
  const isNone = selection.kind === 'some' && selection.domains.size === 0;
  return (
    <>
      <div class="scroll">
        <table class="routes">
          <thead>
            <tr>
              <SortHeader name="receivingDomain" title={words.receivingDomain} sort={sort} onSort={onSort} />
              <SortHeader name="destination" title={words.destinationHosts} sort={sort} onSort={onSort} />
              <SortHeader name="since" title={words.changedIn} sort={sort} onSort={onSort} isNumber />
              {mayChange ? (
                <th scope="col" class="check">
                  <label>
                    {common.all}{' '}
                    <input
                      type="checkbox"
                      aria-label={isSearched ? words.selectShown : words.selectAll}
                      checked={areAll}
                      disabled={removable.length === 0}
                      onChange={(event) => chooseAll(event.currentTarget.checked)}
                    />
                  </label>
                </th>
              ) : null}
            </tr>
          </thead>
          <tbody>
            {page.routes.map((route) => (
              <tr key={route.receivingDomain} class={route.pending ?? ''}>
                <RouteCells route={route} mayChange={mayChange} />
                {mayChange ? (
                  <td class="check">
                    {mayGo(route) ? (
                      <input
                        type="checkbox"
                        aria-label={words.select(route.receivingDomain)}
                        checked={isChosen(route.receivingDomain)}
                        onChange={(event) => choose(route.receivingDomain, event.currentTarget.checked)}
                      />
                    ) : null}
                  </td>
                ) : null}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {mayChange ? (
        <div class="under end">
          <button type="button" class="danger" disabled={isNone} onClick={onDelete}>
            {common.delete}
          </button>
        </div>
      ) : null}
    </>
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
        {pending === undefined ? null : (
          <>
            {' '}
            <span class={`tag ${pending}`} title={words.pendingMeaning}>
              {words.pending[pending]}
            </span>
          </>
        )}
      </th>
      <td class="break">
        {destinations.length === 0 ? <span class="quiet">{words.byMx}</span> : destinations.join(', ')}
        {authProfile === undefined ? null : <small> ({words.auth(authProfile)})</small>}
      </td>
      <td class="number">
        {since === 0 ? '–' : <a href={addressOf(['system', 'changes', String(since)])}>{since}</a>}
      </td>
    </>
  );
}
