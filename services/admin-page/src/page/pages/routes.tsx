import { useState } from 'preact/hooks';
import { listRoutes } from '../api/calls.ts';
import { addressOf, replaceAddress } from '../parts/address.ts';
import { NOTHING } from '../parts/checked-table.tsx';
import { DeleteRows } from '../parts/delete-rows.tsx';
import { Explain } from '../parts/explain.tsx';
import { Problem } from '../parts/notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Pager } from '../parts/pager.tsx';
import { RouteTable } from '../parts/route-table.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { useMay } from '../parts/session.ts';
import { useTable } from '../parts/use-table.ts';
import { useWords } from '../words/words.ts';

const LIMIT = 50;
const PLACE = ['network', 'smtp-routes'];

/** Network > SMTP Routes (R200 to R206). */
export function RoutesPage({ query }: { readonly query: URLSearchParams }) {
  const { routes: words, menu, common } = useWords();
  const version = query.has('version') ? Number(query.get('version')) : undefined;
  const mayChange = useMay('administrator') && version === undefined;
  const search = query.get('search') ?? '';
  const sort = query.get('sort') ?? 'table';
  const offset = Number(query.get('offset') ?? 0);
  const [selection, setSelection] = useState(NOTHING);
  const [isDeleting, setDeleting] = useState(false);
  const { shown, problem, stage } = useTable([search, sort, offset, version], () =>
    listRoutes({ search, sort, offset, limit: LIMIT, version }),
  );
  const show = (changes: Readonly<Record<string, string | number | undefined>>): void =>
    replaceAddress(addressOf(PLACE, { search, sort, offset, version, ...changes }));
  const remove = async (): Promise<void> => {
    setDeleting(false);
    const edits =
      selection.kind === 'all'
        ? [{ kind: 'removeAll' as const }]
        : [...selection.keys].map((receivingDomain) => ({ kind: 'remove' as const, receivingDomain }));
    if (await stage(edits)) setSelection(NOTHING);
  };
  return (
    <>
      <PageHead place={[menu.network]} title={words.title}>
        {mayChange ? (
          <a class="button primary" href={addressOf([...PLACE, 'add'])}>
            {words.add}
          </a>
        ) : null}
        {mayChange ? (
          <a class="button" href={addressOf([...PLACE, 'import'])}>
            {words.import}
          </a>
        ) : null}
        <a class="button" href={addressOf([...PLACE, 'export'], { version })}>
          {words.export}
        </a>
      </PageHead>
      <p>
        {words.intro} {shown === undefined ? null : words.mode[shown.mode]}
      </p>
      {version === undefined ? null : (
        <p class="notice info">
          {words.asOf(version)}. <a href={addressOf(PLACE)}>{words.toNewest}</a>
        </p>
      )}
      <Problem problem={problem} />
      <SearchBox
        label={words.searchLabel}
        text={search}
        onSearch={(text) => {
          setSelection(NOTHING);
          show({ search: text, offset: 0 });
        }}
      />
      {shown === undefined ? (
        <p class="quiet">{common.loading}</p>
      ) : (
        <>
          <RouteTable
            page={shown}
            isSearched={search !== ''}
            mayChange={mayChange}
            sort={sort}
            onSort={(next) => show({ sort: next, offset: 0 })}
            selection={selection}
            onSelect={setSelection}
            onDelete={() => setDeleting(true)}
          />
          {shown.found === 0 ? <p class="quiet">{words.nothingFound}</p> : null}
          <div class="under">
            <p class="hint" role="status">
              {words.found(shown.found, search === '' ? shown.found : shown.total, shown.limit)}
            </p>
            <Pager offset={offset} limit={LIMIT} found={shown.found} onGo={(next) => show({ offset: next })} />
          </div>
        </>
      )}
      <Explain version={version} />
      {isDeleting && shown !== undefined ? (
        <DeleteRows
          title={words.deleteTitle}
          text={selection.kind === 'all' ? words.deleteAll(shown.total - 1) : words.deleteSome(selection.keys.size)}
          selection={selection}
          onCancel={() => setDeleting(false)}
          onDelete={() => void remove()}
        />
      ) : null}
    </>
  );
}
