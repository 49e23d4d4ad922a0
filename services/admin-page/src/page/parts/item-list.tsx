import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { listItems } from '../api/calls.ts';
import type { ItemRow, Items, ItemSection } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { addressOf, replaceAddress } from './address.ts';
import { type SectionPlace, type SectionWords, useArea } from './section-place.ts';
import { CheckedTable, NOTHING, PendingTag, SinceCell } from './checked-table.tsx';
import { DeleteRows } from './delete-rows.tsx';
import { useFaultText } from './field.tsx';
import { Problem } from './notice.tsx';
import { PageHead } from './page-head.tsx';
import { Pager } from './pager.tsx';
import { SearchBox } from './search-box.tsx';
import { useMay } from './session.ts';
import { useTable } from './use-table.ts';

const LIMIT = 50;

export interface Column<T> {
  readonly title: string;
  readonly cell: (item: T) => ComponentChildren;
}

export interface ItemListProps<S extends ItemSection> {
  readonly at: SectionPlace<S>;
  readonly words: SectionWords;
  readonly query: URLSearchParams;
  /** What an item is called by; it opens the form. */
  readonly nameTitle: string;
  readonly nameOf: (item: Items[S]) => string;
  readonly columns: readonly Column<Items[S]>[];
  /** Rows have an order that decides, and are moved in it. */
  readonly isOrdered?: boolean;
  /** Where a section has several lists: which one is shown, and what chooses it. */
  readonly list?: string;
  readonly chooser?: (lists: readonly string[]) => ComponentChildren;
  readonly children?: ComponentChildren;
}

/** A section of the configuration as a table: add, edit, delete, and, where order decides, move. */
export function ItemList<S extends ItemSection>(props: ItemListProps<S>) {
  const { at, words: texts, query, nameTitle, nameOf, columns, isOrdered, list } = props;
  const { section, place } = at;
  const { items: words, routes, common } = useWords();
  const area = useArea(at);
  const faultText = useFaultText();
  const mayChange = useMay('administrator');
  const search = query.get('search') ?? '';
  const offset = Number(query.get('offset') ?? 0);
  const [selection, setSelection] = useState(NOTHING);
  const [isDeleting, setDeleting] = useState(false);
  const { shown, problem, stage } = useTable([search, offset, list], () =>
    listItems(section, { search, offset, limit: LIMIT, list }),
  );
  const show = (changes: Readonly<Record<string, string | number | undefined>>): void =>
    replaceAddress(addressOf(place, { search, offset, list, ...changes }));
  const remove = async (): Promise<void> => {
    setDeleting(false);
    const keys = selection.kind === 'some' ? [...selection.keys] : [];
    if (await stage(keys.map((key) => ({ kind: 'removeItem', section, key })))) setSelection(NOTHING);
  };
  const mayMove = mayChange && isOrdered === true && search === '';
  return (
    <>
      <PageHead place={[area]} title={texts.title}>
        {mayChange ? (
          <a class="button primary" href={addressOf([...place, 'add'], { list })}>
            {texts.add}
          </a>
        ) : null}
      </PageHead>
      <p>{texts.intro}</p>
      <Problem problem={problem} />
      {problem === undefined || problem.faults.length === 0 ? null : (
        <div class="faults" role="alert">
          {problem.faults.map(faultText).map((text) => (
            <p key={text}>{text}</p>
          ))}
        </div>
      )}
      {shown === undefined ? null : props.chooser?.(shown.lists)}
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
          <CheckedTable
            rows={shown.rows}
            keyOf={({ key }) => key}
            nameOf={({ item }) => nameOf(item)}
            pendingOf={({ pending }) => pending}
            mayGo={({ isFixed }) => isFixed !== true}
            mayChange={mayChange}
            isDense
            head={
              <>
                {isOrdered === true ? <th scope="col">{words.order}</th> : null}
                <th scope="col">{nameTitle}</th>
                {columns.map((column) => (
                  <th scope="col" key={column.title}>
                    {column.title}
                  </th>
                ))}
                <th scope="col" class="number since">
                  {routes.changedIn}
                </th>
              </>
            }
            cells={(row) => (
              <>
                {isOrdered === true ? (
                  <OrderCell
                    row={row}
                    name={nameOf(row.item)}
                    mayMove={mayMove}
                    isEnd={
                      row === shown.rows.findLast((each) => each.place !== undefined) && !hasMore(shown.found, offset)
                    }
                    onMove={(to) => void stage([{ kind: 'moveItem', section, key: row.key, place: to }])}
                  />
                ) : null}
                <th scope="row" class="break">
                  {mayChange ? (
                    <a href={addressOf([...place, 'edit', row.key])}>{nameOf(row.item)}</a>
                  ) : (
                    nameOf(row.item)
                  )}
                  <PendingTag pending={row.pending} />
                </th>
                {columns.map((column) => (
                  <td key={column.title} class="fit">
                    {column.cell(row.item)}
                  </td>
                ))}
                <SinceCell since={row.since} />
              </>
            )}
            selection={selection}
            onSelect={setSelection}
            onDelete={() => setDeleting(true)}
          />
          {shown.found === 0 ? (
            <p class="quiet">{search === '' ? (texts.none ?? words.none) : routes.nothingFound}</p>
          ) : null}
          <div class="under">
            <p class="hint" role="status">
              {words.found(shown.found, shown.total)}
            </p>
            <Pager offset={offset} limit={LIMIT} found={shown.found} onGo={(next) => show({ offset: next })} />
          </div>
        </>
      )}
      {props.children}
      {isDeleting && selection.kind === 'some' ? (
        <DeleteRows
          title={words.deleteTitle}
          text={words.deleteText(selection.keys.size)}
          selection={selection}
          onCancel={() => setDeleting(false)}
          onDelete={() => void remove()}
        />
      ) : null}
    </>
  );
}

/** Whether rows with a place may follow a page: the one that stands last has none. */
function hasMore(found: number, offset: number): boolean {
  return found > offset + LIMIT + 1;
}

/** The place of a row, and what moves it. Both buttons stay where they are, so that the focus stays too. */
function OrderCell<T>({
  row: { place, pending },
  name,
  mayMove,
  isEnd,
  onMove,
}: {
  readonly row: ItemRow<T>;
  readonly name: string;
  readonly mayMove: boolean;
  readonly isEnd: boolean;
  readonly onMove: (place: number) => void;
}) {
  const { items: words } = useWords();
  if (place === undefined || pending === 'removed') return <td class="order">–</td>;
  const button = (label: string, sign: string, to: number, isIdle: boolean) => (
    <button
      type="button"
      class="plain"
      aria-label={label}
      title={label}
      aria-disabled={isIdle}
      onClick={() => isIdle || onMove(to)}
    >
      {sign}
    </button>
  );
  return (
    <td class="order">
      <span>{place}</span>
      {mayMove ? (
        <>
          {button(words.moveUp(name), '▲', place - 1, place === 1)}
          {button(words.moveDown(name), '▼', place + 1, isEnd)}
        </>
      ) : null}
    </td>
  );
}
