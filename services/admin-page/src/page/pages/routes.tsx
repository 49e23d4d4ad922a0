import { useEffect, useState } from 'preact/hooks';
import { listRoutes, submitEdits } from '../api/calls.ts';
import type { Refusal } from '../api/client.ts';
import { addressOf, replaceAddress } from '../parts/address.ts';
import { DeleteRoutes } from '../parts/delete-routes.tsx';
import { Explain } from '../parts/explain.tsx';
import { Problem } from '../parts/notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Pager } from '../parts/pager.tsx';
import { RouteTable, type Selection } from '../parts/route-table.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { useMay, useSigned } from '../parts/session.ts';
import { useLoad } from '../parts/use-load.ts';
import { useWords } from '../words/words.ts';

const LIMIT = 50;
const PLACE = ['network', 'smtp-routes'];
const NOTHING: Selection = { kind: 'some', domains: new Set() };

/** Network > SMTP Routes (R200 to R206). */
export function RoutesPage({ query }: { readonly query: URLSearchParams }) {
  const { routes: words, menu, common } = useWords();
  const { pending, setPending, say } = useSigned();
  const version = query.has('version') ? Number(query.get('version')) : undefined;
  const mayChange = useMay('administrator') && version === undefined;
  const search = query.get('search') ?? '';
  const sort = query.get('sort') ?? 'table';
  const offset = Number(query.get('offset') ?? 0);
  const [selection, setSelection] = useState(NOTHING);
  const [isDeleting, setDeleting] = useState(false);
  const [refused, setRefused] = useState<Refusal>();
  // What others commit and what is submitted elsewhere shows here by itself.
  const key = JSON.stringify([search, sort, offset, version, pending?.version, pending?.count, pending?.baseVersion]);
  const { value, problem, reload } = useLoad(key, () => listRoutes({ search, sort, offset, limit: LIMIT, version }));
  const [shown, setShown] = useState(value);
  useEffect(() => {
    if (value !== undefined) setShown(value);
  }, [value]);
  const show = (changes: Readonly<Record<string, string | number | undefined>>): void =>
    replaceAddress(addressOf(PLACE, { search, sort, offset, version, ...changes }));
  const remove = async (): Promise<void> => {
    setDeleting(false);
    const edits =
      selection.kind === 'all'
        ? [{ kind: 'removeAll' as const }]
        : [...selection.domains].map((receivingDomain) => ({ kind: 'remove' as const, receivingDomain }));
    try {
      setPending(await submitEdits(edits, shown!.version));
      setSelection(NOTHING);
      setRefused(undefined);
      say(words.staged(edits.length));
      reload();
    } catch (error) {
      setRefused(error as Refusal);
    }
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
      <Problem problem={problem ?? refused} />
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
        <DeleteRoutes
          selection={selection}
          total={shown.total}
          onCancel={() => setDeleting(false)}
          onDelete={() => void remove()}
        />
      ) : null}
    </>
  );
}
