import type { ComponentChildren } from 'preact';
import { useWords } from '../words/words.ts';

/** What is to be deleted: these rows, or every one of the table. */
export type Selection = { readonly kind: 'all' } | { readonly kind: 'some'; readonly keys: ReadonlySet<string> };

export const NOTHING: Selection = { kind: 'some', keys: new Set() };

export interface CheckedTableProps<T> {
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  /** What a row is called by. */
  readonly nameOf: (row: T) => string;
  /** What is pending of it. */
  readonly pendingOf: (row: T) => string | undefined;
  readonly mayGo: (row: T) => boolean;
  readonly mayChange: boolean;
  /** `All` means every row of the table, on every page; without it those that are shown. */
  readonly reachesAll?: boolean;
  /** It has many columns. */
  readonly isDense?: boolean;
  readonly head: ComponentChildren;
  readonly cells: (row: T) => ComponentChildren;
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
  readonly onDelete: () => void;
}

/** A table in AsyncOS' shape: a check box a row on the right, `All` in the head, Delete below (R201). */
export function CheckedTable<T>(props: CheckedTableProps<T>) {
  const { rows, keyOf, nameOf, pendingOf, mayGo, mayChange, reachesAll = false, isDense = false, head, cells } = props;
  const { selection, onSelect, onDelete } = props;
  const { routes: words, common } = useWords();
  const removable = rows.filter((row) => mayGo(row) && pendingOf(row) !== 'removed').map(keyOf);
  const isChosen = (key: string): boolean => selection.kind === 'all' || selection.keys.has(key);
  const chooseAll = (isOn: boolean): void => {
    if (!isOn) onSelect(NOTHING);
    else onSelect(reachesAll ? { kind: 'all' } : { kind: 'some', keys: new Set(removable) });
  };
  const choose = (key: string, isOn: boolean): void => {
    const keys = new Set(selection.kind === 'all' ? removable : selection.keys);
    if (isOn) keys.add(key);
    else keys.delete(key);
    onSelect({ kind: 'some', keys });
  };
  return (
    <>
      <div class="scroll">
        <table class={isDense ? 'routes dense' : 'routes'}>
          <thead>
            <tr>
              {head}
              {mayChange ? (
                <th scope="col" class="check">
                  <label>
                    {common.all}{' '}
                    <input
                      type="checkbox"
                      aria-label={reachesAll ? words.selectAll : words.selectShown}
                      checked={removable.length > 0 && removable.every(isChosen)}
                      disabled={removable.length === 0}
                      onChange={(event) => chooseAll(event.currentTarget.checked)}
                    />
                  </label>
                </th>
              ) : null}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => {
              const key = keyOf(row);
              return (
                <tr key={key} class={pendingOf(row) ?? ''}>
                  {cells(row)}
                  {mayChange ? (
                    <td class="check">
                      {removable.includes(key) ? (
                        <input
                          type="checkbox"
                          aria-label={words.select(nameOf(row))}
                          checked={isChosen(key)}
                          onChange={(event) => choose(key, event.currentTarget.checked)}
                        />
                      ) : null}
                    </td>
                  ) : null}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {mayChange ? (
        <div class="under end">
          <button
            type="button"
            class="danger"
            disabled={selection.kind === 'some' && selection.keys.size === 0}
            onClick={onDelete}
          >
            {common.delete}
          </button>
        </div>
      ) : null}
    </>
  );
}

/** What is pending of a row, in a word beside its name. */
export function PendingTag({ pending }: { readonly pending: 'added' | 'changed' | 'moved' | 'removed' | undefined }) {
  const { routes: words } = useWords();
  if (pending === undefined) return null;
  return (
    <>
      {' '}
      <span class={`tag ${pending}`} title={words.pendingMeaning}>
        {words.pending[pending]}
      </span>
    </>
  );
}

/** The version that last changed a row, as a link to it. */
export function SinceCell({ since }: { readonly since: number }) {
  return <td class="number since">{since === 0 ? '–' : <a href={`#/system/changes/${since}`}>{since}</a>}</td>;
}
